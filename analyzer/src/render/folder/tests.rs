use super::*;

/// Every file below `root` with its contents, hidden ones too.
fn tree(root: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

fn list(files: &[&str]) -> String {
    serde_json::json!({"schema_version": 1, "command": "report", "tables": {}, "files": files}).to_string()
}

fn put(out: &Path, files: &[(&str, &str)]) -> Result<(), FolderError> {
    let mut folder = DiskFolder::create(out)?;
    for (name, text) in files {
        folder.write(name, text.as_bytes())?;
    }
    folder.commit()
}

#[test]
fn a_folder_appears_with_its_parents_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    put(&root.path().join("a/b"), &[("report.md", "text"), ("charts/x.png", "png")]).unwrap();
    let names: Vec<_> = tree(root.path()).into_keys().collect();
    assert_eq!(names, ["a/b/charts/x.png", "a/b/report.md"]);
}

#[test]
fn without_a_commit_nothing_is_changed() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    put(&out, &[("report.md", "old")]).unwrap();
    let mut folder = DiskFolder::create(&out).unwrap();
    folder.write("report.md", b"new").unwrap();
    drop(folder);
    assert_eq!(tree(root.path()), BTreeMap::from([("out/report.md".to_owned(), "old".to_owned())]));
    drop(DiskFolder::create(&root.path().join("never")).unwrap());
    assert!(!root.path().join("never").exists());
}

#[test]
fn a_path_below_a_file_is_one_clear_error() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file.txt");
    fs::write(&file, "kept").unwrap();
    for out in [file.clone(), file.join("deep/er")] {
        let error = DiskFolder::create(&out).unwrap_err().to_string();
        let expected =
            format!("cannot write into {}: {} is not a folder; choose another --out", out.display(), file.display());
        assert_eq!(error, expected);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
}

#[test]
fn a_failure_half_way_puts_everything_back() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    put(&out, &[("a.md", "old a"), ("tables/x.csv", "old x"), ("report.json", &list(&["a.md", "tables/x.csv"]))])
        .unwrap();
    // A folder stands where the last file must go; the others have moved by then.
    fs::create_dir(out.join("z.md")).unwrap();
    let before = tree(root.path());
    let error = put(&out, &[("a.md", "new"), ("b/c.md", "new"), ("report.json", "{}"), ("z.md", "new")]).unwrap_err();
    assert!(matches!(error, FolderError::NotAFile { .. }), "{error}");
    assert_eq!(tree(root.path()), before);
    assert!(!out.join("b").exists());

    // A file stands where a folder must be.
    let error = put(&out, &[("a.md", "new"), ("a.md/c.md", "new")]).unwrap_err();
    assert!(matches!(error, FolderError::Io { .. } | FolderError::NotAFolder { .. }), "{error}");
    assert_eq!(tree(root.path()), before);
}

#[test]
fn a_new_report_removes_what_it_no_longer_writes_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    fs::write(root.path().join("evil"), "kept").unwrap();
    let absolute = root.path().join("evil").to_str().unwrap().to_owned();
    let named =
        ["report.md", "charts/gone.png", "tables/kept.csv", "../evil", "charts/../../evil", "notes.txt", &absolute];
    let old = [
        ("report.md", "old"),
        ("report.json", &list(&named) as &str),
        ("charts/gone.png", "old"),
        ("tables/kept.csv", "old"),
        ("notes.txt", "kept"),
        ("tables/mine.csv", "kept"),
    ];
    put(&out, &old).unwrap();
    put(&out, &[("report.json", &list(&["tables/kept.csv"])), ("tables/kept.csv", "new")]).unwrap();
    let names: Vec<_> = tree(root.path()).into_keys().collect();
    assert_eq!(names, ["evil", "out/notes.txt", "out/report.json", "out/tables/kept.csv", "out/tables/mine.csv"]);
    assert!(!out.join("charts").exists());
}

#[test]
fn a_list_that_is_not_ours_removes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let foreign = r#"{"schema_version": 1, "command": "ops", "files": ["report.md"]}"#;
    for list in [foreign, "not json", "{}", r#"{"schema_version": 1, "command": "report", "files": [3]}"#] {
        put(root.path(), &[("report.md", "kept"), ("report.json", list)]).unwrap();
        put(root.path(), &[("report.json", "{}")]).unwrap();
        assert_eq!(fs::read_to_string(root.path().join("report.md")).unwrap(), "kept", "{list}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_not_followed_to_remove() {
    let root = tempfile::tempdir().unwrap();
    let (out, elsewhere) = (root.path().join("out"), root.path().join("elsewhere"));
    put(&elsewhere, &[("precious.png", "kept")]).unwrap();
    put(&out, &[("report.json", &list(&["charts/precious.png"]))]).unwrap();
    std::os::unix::fs::symlink(&elsewhere, out.join("charts")).unwrap();
    put(&out, &[("report.json", &list(&[]))]).unwrap();
    assert!(elsewhere.join("precious.png").exists());
}

#[test]
fn names_stay_below_the_folder() {
    let mut folder = MemoryFolder::default();
    for name in ["", "/x", "../x", "a/../x", "a//x", "./x", "a\\x", "c:x", "a/"] {
        assert!(matches!(folder.write(name, b""), Err(FolderError::Name { .. })), "{name:?}");
    }
    folder.write("charts/a.png", b"x").unwrap();
    assert!(folder.files.contains_key("charts/a.png"));
}

#[test]
fn a_refused_write_leaves_what_was_there() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), &[("a.md", "old")]).unwrap();
    // No file system takes a name this long: the portable stand-in for a full disk.
    let refused = format!("tables/{}.csv", "x".repeat(5_000));
    let error = put(root.path(), &[("a.md", "new"), (&refused, "new")]).unwrap_err();
    assert!(matches!(error, FolderError::Io { .. }), "{error}");
    assert_eq!(tree(root.path()), BTreeMap::from([("a.md".to_owned(), "old".to_owned())]));
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}
