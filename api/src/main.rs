//! The binary `tidings`.

use std::process::ExitCode;

// Many small, short-lived values on many threads: what the system's allocator is worst at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tidings_api::cli::main()
}
