//! A cursor of a log.

use dl_core::{Cursor, CursorInfo};
use napi_derive::napi;

use crate::settler::Settler;
use crate::values::position;

/// A handle on a cursor.
#[napi]
pub struct NativeCursor {
    settler: Settler,
    cursor: Cursor,
}

impl NativeCursor {
    pub(crate) fn new(settler: &Settler, cursor: Cursor) -> Self {
        Self { settler: settler.clone(), cursor }
    }
}

/// A cursor as it was found.
#[napi(object, object_from_js = false)]
pub struct NativeCursorInfo {
    /// Its name.
    pub name: String,
    /// The record that was processed last, as text.
    pub position: Option<String>,
    /// Who reads with it alone.
    pub owner: Option<String>,
}

impl From<CursorInfo> for NativeCursorInfo {
    fn from(info: CursorInfo) -> Self {
        Self {
            name: info.name.to_string(),
            position: info.position.map(|dlsn| dlsn.to_string()),
            owner: info.owner,
        }
    }
}

#[napi]
impl NativeCursor {
    /// Its name.
    #[napi(catch_unwind)]
    pub fn name(&self) -> String {
        self.cursor.name().to_string()
    }

    /// The record that was processed last.
    #[napi(catch_unwind)]
    pub fn position(&self, call: f64) {
        let cursor = self.cursor.clone();
        self.settler.start(call, async move { Ok(cursor.position().await?.map(|dlsn| dlsn.to_string())) });
    }

    /// Moves it forward.
    #[napi(catch_unwind)]
    pub fn advance(&self, call: f64, to: String) {
        let cursor = self.cursor.clone();
        self.settler
            .start(call, async move { Ok(cursor.advance(position("advance", &to)?).await?.to_string()) });
    }

    /// Moves it anywhere.
    #[napi(catch_unwind)]
    pub fn reset(&self, call: f64, to: String) {
        let cursor = self.cursor.clone();
        self.settler.start(call, async move { cursor.reset(position("reset", &to)?).await });
    }

    /// Removes it.
    #[napi(catch_unwind)]
    pub fn remove(&self, call: f64) {
        let cursor = self.cursor.clone();
        self.settler.start(call, async move { cursor.delete().await });
    }
}
