//! Whether the bookies let us in, before anything is made that would be left behind if they do not.

use super::BookKeeper;
use super::post::Post;
use crate::error::{ErrorKind, Result};
use crate::protocol::{BookieInfoRequest, Request};

impl BookKeeper {
    /// Asks every registered bookie for something small, until one answers.
    ///
    /// Bookies that are silent or cannot be reached say nothing of it: they may be back when they are needed.
    ///
    /// # Errors
    /// `security` or `unauthorized` if bookies refuse us and none lets us in; those of the registry.
    pub async fn greet(&self) -> Result<()> {
        let bookies = self.bookies().await?;
        let mut post = Post::new(self.0.clone());
        let request = Request::BookieInfo(BookieInfoRequest { total: true, free: false });
        for bookie in &bookies {
            post.send(&bookie.id, bookie.id.clone(), &request);
        }
        let mut refusal = None;
        for _ in &bookies {
            let Some((bookie, Err(error))) = post.next(None).await else { return Ok(()) };
            match error.kind() {
                ErrorKind::Security | ErrorKind::Unauthorized => refusal = Some(error.at_bookie(&bookie)),
                ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Busy => {}
                ErrorKind::Closed => return Err(error),
                // It understood us well enough to say no.
                _ => return Ok(()),
            }
        }
        refusal.map_or(Ok(()), Err)
    }
}
