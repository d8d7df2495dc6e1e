//! Commits and snapshots as bytes.
//!
//! Numbers are LEB128. A path is the number of bytes it shares with the path before it and the bytes that follow, so
//! that the creation of a log takes little more than its name.

use std::borrow::Cow;

use crate::error::{Error, Result};
use crate::metadata::{Expect, NodePath, Session, Stored, TreeOp, Version};

const CREATE: u8 = 1;
const SET: u8 = 2;
const DELETE: u8 = 3;
const CHECK: u8 = 4;
const END: u8 = 5;

/// Appends a list of operations.
pub(super) fn encode_ops(ops: &[TreeOp<'_>], to: &mut Vec<u8>) {
    let mut before = "";
    number(ops.len() as u64, to);
    for op in ops {
        match *op {
            TreeOp::Create { path, data, owner } => {
                to.push(CREATE);
                before = encode_path(path, before, to);
                bytes(data, to);
                encode_owner(owner, to);
            }
            TreeOp::Set { path, data, expect } => {
                to.push(SET);
                before = encode_path(path, before, to);
                bytes(data, to);
                encode_expect(expect, to);
            }
            TreeOp::Delete { path, expect } | TreeOp::Check { path, expect } => {
                to.push(if matches!(op, TreeOp::Delete { .. }) { DELETE } else { CHECK });
                before = encode_path(path, before, to);
                encode_expect(expect, to);
            }
            TreeOp::End { session } => {
                to.push(END);
                encode_owner(Some(session), to);
            }
        }
    }
}

/// An operation as read, which owns its path.
pub(super) struct ReadOp<'a> {
    path: String,
    step: ReadStep<'a>,
}

enum ReadStep<'a> {
    Create { data: &'a [u8], owner: Option<Session> },
    Set { data: &'a [u8], expect: Expect },
    Delete { expect: Expect },
    Check { expect: Expect },
    End { session: Session },
}

impl ReadOp<'_> {
    /// The operation.
    pub(super) fn op(&self) -> Result<TreeOp<'_>> {
        let path = || NodePath::new(&self.path).map_err(|_| unreadable());
        Ok(match self.step {
            ReadStep::Create { data, owner } => TreeOp::Create { path: path()?, data, owner },
            ReadStep::Set { data, expect } => TreeOp::Set { path: path()?, data, expect },
            ReadStep::Delete { expect } => TreeOp::Delete { path: path()?, expect },
            ReadStep::Check { expect } => TreeOp::Check { path: path()?, expect },
            ReadStep::End { session } => TreeOp::End { session },
        })
    }
}

/// Reads a list of operations.
pub(super) fn decode_ops(from: &[u8]) -> Result<Vec<ReadOp<'_>>> {
    let mut from = Reader(from);
    let count = from.number()?;
    let mut ops: Vec<ReadOp<'_>> = Vec::new();
    for _ in 0..count {
        let kind = from.byte()?;
        let path = if kind == END {
            String::new()
        } else {
            from.path(ops.iter().rev().find(|op| !op.path.is_empty()).map_or("", |op| &op.path))?
        };
        let step = match kind {
            CREATE => ReadStep::Create { data: from.bytes()?, owner: from.owner()? },
            SET => ReadStep::Set { data: from.bytes()?, expect: from.expect()? },
            DELETE => ReadStep::Delete { expect: from.expect()? },
            CHECK => ReadStep::Check { expect: from.expect()? },
            END => ReadStep::End { session: from.owner()?.ok_or_else(unreadable)? },
            _ => return Err(unreadable()),
        };
        ops.push(ReadOp { path, step });
    }
    Ok(ops)
}

/// Appends a node of a snapshot.
pub(super) fn encode_node(node: &Stored<'_>, to: &mut Vec<u8>) {
    number(node.depth as u64, to);
    bytes(node.name.as_bytes(), to);
    bytes(node.data, to);
    number(node.version.created, to);
    number(node.version.changes, to);
    encode_owner(node.owner, to);
}

/// Visits the nodes of a piece of a snapshot.
pub(super) fn decode_nodes(from: &[u8], mut visit: impl FnMut(Stored<'_>) -> Result<()>) -> Result<()> {
    let mut from = Reader(from);
    while !from.0.is_empty() {
        visit(Stored {
            depth: usize::try_from(from.number()?).map_err(|_| unreadable())?,
            name: std::str::from_utf8(from.bytes()?).map_err(|_| unreadable())?,
            data: from.bytes()?,
            version: Version { created: from.number()?, changes: from.number()? },
            owner: from.owner()?,
        })?;
    }
    Ok(())
}

/// Appends a number.
pub(super) fn number(mut value: u64, to: &mut Vec<u8>) {
    while value >= 0x80 {
        to.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    to.push(value.to_le_bytes()[0]);
}

/// Reads a number that is all there is.
pub(super) fn decode_number(from: &[u8]) -> Result<u64> {
    Reader(from).number()
}

fn bytes(value: &[u8], to: &mut Vec<u8>) {
    number(value.len() as u64, to);
    to.extend_from_slice(value);
}

fn encode_path<'a>(path: NodePath<'a>, before: &str, to: &mut Vec<u8>) -> &'a str {
    let path = path.as_str();
    let shared = path.bytes().zip(before.bytes()).take_while(|(a, b)| a == b).count();
    number(shared as u64, to);
    bytes(&path.as_bytes()[shared..], to);
    path
}

fn encode_expect(expect: Expect, to: &mut Vec<u8>) {
    match expect {
        Expect::Any => to.push(0),
        Expect::Version(version) => {
            to.push(1);
            number(version.created, to);
            number(version.changes, to);
        }
    }
}

fn encode_owner(owner: Option<Session>, to: &mut Vec<u8>) {
    // 0 stands for no session.
    to.extend_from_slice(&owner.map_or(0, |session| session.0).to_le_bytes());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(unreadable)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(unreadable())
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let count = usize::try_from(self.number()?).map_err(|_| unreadable())?;
        self.take(count)
    }

    fn path(&mut self, before: &str) -> Result<String> {
        let shared = usize::try_from(self.number()?).map_err(|_| unreadable())?;
        let mut path = before.as_bytes().get(..shared).ok_or_else(unreadable)?.to_vec();
        path.extend_from_slice(self.bytes()?);
        String::from_utf8(path).map_err(|_| unreadable())
    }

    fn expect(&mut self) -> Result<Expect> {
        match self.byte()? {
            0 => Ok(Expect::Any),
            1 => Ok(Expect::Version(Version { created: self.number()?, changes: self.number()? })),
            _ => Err(unreadable()),
        }
    }

    fn owner(&mut self) -> Result<Option<Session>> {
        let session = u128::from_le_bytes(self.take(16)?.try_into().map_err(|_| unreadable())?);
        Ok((session != 0).then_some(Session(session)))
    }
}

fn unreadable() -> Error {
    Error::corrupt(Cow::Borrowed(
        "the metadata log holds what no build ever wrote; run `dl verify` on the namespace",
    ))
}
