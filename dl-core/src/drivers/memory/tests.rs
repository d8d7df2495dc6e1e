use std::sync::atomic::AtomicU64;

use super::*;
use crate::testing::stores::Fixture;

#[tokio::test]
async fn a_name_is_forgotten_with_its_last_opening() {
    let name = "a_name_is_forgotten_with_its_last_opening";
    let seams = Seams::system().unwrap();
    let (one, two) = (open(name, &seams), open(name, &seams));
    drop(one);
    assert!(registry::is_open(name));
    drop(two);
    assert!(!registry::is_open(name));
}

struct Memory(String);

impl Memory {
    fn new() -> Self {
        static NAMES: AtomicU64 = AtomicU64::new(0);
        Self(format!("suite {}", NAMES.fetch_add(1, Ordering::Relaxed)))
    }
}

#[async_trait]
impl Fixture for Memory {
    async fn open(&self) -> Stores {
        open(&self.0, &Seams::system().unwrap())
    }

    async fn fill(&self, full: bool) -> bool {
        fill(&self.0, full);
        true
    }
}

mod metadata_store {
    crate::metadata_suite!(super::Memory::new());
}

mod segment_store {
    crate::segment_suite!(super::Memory::new());
}
