//! The files of a namespace, and copies of them with one bit changed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const BLOCK_BYTES: usize = 4_096;
/// Of the bytes that are zero, one in so many is tried.
const ZEROS: usize = 4_001;

/// The files of a namespace.
pub(crate) type Image = BTreeMap<PathBuf, Vec<u8>>;

/// A byte of a file, and the bit to change in it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    pub(crate) at: usize,
    pub(crate) mask: u8,
}

/// The bytes to try, evenly chosen.
pub(crate) fn places(image: &Image, default: usize) -> Vec<Place> {
    let mut places = Vec::new();
    for (file, bytes) in image {
        let chosen = bytes.iter().enumerate().filter(|(at, byte)| **byte != 0 || at % ZEROS == 0);
        places.extend(chosen.map(|(at, _)| Place { file: file.clone(), at, mask: 1 << (at % 8) }));
    }
    let wanted = match std::env::var("DL_BIT_FLIPS") {
        Ok(text) if text == "all" => places.len(),
        Ok(text) => text.parse().unwrap(),
        Err(_) => default,
    };
    let step = places.len().div_ceil(wanted);
    places.into_iter().step_by(step).collect()
}

/// In memory where there is such a place: what is tried here does not depend on a disk.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

pub(crate) fn image(root: &Path) -> Image {
    let mut image = Image::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                image.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    image
}

/// Makes the files, with holes for blocks of zeros.
pub(crate) fn copy(image: &Image, place: Option<&Place>, root: &Path) {
    for folder in ["journals", "metadata", "segments", "sessions"] {
        fs::create_dir(root.join(folder)).unwrap();
    }
    for (name, bytes) in image {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = fs::File::create_new(path).unwrap();
        file.set_len(bytes.len() as u64).unwrap();
        for (number, block) in bytes.chunks(BLOCK_BYTES).enumerate() {
            if block.iter().any(|byte| *byte != 0) {
                file.write_all_at(block, (number * BLOCK_BYTES) as u64).unwrap();
            }
        }
        if let Some(Place { at, mask, .. }) = place.filter(|place| place.file == *name) {
            file.write_all_at(&[bytes[*at] ^ mask], *at as u64).unwrap();
        }
    }
}
