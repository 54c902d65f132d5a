//! Files that cannot be written, and then can again.

use std::{
    fs::OpenOptions,
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::Command,
};

use tidings_tests::app::{Setup, TestApp};

use super::{
    disk::{ignoring_the_signal, limit},
    trouble::Talk,
};

/// Files that nobody can write, not even root who has them open.
struct Immutable(Vec<PathBuf>);

impl Immutable {
    /// None where the file system or the rights do not allow it.
    fn make(data_dir: &Path, files: Vec<PathBuf>) -> Option<Self> {
        let probe = data_dir.join("probe");
        let mut open = OpenOptions::new().create(true).truncate(true).write(true).open(&probe).expect("it is writable");
        open.write_all(b"before").expect("there is room");
        let made = chattr("+i", &probe);
        let refused = open.seek(SeekFrom::Start(0)).and_then(|_| open.write_all(b"after")).is_err();
        let unmade = !made || chattr("-i", &probe);
        std::fs::remove_file(&probe).expect("it is ours");
        (made && refused && unmade).then(|| {
            assert!(files.iter().all(|file| chattr("+i", file)), "what works for one works for all");
            Self(files)
        })
    }
}

impl Drop for Immutable {
    fn drop(&mut self) {
        for file in &self.0 {
            chattr("-i", file);
        }
    }
}

fn chattr(change: &str, file: &Path) -> bool {
    Command::new("chattr").arg(change).arg(file).output().is_ok_and(|output| output.status.success())
}

/// With immutable files where they can be made; else under a limit that refuses every write to a file. Either way the
/// kernel refuses to write.
#[tokio::test]
async fn a_data_directory_that_became_read_only_refuses_writes_serves_reads_and_loses_nothing() {
    let app = TestApp::with(Setup { before: ignoring_the_signal("--fsize=unlimited:unlimited"), ..Setup::default() });
    let mut talk = Talk::begin(app).await;
    // but not the shared memory, which is no data: touching it then would end the process, as it would any program
    let is_data = |file: &PathBuf| {
        let name = file.to_string_lossy();
        name.contains(".db") && !name.ends_with("-shm")
    };
    let stores = talk.app.data_files().into_iter().filter(is_data).collect();
    let data_dir = talk.app.data_dir().to_owned();
    let made = Immutable::make(&data_dir, stores);
    let pid = talk.app.pid();
    if made.is_none() {
        limit(pid, "--fsize=0:unlimited");
    }
    talk.expect_trouble().await;
    talk.expect_nothing_is_written().await;
    drop(made);
    limit(pid, "--fsize=unlimited:unlimited");
    talk.expect_recovery_and_restart().await;
}
