//! Typed access to the fields of a JSON object that knows its own path, so that every error names the field.
//!
//! A field that is missing or `null` is [`Recorded::No`]; one of the wrong type is an error. `required` turns the former
//! into an error too.

use super::Problem;
use crate::table::{Recorded, Why};
use crate::text::Untrusted;
use crate::units::{Bytes, Nanoseconds};
use serde_json::{Map, Value};

/// The longest piece of a wrong value that an error repeats.
const MOST_REPEATED: usize = 40;

/// One object of the file, with its path.
pub(super) struct Fields<'json> {
    path: String,
    object: &'json Map<String, Value>,
}

impl<'json> Fields<'json> {
    /// The fields of the file's outermost object.
    pub(super) fn root(json: &'json Value) -> Result<Self, Problem> {
        Self::of(String::new(), json)
    }

    fn of(path: String, json: &'json Value) -> Result<Self, Problem> {
        match json {
            Value::Object(object) => Ok(Self { path, object }),
            other if path.is_empty() => Err(problem("the file".to_owned(), "an object", Some(other))),
            other => Err(problem(path, "an object", Some(other))),
        }
    }

    /// The path of one field: `config.epochs`.
    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn get(&self, key: &str) -> Option<&'json Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// Whether the field is there and not null.
    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The error that this field is not what was expected.
    pub(super) fn wrong(&self, key: &str, expected: &'static str) -> Problem {
        problem(self.path_of(key), expected, self.object.get(key))
    }

    /// The value where it was recorded, else the error that it is missing.
    pub(super) fn required<T>(&self, key: &str, expected: &'static str, value: Recorded<T>) -> Result<T, Problem> {
        value.value().ok_or_else(|| self.wrong(key, expected))
    }

    fn field<T>(
        &self,
        key: &str,
        expected: &'static str,
        take: impl FnOnce(&'json Value) -> Option<T>,
    ) -> Result<Recorded<T>, Problem> {
        match self.get(key) {
            None => Ok(Recorded::No(Why::NotInResults)),
            Some(value) => take(value).map(Recorded::Yes).ok_or_else(|| self.wrong(key, expected)),
        }
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Result<Recorded<Untrusted>, Problem> {
        self.field(key, TEXT, |value| value.as_str().map(Untrusted::new))
    }

    /// A whole number.
    pub(super) fn whole(&self, key: &str) -> Result<Recorded<u64>, Problem> {
        self.field(key, WHOLE, Value::as_u64)
    }

    /// True or false.
    pub(super) fn flag(&self, key: &str) -> Result<Recorded<bool>, Problem> {
        self.field(key, FLAG, Value::as_bool)
    }

    /// A finite number.
    pub(super) fn number(&self, key: &str) -> Result<Recorded<f64>, Problem> {
        self.field(key, "a number", Value::as_f64)
    }

    /// A number of bytes.
    pub(super) fn bytes(&self, key: &str) -> Result<Recorded<Bytes>, Problem> {
        self.field(key, WHOLE, |value| value.as_u64().and_then(|count| i64::try_from(count).ok()).map(Bytes::new))
    }

    /// Seconds, as nanoseconds.
    pub(super) fn seconds(&self, key: &str) -> Result<Recorded<Nanoseconds>, Problem> {
        self.field(key, SECONDS, length)
    }

    /// A list of seconds, as nanoseconds.
    pub(super) fn all_seconds(&self, key: &str) -> Result<Recorded<Vec<Nanoseconds>>, Problem> {
        self.list(key, |path, value| length(value).ok_or_else(|| problem(path, SECONDS, Some(value))))
    }

    /// A list of numbers, of which single ones may be null (a loss that was not a number).
    pub(super) fn all_numbers(&self, key: &str) -> Result<Recorded<Vec<Recorded<f64>>>, Problem> {
        self.list(key, |path, value| match value {
            Value::Null => Ok(Recorded::No(Why::NotInResults)),
            _ => value.as_f64().map(Recorded::Yes).ok_or_else(|| problem(path, "a number", Some(value))),
        })
    }

    /// An object.
    pub(super) fn section(&self, key: &str) -> Result<Recorded<Fields<'json>>, Problem> {
        match self.get(key) {
            None => Ok(Recorded::No(Why::NotInResults)),
            Some(value) => Fields::of(self.path_of(key), value).map(Recorded::Yes),
        }
    }

    /// An object, read by `read` where it is there.
    pub(super) fn part<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Fields<'json>) -> Result<T, Problem>,
    ) -> Result<Recorded<T>, Problem> {
        match self.section(key)? {
            Recorded::No(why) => Ok(Recorded::No(why)),
            Recorded::Yes(fields) => read(&fields).map(Recorded::Yes),
        }
    }

    /// A list of objects, each read by `read`.
    pub(super) fn parts<T>(
        &self,
        key: &str,
        read: impl Fn(&Fields<'json>) -> Result<T, Problem>,
    ) -> Result<Recorded<Vec<T>>, Problem> {
        self.list(key, |path, value| read(&Fields::of(path, value)?))
    }

    fn list<T>(
        &self,
        key: &str,
        take: impl Fn(String, &'json Value) -> Result<T, Problem>,
    ) -> Result<Recorded<Vec<T>>, Problem> {
        let Some(value) = self.get(key) else { return Ok(Recorded::No(Why::NotInResults)) };
        let Value::Array(items) = value else { return Err(self.wrong(key, "a list")) };
        let path = self.path_of(key);
        let read = items.iter().enumerate().map(|(index, item)| take(format!("{path}[{index}]"), item));
        read.collect::<Result<_, _>>().map(Recorded::Yes)
    }
}

pub(super) const TEXT: &str = "a text";
pub(super) const WHOLE: &str = "a whole number of at least 0";
pub(super) const FLAG: &str = "true or false";
pub(super) const SECONDS: &str = "seconds of at least 0";

fn length(value: &Value) -> Option<Nanoseconds> {
    value.as_f64().filter(|seconds| *seconds >= 0.0).and_then(Nanoseconds::from_seconds)
}

fn problem(field: String, expected: &'static str, found: Option<&Value>) -> Problem {
    Problem::Field { field, expected, found: found.map_or_else(|| "nothing".to_owned(), describe) }
}

/// A wrong value in a few words; text is escaped, as it may hold anything.
fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.chars().count() > MOST_REPEATED => {
            format!("{:?}...", text.chars().take(MOST_REPEATED).collect::<String>())
        }
        Value::String(text) => format!("{text:?}"),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}
