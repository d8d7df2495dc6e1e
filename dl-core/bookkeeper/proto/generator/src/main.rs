//! Writes src/proto/generated.rs from proto/bookkeeper.proto (`--check`: says whether it is current). No protoc needed.

use std::path::Path;
use std::process::ExitCode;
use std::{error::Error, fs, io};

fn main() -> ExitCode {
    let check = std::env::args().nth(1).is_some_and(|argument| argument == "--check");
    match run(check) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("src/proto/generated.rs is not what proto/bookkeeper.proto says: run proto/generate");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("generator: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the file, or says whether it is current.
fn run(check: bool) -> Result<bool, Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = here.join("../../src/proto/generated.rs");
    let code = generate(&here.join(".."))?;
    if check {
        return Ok(fs::read_to_string(file)? == code);
    }
    fs::write(file, code)?;
    Ok(true)
}

fn generate(folder: &Path) -> Result<String, Box<dyn Error>> {
    let mut descriptors = protox::compile(["bookkeeper.proto"], [folder])?;
    let mut config = prost_build::Config::new();
    // A body is a slice of the frame it came in.
    config.bytes(["."]);
    let file = descriptors.file.remove(0);
    let module = prost_build::Module::from_protobuf_package_name(file.package());
    let mut modules = config.generate(vec![(module.clone(), file)])?;
    let code = modules.remove(&module).ok_or_else(|| io::Error::other("the package is missing"))?;
    Ok(code)
}
