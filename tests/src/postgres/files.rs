//! A cluster's directory, and who it belongs to.

use std::{fs, io::Write, path::Path, process::Command};

use tempfile::TempDir;

use super::process::program_path;

/// Who the server runs as: PostgreSQL refuses to run as root.
#[derive(Debug, Clone, Copy)]
pub(super) enum Owner {
    /// Whoever runs the tests.
    Ourselves,
    /// The user `postgres`, by its numbers, because the tests run as root.
    Postgres { uid: u32, gid: u32 },
}

impl Owner {
    pub(super) fn find() -> Self {
        let status = fs::read_to_string("/proc/self/status").expect("Linux tells who we are");
        let root = status.lines().any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"));
        if !root {
            return Self::Ourselves;
        }
        let users = fs::read_to_string("/etc/passwd").expect("there is a list of users");
        let numbers = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let (uid, gid) = (fields.nth(1)?, fields.next()?);
            (name == "postgres").then(|| Some((uid.parse().ok()?, gid.parse().ok()?))).flatten()
        });
        let (uid, gid) = numbers.expect("as root, the tests run PostgreSQL as the user `postgres`: there is one");
        Self::Postgres { uid, gid }
    }

    /// A program to be run as this owner.
    pub(super) fn command(self, program: &Path) -> Command {
        match self {
            Self::Ourselves => Command::new(program),
            Self::Postgres { uid, gid } => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]);
                command.arg(program);
                command
            }
        }
    }
}

/// Everything of one cluster.
#[derive(Debug)]
pub(super) struct Files {
    owner: Owner,
    directory: TempDir,
}

impl Files {
    pub(super) fn new(owner: Owner) -> Self {
        let directory = tempfile::Builder::new().prefix("tidings-pg-").tempdir().expect("a place for temporary files");
        if let Owner::Postgres { uid, gid } = owner {
            std::os::unix::fs::chown(directory.path(), Some(uid), Some(gid)).expect("root may");
        }
        Self { owner, directory }
    }

    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The path of the server's own data.
    pub(super) fn data(&self) -> String {
        self.path("data", None)
    }

    /// The path of a file, with this content when there is one.
    pub(super) fn path(&self, name: &str, content: Option<&str>) -> String {
        let path = self.directory().join(name);
        if let Some(content) = content {
            fs::write(&path, content).expect("the directory is there");
        }
        path.to_str().expect("a plain path").to_owned()
    }

    pub(super) fn append(&self, name: &str, text: &str) {
        let file = fs::OpenOptions::new().append(true).open(self.directory().join(name));
        file.and_then(|mut file| file.write_all(text.as_bytes())).expect("the file is there");
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory().join(name)).unwrap_or_default()
    }

    /// A command that the owner runs in the directory.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = self.owner.command(program);
        command.current_dir(self.directory()).env("LC_ALL", "C");
        command
    }

    /// Runs a program of PostgreSQL; must succeed.
    pub(super) fn run(&self, name: &str, arguments: &[&str], more: &[&str]) {
        let output = self.command(&program_path(name)).args(arguments).args(more).output().expect("it can be run");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
