//! The rules of the house, read from ARCHITECTURE.md and checked on the source: who may use whom, and what is never seen.
//!
//! sources -> code (comments, strings and test items blanked) -> what it names -> the layer table.

use crate::harness::at_root;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const LONGEST_FILE: usize = 600;
const DRAWER_NAMES: [&str; 5] = ["utils", "helpers", "common", "misc", "imp"];
/// The layers that hold columns.
const POLARS: [&str; 3] = ["trace", "analysis", "export"];

/// What each layer may use, itself and the words included.
struct Layers(BTreeMap<String, BTreeSet<String>>);

/// The table under "One direction", from its text: `layer` | may use.
fn layers(text: &str) -> Layers {
    let lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with("| layer "));
    let lines: Vec<&str> = lines.take_while(|line| line.starts_with('|')).skip(2).collect();
    let mut words = BTreeSet::new();
    let mut table: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in &lines {
        let cells: Vec<&str> = line.split('|').collect();
        let (names, mut may) = (quoted(cells[1]), quoted(cells[2]));
        if cells[1].contains("words") {
            words.extend(names.clone());
        }
        if cells[2].contains("everything above") {
            may.extend(table.keys().cloned());
        }
        for name in names {
            table.insert(name, may.clone());
        }
    }
    for (name, may) in &mut table {
        may.extend(words.iter().cloned());
        may.insert(name.clone());
    }
    Layers(table)
}

/// The words between backticks.
fn quoted(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// One source file, and what is left of it when comments, strings and tests are taken out.
struct Source {
    /// Below `src`, with `/`.
    name: String,
    text: String,
    code: String,
}

impl Source {
    /// The first part of its path; `None` for main.rs and lib.rs, which tie everything together.
    fn layer(&self) -> Option<&str> {
        let first = self.name.split('/').next()?.trim_end_matches(".rs");
        (!["main", "lib"].contains(&first)).then_some(first)
    }

    /// Its module's path below the crate.
    fn modules(&self) -> Vec<&str> {
        let mut parts: Vec<&str> = self.name.trim_end_matches(".rs").split('/').collect();
        if parts.last() == Some(&"mod") {
            parts.pop();
        }
        parts
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The analyzer's sources, without the files that exist for tests alone.
fn sources() -> Vec<Source> {
    sources_of("analyzer")
}

/// The sources of one package, likewise.
fn sources_of(package: &str) -> Vec<Source> {
    let folder = at_root(package).join("src");
    let mut for_tests = BTreeSet::new();
    let mut sources = Vec::new();
    for path in rust_files(&folder) {
        let name = path.strip_prefix(&folder).unwrap().to_string_lossy().replace('\\', "/");
        let text = std::fs::read_to_string(&path).unwrap();
        let blanked = blank(&text);
        let (code, test_modules) = without_tests(&blanked);
        let source = Source { name, text, code };
        let modules = source.modules().join("/");
        let folder = if ["main", "lib"].contains(&modules.as_str()) { String::new() } else { format!("{modules}/") };
        for_tests.extend(
            test_modules.iter().flat_map(|test| [format!("{folder}{test}.rs"), format!("{folder}{test}/mod.rs")]),
        );
        sources.push(source);
    }
    sources.retain(|source| !for_tests.contains(&source.name));
    assert!(!sources.is_empty(), "no sources in {}", folder.display());
    sources
}

/// `text` with comments, strings and characters blanked out; lines stay where they are.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = skipped_until(bytes, at, code.last().copied());
        if end > at {
            code.extend(bytes[at..end].iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }));
            at = end;
        } else {
            code.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(code).unwrap()
}

/// Where the comment, string or character that begins at `at` ends; `at` itself where none does.
fn skipped_until(bytes: &[u8], at: usize, before: Option<u8>) -> usize {
    let rest = &bytes[at..];
    let in_word = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let length = match rest {
        [b'/', b'/', ..] => find(rest, b"\n").unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => 1 + string_tail(&rest[1..]),
        [b'r', b'"' | b'#', ..] if !in_word => raw_string(rest, 1),
        [b'b', b'r', b'"' | b'#', ..] if !in_word => raw_string(rest, 2),
        [b'\'', b'\\', _, tail @ ..] => 3 + find(tail, b"'").map_or(0, |quote| quote + 1),
        [b'\'', ..] => character(rest),
        _ => 0,
    };
    at + length
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|part| part == wanted)
}

