//! Whether the bookies let us in, before anything is made that would be left behind if they do not.

use super::BookKeeper;
use super::post::Post;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{BookieInfoRequest, Request};

/// How many bookies are asked first: one answer is enough, and a cluster may have hundreds.
const FIRST: usize = 5;

/// After how long without an answer that lets us in others are asked, too: bookies that a firewall hides stay silent until
/// the connection's time is up.
const OTHERS_AFTER_MS: u64 = 500;

impl BookKeeper {
    /// Asks some registered bookies for something small, and others too if none of those lets us in soon, until one does.
    ///
    /// Bookies that are silent or cannot be reached say nothing of it: they may be back when they are needed.
    ///
    /// # Errors
    /// `security` or `unauthorized` if bookies refuse us and none lets us in; those of the registry.
    pub async fn greet(&self) -> Result<()> {
        let bookies = self.bookies().await?;
        let mut post = Post::new(self.0.clone());
        let request = Request::BookieInfo(BookieInfoRequest { total: true, free: false });
        let (mut asked, mut ended, mut refusal) = (0, 0, None);
        let mut others_at_ms = Some(0);
        while ended < bookies.len() {
            let now_ms = self.0.now_ms();
            if ended == asked || others_at_ms.is_some_and(|at| now_ms >= at) {
                // As many as before: few where one of the next answers, and soon all where none does.
                let more = bookies.iter().skip(asked).take(asked.max(FIRST));
                more.for_each(|bookie| post.send(&bookie.id, bookie.id.clone(), &request));
                asked = bookies.len().min(asked + asked.max(FIRST));
                others_at_ms = (asked < bookies.len()).then(|| now_ms + OTHERS_AFTER_MS);
            }
            let Some((bookie, answer)) = post.next(others_at_ms).await else { continue };
            ended += 1;
            let Err(error) = answer else { return Ok(()) };
            match error.kind() {
                ErrorKind::Security => refusal = Some(error.at_bookie(&bookie)),
                ErrorKind::Unauthorized => refusal = Some(self.stranger(error).at_bookie(&bookie)),
                ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Busy => {}
                ErrorKind::Closed => return Err(error),
                // It understood us well enough to say no.
                _ => return Ok(()),
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
