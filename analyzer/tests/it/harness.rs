//! Runs the binary as a user would: arguments, standard input, environment in; exit code and both streams out.

use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// No call in this suite comes near it; one that hangs is ended here instead of hanging the suite.
const PATIENCE: Duration = Duration::from_secs(120);

/// The root of the workspace: paths are typed as a reader of the README would type them.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A path below the workspace root.
pub(crate) fn at_root(path: &str) -> PathBuf {
    root().join(path)
}

/// What a run left behind.
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// A call of the binary, before it is made.
pub(crate) struct Call {
    program: OsString,
    arguments: Vec<OsString>,
    input: Vec<u8>,
    environment: Vec<(&'static str, String)>,
}

/// The binary with `arguments`, run in the workspace root.
pub(crate) fn analyzer<I>(arguments: I) -> Call
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    call(env!("CARGO_BIN_EXE_analyzer"), arguments)
}

/// Any other program, under the same conditions.
pub(crate) fn call<I>(program: &str, arguments: I) -> Call
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
    Call { program: program.into(), arguments, input: Vec::new(), environment: Vec::new() }
}

impl Call {
    /// Gives the run something to read from standard input.
    pub(crate) fn input(mut self, bytes: &[u8]) -> Self {
        self.input = bytes.to_vec();
        self
    }

    /// Sets a variable of the run's environment.
    pub(crate) fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Starts the run with all three streams piped; for tests that close one early.
    pub(crate) fn spawn(&self) -> Child {
        Command::new(&self.program)
            .args(&self.arguments)
            .current_dir(root())
            .env_remove("RAYON_NUM_THREADS")
            .env_remove("RUST_BACKTRACE")
            .env("NO_COLOR", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", self.program.display()))
    }

    /// Runs to the end. Whatever the input, a run neither panics, nor hangs, nor dies of a signal.
    pub(crate) fn run(self) -> Outcome {
        let mut child = self.spawn();
        let mut stdin = child.stdin.take().unwrap();
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let input = self.input.clone();
        // The run may well end without reading its input: that is its right, and no failure here.
        thread::spawn(move || stdin.write_all(&input).is_ok());
        let stdout = thread::spawn(move || read_all(&mut out));
        let stderr = thread::spawn(move || read_all(&mut err));
        let code = self.wait(&mut child);
        let outcome = Outcome {
            code,
            stdout: stdout.join().unwrap(),
            stderr: String::from_utf8(stderr.join().unwrap()).expect("messages are UTF-8"),
        };
        let typed = self.arguments.join(OsStr::new(" "));
        for word in ["panicked", "thread 'main'", "RUST_BACKTRACE", "stack overflow"] {
            assert!(!outcome.stderr.contains(word), "`{}` panicked: {}", typed.display(), outcome.stderr);
        }
        outcome
    }

    fn wait(&self, child: &mut Child) -> i32 {
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                let typed = self.arguments.join(OsStr::new(" "));
                return status.code().unwrap_or_else(|| panic!("`{}` was ended by {status}", typed.display()));
            }
            if started.elapsed() > PATIENCE {
                child.kill().unwrap();
                panic!("`{}` still ran after {PATIENCE:?}", self.arguments.join(OsStr::new(" ")).display());
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

fn read_all(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

impl Outcome {
    /// The same outcome, with the exit code checked.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code; stderr: {}", self.stderr);
        self
    }

    /// Standard output as text.
    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("output is UTF-8")
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is not one JSON document ({error}); stderr: {}", self.stderr))
    }

    /// An unusable input's message: there is one, it is for people, and it names every one of `words`.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        assert!(!self.stderr.trim().is_empty(), "no message on stderr");
        assert!(self.stderr.lines().count() <= 8, "a message is read by people, this is a page: {}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "stderr does not say {word:?}: {}", self.stderr);
        }
        self
    }
}

/// `analyzer COMMAND PATHS... --format json`, which must succeed.
#[track_caller]
pub(crate) fn json<P: AsRef<OsStr>>(command: &str, paths: impl IntoIterator<Item = P>) -> Value {
    let mut arguments = vec![OsString::from(command)];
    arguments.extend(paths.into_iter().map(|path| path.as_ref().to_owned()));
    arguments.extend(["--format".into(), "json".into()]);
    analyzer(arguments).run().expect(0).json()
}

/// The `rows` of an envelope.
#[track_caller]
pub(crate) fn rows(envelope: &Value) -> &[Value] {
    envelope["rows"].as_array().expect("an envelope has rows")
}

/// The integer in `row[key]`; absent counts as nothing, for sums.
#[track_caller]
pub(crate) fn whole(row: &Value, key: &str) -> i64 {
    match &row[key] {
        Value::Null => 0,
        value => value.as_i64().unwrap_or_else(|| panic!("{key} is not an integer: {row}")),
    }
}

/// Says that a test did not run, and why.
#[expect(clippy::print_stderr, reason = "a skipped test must not look like a passed one to who reads the log")]
pub(crate) fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}