fn block_comment(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

fn string_tail(bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// A raw string whose hashes begin at `from`; 0 where it is none (a raw identifier).
fn raw_string(bytes: &[u8], from: usize) -> usize {
    let hashes = bytes[from..].iter().take_while(|byte| **byte == b'#').count();
    let open = from + hashes + 1;
    if bytes.get(open - 1) != Some(&b'"') {
        return 0;
    }
    let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    find(&bytes[open..], &close).map_or(bytes.len(), |end| open + end + close.len())
}

/// `'x'`, but not the lifetime `'x`.
fn character(bytes: &[u8]) -> usize {
    let width = std::str::from_utf8(&bytes[1..bytes.len().min(5)]).map_or_else(
        |error| std::str::from_utf8(&bytes[1..=error.valid_up_to()]).ok().and_then(|text| text.chars().next()),
        |text| text.chars().next(),
    );
    let end = 1 + width.map_or(0, char::len_utf8);
    if end > 1 && bytes.get(end) == Some(&b'\'') { end + 1 } else { 0 }
}

/// `code` without the items under `#[cfg(test)]`, and the names of the test modules that live in files of their own.
fn without_tests(code: &str) -> (String, Vec<String>) {
    let mut kept = code.to_owned();
    let mut modules = Vec::new();
    while let Some(start) = kept.find("#[cfg(test)]") {
        let item = &kept[start..];
        let brace = item.find('{').unwrap_or(item.len());
        let semicolon = item.find(';').unwrap_or(item.len());
        let end = if semicolon < brace {
            modules.extend(
                item[..semicolon].split_whitespace().skip_while(|word| *word != "mod").nth(1).map(str::to_owned),
            );
            semicolon + 1
        } else {
            matching_brace(item, brace)
        };
        let blanked: String = item[..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        kept.replace_range(start..start + end, &blanked);
    }
    (kept, modules)
}

/// Behind the brace that closes the one at `open`.
fn matching_brace(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at + 1,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// The words and signs of code, in order.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = match first {
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        if !first.is_whitespace() {
            tokens.push(&rest[..length]);
        }
        rest = &rest[length..];
    }
    tokens
}

/// The layers that `source` names: `crate::x`, `crate::{x, y::z}`, and `super` where it reaches the crate.
fn layers_named_in(source: &Source) -> BTreeSet<String> {
    let tokens = tokens(&source.code);
    let depth = source.modules().len();
    let mut named = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        let begins = at == 0 || tokens[at - 1] != "::";
        let after = match *token {
            "crate" => Some(at + 1),
            "super" if begins => root_by_super(&tokens, at, depth),
            _ => None,
        };
        if let Some(after) = after.filter(|after| tokens.get(*after) == Some(&"::")) {
            named.extend(heads(&tokens[after + 1..]));
        }
    }
    named
}

/// Behind `super::super`, if that is the crate's root for a module of this depth.
fn root_by_super(tokens: &[&str], at: usize, depth: usize) -> Option<usize> {
    let mut end = at + 1;
    let mut steps = 1;
    while tokens.get(end) == Some(&"::") && tokens.get(end + 1) == Some(&"super") {
        (end, steps) = (end + 2, steps + 1);
    }
    (steps == depth).then_some(end)
}

/// The first parts of the paths at the start of `tokens`: one name, or those of a brace list.
fn heads(tokens: &[&str]) -> Vec<String> {
    if tokens.first() != Some(&"{") {
        return tokens.first().map(|name| (*name).to_owned()).into_iter().collect();
    }
    let (mut depth, mut names, mut expects) = (0_usize, Vec::new(), false);
    for token in tokens {
        match *token {
            "{" => (depth, expects) = (depth + 1, depth == 0),
            "}" if depth == 1 => break,
            "}" => depth -= 1,
            "," if depth == 1 => expects = true,
            name if expects => {
                names.push(name.to_owned());
                expects = false;
            }
            _ => {}
        }
    }
    names
}

fn table() -> Layers {
    let text = std::fs::read_to_string(at_root("ARCHITECTURE.md")).expect("ARCHITECTURE.md at the root");
    let table = layers(&text);
    assert!(
        table.0.len() >= 10 && table.0.contains_key("cli"),
        "no layer table in ARCHITECTURE.md: {:?}",
        table.0.keys()
    );
    table
}

#[test]
fn imports_follow_the_table() {
    let Layers(table) = table();
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(layer) = source.layer() else { continue };
        let Some(may) = table.get(layer) else {
            wrong.push(format!("{}: `{layer}` is not in the table", source.name));
            continue;
        };
        let named = layers_named_in(&source);
        let strangers = named.difference(may).filter(|name| table.contains_key(*name));
        wrong.extend(strangers.map(|other| format!("{}: `{layer}` must not use `{other}`", source.name)));
    }
    assert!(wrong.is_empty(), "ARCHITECTURE.md says otherwise (change it there first):\n{}", wrong.join("\n"));
}

