//! The `tidings` program under test.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The program that `PROGRAM_UNDER_TEST` names; else the one beside this test's own executable, built anew if it is not as its
/// source says.
///
/// Cargo tells a test where the programs of its own package are, and no others. So the test asks cargo, once a process; when
/// nothing is to be built, that takes a moment. Both packages are named, so that most of their dependencies have the same
/// features as in the tests' own build. `tests/run` has built all at once, and names what came of it.
pub(super) fn tidings() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(named) = env::var_os("PROGRAM_UNDER_TEST") {
            return named.into();
        }
        let me = env::current_exe().expect("this is a program");
        // target/<profile>/deps/<test>
        let directory = me.ancestors().nth(2).expect("tests are built into target/<profile>/deps");
        build(directory);
        let program = directory.join("tidings");
        assert!(program.is_file(), "cargo did not build {}", program.display());
        program
    })
}

fn build(directory: &Path) {
    let target = directory.parent().expect("target/<profile>");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--bin", "tidings", "-p", "tidings-api", "-p", "tidings-tests", "--target-dir"]);
    cargo.arg(target).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    match directory.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => {}
        Some(profile) => {
            cargo.args(["--profile", profile]);
        }
    }
    // what `cargo test` sets for this test is not meant for another build
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO_CRATE_NAME" {
            cargo.env_remove(&name);
        }
    }
    let status = cargo.status().expect("cargo runs: it runs the tests");
    assert!(status.success(), "the program under test does not build");
}
