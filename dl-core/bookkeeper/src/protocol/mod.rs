//! What one bookie is asked and what it answers, whatever version of the protocol carries it. No I/O.

mod entries;
mod request;
mod response;
mod status;

pub use entries::{EntryGroup, EntryList};
pub use request::{
    AddRequest, AuthMessage, BatchReadRequest, BookieInfoRequest, EncodedEntry, LongPoll, Operation,
    Priority, ReadMode, ReadRequest, Request, WriteLacRequest,
};
pub use response::{BatchReadResponse, BookieInfo, ReadLacResponse, ReadResponse, Response};
pub use status::Status;