#[test]
fn columns_stay_where_columns_are() {
    for source in sources() {
        let Some(layer) = source.layer() else { continue };
        let names_polars = tokens(&source.code).iter().any(|token| token.starts_with("polars"));
        assert!(!names_polars || POLARS.contains(&layer), "{} uses polars", source.name);
    }
}

#[test]
fn nothing_is_unsafe_but_the_shim() {
    for package in ["analyzer", "trainer"] {
        for source in sources_of(package) {
            let may = (package, source.name.as_str()) == ("trainer", "shim.rs");
            assert!(may || !tokens(&source.code).contains(&"unsafe"), "{package}: {} is unsafe", source.name);
        }
    }
}

#[test]
fn cplusplus_is_in_the_shim_alone() {
    let endings = ["c", "cc", "cpp", "cu", "h", "hpp"];
    let mut open = vec![at_root("analyzer"), at_root("trainer")];
    while let Some(folder) = open.pop() {
        for path in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let is_c = path.extension().is_some_and(|ending| endings.iter().any(|c| ending == *c));
            assert!(!is_c || folder.ends_with("trainer/shim"), "{} belongs into trainer/shim", path.display());
            if path.is_dir() {
                open.push(path);
            }
        }
    }
}

#[test]
fn no_file_is_a_drawer_or_a_novel() {
    let folders = ["analyzer/src", "analyzer/tests", "trainer/src", "trainer/tests"];
    for path in folders.iter().flat_map(|folder| rust_files(&at_root(folder))) {
        let name = path.strip_prefix(at_root("")).unwrap();
        let is_drawer = |part: &std::ffi::OsStr| {
            DRAWER_NAMES.iter().any(|drawer| Path::new(part).file_stem() == Some(drawer.as_ref()))
        };
        assert!(!name.iter().any(is_drawer), "{}: name the idea, or it belongs to a neighbour", name.display());
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines: more than one idea?", name.display());
    }
}

#[test]
fn every_file_opens_with_what_it_is_about() {
    for source in ["analyzer", "trainer"].into_iter().flat_map(sources_of) {
        let opening = source.text.lines().find(|line| !line.starts_with("#!["));
        assert!(opening.is_some_and(|line| line.starts_with("//!")), "{} does not say what it is", source.name);
    }
}

// The checker, checked on a drawn source: a rule that cannot fail guards nothing.

fn drawn(name: &str, text: &str) -> Source {
    let (code, _) = without_tests(&blank(text));
    Source { name: name.to_owned(), text: text.to_owned(), code }
}

#[test]
fn the_checker_sees_imports_and_nothing_else() {
    let text = r##"
        //! use crate::cli;
        /* crate::cli /* crate::cli */ */
        use crate::{read::lexer, trace::{Event, names::Names}, units};
        use crate::table::Column;
        const WORD: &str = "crate::cli"; const RAW: &str = r#"crate::cli" "#; const QUOTE: char = '"';
        fn f<'a>(x: &'a str) -> crate::render::Format { super::super::export::go(x) }
        fn g() { super::ops::go(); }
        #[cfg(test)]
        mod tests { use crate::report::Report; fn h() { if true { } } }
        #[cfg(test)] use crate::stats::t;
        fn after() { crate::run::open() }
    "##;
    let named = layers_named_in(&drawn("analysis/flops.rs", text));
    let expected = ["export", "read", "render", "run", "table", "trace", "units"];
    assert_eq!(named.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    let at_root = layers_named_in(&drawn("slice.rs", "use super::read::Input; use self::x::y;"));
    assert!(at_root.contains("read") && at_root.len() == 1, "{at_root:?}");
    assert!(tokens(&drawn("a.rs", "fn f() { unsafe { } } // unsafe").code).contains(&"unsafe"));
    assert!(
        !tokens(&drawn("a.rs", "#![forbid(unsafe_code)] // unsafe\nconst A: &str = \"unsafe\";").code)
            .contains(&"unsafe")
    );
}

#[test]
fn the_checker_reads_the_table() {
    let Layers(table) = layers(
        "| layer | may use | never |\n|---|---|---|\n| words: `units` `text` | | I/O |\n| `trace` | | |\n\
         | `read` | `trace` | analysing |\n| `cli` | everything above | |\n\n| other | table |",
    );
    let may = |layer: &str| table[layer].iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    assert_eq!(may("read"), "read text trace units");
    assert_eq!(may("trace"), "text trace units");
    assert_eq!(may("cli"), "cli read text trace units");
}

#[test]
fn the_checker_finds_test_files() {
    let (code, modules) = without_tests("#[cfg(test)]\npub(crate) mod sketch;\nmod names;\n#[cfg(test)]\nmod tests;");
    assert_eq!(modules, ["sketch", "tests"]);
    assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["mod", "names;"]);
}
