//! Ctrl-C while something is being written: the process dies of it, and nothing is left that was not there before.

use crate::harness::analyzer;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SIGINT: i32 = 2;

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The trace is a pipe that nobody writes to, so the command waits, with its output begun; for `slice`, which takes no pipe, it is
/// a file of 64 GiB, all of it a hole but for its start.
#[test]
fn an_interrupted_command_leaves_nothing_half_written() {
    for command in ["report", "slice"] {
        let folder = TempDir::new().unwrap();
        let (trace, out) = (folder.path().join("trace.json"), folder.path().join("out"));
        if command == "slice" {
            std::fs::write(&trace, "{\"traceEvents\": [").unwrap();
            File::options().write(true).open(&trace).unwrap().set_len(64 << 30).unwrap();
        } else {
            assert!(Command::new("mkfifo").arg(&trace).status().unwrap().success());
        }
        let mut arguments = vec![command.into(), trace.into_os_string(), "--out".into(), out.into_os_string()];
        if command == "slice" {
            arguments.extend(["--time".into(), "0s..1s".into()]);
        }
        let mut child = analyzer(arguments).spawn();
        let started = Instant::now();
        while names(folder.path()).iter().all(|name| !name.starts_with(".analyzer-")) {
            assert!(started.elapsed() < Duration::from_secs(60), "{command} does not begin");
            assert!(child.try_wait().unwrap().is_none(), "{command} has ended");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().signal(), Some(SIGINT), "{command}");
        assert_eq!(names(folder.path()), ["trace.json"], "{command}");
    }
}
