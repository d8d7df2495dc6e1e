//! The files of a namespace, and copies of them with one bit changed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const BLOCK_BYTES: usize = 4_096;
const SECTOR_BYTES: usize = 512;
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

/// Bytes that say something, and a few others, evenly chosen.
pub(crate) fn places(image: &Image, default: usize) -> Vec<Place> {
    let said = |file: &[u8]| (0..file.len()).filter(|at| file[*at] != 0 || at % ZEROS == 0).collect();
    choose(image, default, said)
}

/// Every byte of each sector that was written and one of each that was not, of which so many are chosen evenly.
pub(crate) fn places_of_sectors(image: &Image, default: usize) -> Vec<Place> {
    let tried = |file: &[u8]| {
        let sectors = file.chunks(SECTOR_BYTES).enumerate();
        let at = sectors.flat_map(|(number, sector)| {
            let unused = sector.iter().all(|byte| *byte == 0);
            let one = number % sector.len();
            let here = if unused { one..one + 1 } else { 0..sector.len() };
            here.map(move |at| number * SECTOR_BYTES + at)
        });
        at.collect()
    };
    choose(image, default, tried)
}

fn choose(image: &Image, default: usize, all: impl Fn(&[u8]) -> Vec<usize>) -> Vec<Place> {
    let places = image.iter().flat_map(|(file, bytes)| {
        all(bytes).into_iter().map(|at| Place { file: file.clone(), at, mask: 1 << (at % 8) })
    });
    let places: Vec<_> = places.collect();
    let wanted = match std::env::var("DL_BIT_FLIPS") {
        Ok(text) if text == "all" => places.len(),
        Ok(text) => text.parse().unwrap(),
        Err(_) => default,
    };
    let step = places.len().div_ceil(wanted);
    // Another one in each step, not to meet the same byte of every sector.
    let chosen = places.into_iter().enumerate().filter(|(at, _)| at % step == at / step * 7 % step);
    chosen.map(|(_, place)| place).collect()
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
