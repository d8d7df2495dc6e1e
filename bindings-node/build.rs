//! What linking a Node addon takes.

fn main() {
    napi_build::setup();
}
