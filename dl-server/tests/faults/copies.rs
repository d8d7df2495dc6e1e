//! Two copies of the library in one process, as when two extensions link it statically.

use std::ffi::{CString, c_char, c_int};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use dl_core::{ErrorKind, file_uri};

use super::{Acked, append, log_name, open, read, run, same, writer};

type OpenFn = unsafe extern "C" fn(*const c_char) -> c_int;

#[test]
fn a_second_copy_of_the_library_is_refused_a_directory_that_the_first_has_open() {
    let folder = tempfile::tempdir().unwrap();
    let copies = [load(&folder.path().join("one.so")), load(&folder.path().join("two.so"))];
    assert_ne!(copies[0] as usize, copies[1] as usize, "the loader took them for one");
    let unsupported = c_int::from(ErrorKind::Unsupported.number());
    // Ours first, theirs second.
    let ours = folder.path().join("ours");
    run(async {
        let namespace = open(&ours).await.unwrap();
        let log = namespace.log(&log_name("a"));
        let writer = writer(&log).await.unwrap();
        let mut acked = Acked::new();
        for (number, copy) in copies.into_iter().enumerate() {
            append(&writer, format!("{number}").into_bytes(), &mut acked).await.unwrap();
            assert_eq!(call(copy, &ours), unsupported);
            append(&writer, format!("{number} still").into_bytes(), &mut acked).await.unwrap();
        }
        // Another handle of the same copy is welcome.
        let another = open(&ours).await.unwrap();
        same(&read(&another.log(&log_name("a"))).await.unwrap(), &acked);
        another.close().await.unwrap();
        namespace.close().await.unwrap();
    });
    assert_eq!(call(copies[0], &ours), 0, "nobody else has it open");
    assert_eq!(call(copies[1], &ours), unsupported);
    // Theirs first, ours second.
    let theirs = folder.path().join("theirs");
    assert_eq!(call(copies[1], &theirs), 0);
    run(async {
        let refused = open(&theirs).await.map(drop).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused:?}");
    });
}

fn call(open: OpenFn, directory: &Path) -> c_int {
    let uri = format!("{}?journal_bytes=4MiB&unsafe_filesystem=true", file_uri(directory).unwrap());
    let uri = CString::new(uri).unwrap();
    // SAFETY: the string ends in a zero byte and lives through the call.
    #[allow(unsafe_code, reason = "a function of a loaded library")]
    unsafe {
        open(uri.as_ptr())
    }
}

/// Loads a copy of the library from a file of its own: the loader loads one file once.
#[allow(unsafe_code, reason = "std loads no libraries")]
fn load(at: &Path) -> OpenFn {
    std::fs::copy(built(), at).unwrap();
    let path = CString::new(at.as_os_str().as_bytes()).unwrap();
    // SAFETY: the path ends in a zero byte, and what the library does when it is loaded is what any of Rust does.
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    assert!(!library.is_null(), "{} cannot be loaded", at.display());
    // SAFETY: the library is never unloaded.
    let symbol = unsafe { libc::dlsym(library, c"dl_test_open".as_ptr()) };
    assert!(!symbol.is_null());
    // SAFETY: the symbol is that function.
    unsafe { std::mem::transmute::<*mut libc::c_void, OpenFn>(symbol) }
}

/// Where cargo put the library: beside the folder of this program.
fn built() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let path = program.ancestors().nth(2).unwrap().join("examples/liblibrary_copy.so");
    assert!(path.exists(), "{} is missing; cargo test --examples builds it", path.display());
    path
}
