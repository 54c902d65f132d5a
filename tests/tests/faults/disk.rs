//! A disk that is full, and then is not.

use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    process::Command,
};

use tidings_tests::app::{Setup, TestApp};

use super::trouble::Talk;

/// A file system of its own that is soon full, where this process may mount one.
pub(crate) struct SmallDisk {
    pub(crate) directory: PathBuf,
}

impl SmallDisk {
    pub(crate) fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().expect("there is a place for temporary files").keep();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=48m,mode=0700", "tmpfs"]).arg(&directory).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self { directory });
        }
        fs::remove_dir(&directory).expect("it is empty");
        None
    }

    pub(crate) fn ballast(&self) -> PathBuf {
        self.directory.join("ballast")
    }

    /// Fills what is left but for a few hundred kilobytes, which the test itself uses up.
    pub(crate) fn fill(&self) {
        let mut ballast = File::create(self.ballast()).expect("there is room still");
        while ballast.write_all(&[0; 4_096]).is_ok() {}
        let length = ballast.metadata().expect("it is there").len();
        ballast.set_len(length.saturating_sub(300_000)).expect("less always fits");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").args(["--lazy"]).arg(&self.directory).status().ok();
        fs::remove_dir(&self.directory).ok();
    }
}

/// On a small file system, where one can be mounted; else under a limit on the size of files, which the kernel keeps with
/// the same calls failing. Either way the disk is really full.
#[tokio::test]
async fn a_full_disk_refuses_writes_serves_reads_and_loses_nothing() {
    match SmallDisk::mount() {
        Some(disk) => on_a_small_disk(&disk).await,
        None => under_a_limit().await,
    }
}

async fn on_a_small_disk(disk: &SmallDisk) {
    let data_dir = disk.directory.join("data");
    fs::create_dir(&data_dir).expect("the disk is empty");
    let app = TestApp::with(Setup { data_dir: Some(data_dir), ..Setup::default() });
    let mut talk = Talk::begin(app).await;
    disk.fill();
    talk.send_until_refused().await;
    talk.expect_trouble().await;
    fs::remove_file(disk.ballast()).expect("it was put there");
    talk.expect_recovery_and_restart().await;
}

/// Also where a file system can be mounted: another kernel path, and another error.
#[tokio::test]
async fn a_limit_on_the_size_of_files_is_borne_like_a_full_disk() {
    under_a_limit().await;
}

async fn under_a_limit() {
    let app = TestApp::with(Setup { before: ignoring_the_signal("--fsize=6000000:unlimited"), ..Setup::default() });
    let mut talk = Talk::begin(app).await;
    talk.send_until_refused().await;
    talk.expect_trouble().await;
    limit(talk.app.pid(), "--fsize=unlimited:unlimited");
    // what starts again would stand under the limit again
    talk.expect_recovery().await;
}

/// A write beyond the limit also raises SIGXFSZ, which would end the server.
pub(crate) fn ignoring_the_signal(limit: &str) -> Vec<String> {
    ["sh", "-c", "trap '' XFSZ && exec \"$@\"", "sh", "prlimit", limit].map(str::to_owned).to_vec()
}

/// Changes the limit of a server that runs.
pub(crate) fn limit(pid: u32, limit: &str) {
    let changed = Command::new("prlimit").args(["--pid", &pid.to_string(), limit]).status();
    assert!(changed.expect("util-linux is there").success(), "the server is ours and runs");
}
