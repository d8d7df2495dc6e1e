//! Whether the bookies let us in, before anything is made that would be left behind if they do not.

use super::BookKeeper;
use super::post::Post;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{BookieInfoRequest, Request};

/// How many bookies are asked first: one answer is enough, and a cluster may have hundreds.
const FIRST: usize = 5;

impl BookKeeper {
    /// Asks some registered bookies for something small, and all others if none of them answers, until one does.
    ///
    /// Bookies that are silent or cannot be reached say nothing of it: they may be back when they are needed.
    ///
    /// # Errors
    /// `security` or `unauthorized` if bookies refuse us and none lets us in; those of the registry.
    pub async fn greet(&self) -> Result<()> {
        let bookies = self.bookies().await?;
        let mut post = Post::new(self.0.clone());
        let request = Request::BookieInfo(BookieInfoRequest { total: true, free: false });
        let mut refusal = None;
        let (first, others) = bookies.split_at(bookies.len().min(FIRST));
        for some in [first, others] {
            for bookie in some {
                post.send(&bookie.id, bookie.id.clone(), &request);
            }
            for _ in some {
                let Some((bookie, Err(error))) = post.next(None).await else { return Ok(()) };
                match error.kind() {
                    ErrorKind::Security => refusal = Some(error.at_bookie(&bookie)),
                    ErrorKind::Unauthorized => refusal = Some(self.stranger(error).at_bookie(&bookie)),
                    ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Busy => {}
                    ErrorKind::Closed => return Err(error),
                    // It understood us well enough to say no.
                    _ => return Ok(()),
                }
            }
        }
        refusal.map_or(Ok(()), Err)
    }

    /// What a bookie means that refuses us before any ledger is spoken of.
    fn stranger(&self, error: Error) -> Error {
        if self.0.options.connection.credentials.is_some() {
            return error;
        }
        let message = "the bookie lets in only who shows a name and a password (SASL); connect with them";
        Error::new(ErrorKind::Unauthorized, message).caused_by(error)
    }
}
