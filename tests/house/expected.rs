//! The files of expected output beneath `tests/expected`.

use std::fs;
use std::path::{Path, PathBuf};

/// All files beneath a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn every_file_is_compared_with_by_a_test() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let (expected, sources) = (tests.join("expected"), files(&tests));
    let is_source = |path: &&PathBuf| path.extension().is_some_and(|ending| ending == "rs");
    let sources: String = sources.iter().filter(is_source).map(|path| fs::read_to_string(path).unwrap()).collect();
    for path in files(&expected) {
        let name = path.strip_prefix(&expected).unwrap().with_extension("");
        // Those of `messages` are named by a room and a command.
        if name.starts_with("messages") || name.starts_with("help") {
            continue;
        }
        let name = name.to_str().unwrap();
        assert!(sources.contains(&format!("\"{name}\"")), "no test names tests/expected/{name}.txt");
    }
}
