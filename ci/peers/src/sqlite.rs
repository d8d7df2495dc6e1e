//! SQLite, as one would keep an ordered log in it: durable after each transaction.

use std::fs;

use rusqlite::Connection;

use crate::meter::{Done, Meter, Payloads};
use crate::{Load, Outcome};

pub(crate) fn measure(load: &Load) -> Outcome<()> {
    let directory = load.directory.join("sqlite");
    fs::create_dir(&directory)?;
    let database = Connection::open(directory.join("log"))?;
    database.pragma_update(None, "journal_mode", "wal")?;
    database.pragma_update(None, "synchronous", "full")?;
    database.execute("CREATE TABLE log (number INTEGER PRIMARY KEY, payload BLOB NOT NULL)", [])?;
    let mut insert = database.prepare("INSERT INTO log (payload) VALUES (?1)")?;
    let mut payloads = Payloads::new(load.bytes, 1);
    insert.execute([payloads.next()])?;
    let meter = Meter::start()?;
    let done = Done::repeat(load.seconds, || Ok(insert.execute([payloads.next()]).map(drop)?))?;
    meter.stop("sqlite", "one at a time", load, &done)?;
    drop(insert);
    database.close().map_err(|(_, error)| error)?;
    Ok(fs::remove_dir_all(directory)?)
}
