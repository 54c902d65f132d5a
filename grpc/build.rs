//! Rust from the protocol's `.proto` files, by protox: nothing has to be installed.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = protox::compile(["streams.proto", "gossip.proto", "serverfeatures.proto"], ["proto"])?;
    tonic_prost_build::configure()
        .bytes(".")
        .include_file("protocol.rs")
        .build_client(false)
        .emit_rerun_if_changed(false)
        .compile_fds(files)?;
    Ok(())
}
