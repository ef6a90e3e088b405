//! The rules of the architecture, held against the source itself.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;
use tollgate_tests::binaries::workspace;
use toml::Table;

/// Lines of a file before its tests.
const PRODUCTION_LINES_MAX: usize = 500;

/// A member: its directory, and what it may not depend on (tests aside).
const MEMBERS: [(&str, &[&str]); 4] = [
    (
        "shared",
        &[
            "tokio",
            "tokio-util",
            "hyper",
            "redb",
            "ratatui",
            "crossterm",
            "axum",
            "rustix",
            "tempfile",
            "tollgate-daemon",
            "tollgate",
            "tollgate-tests",
        ],
    ),
    ("daemon", &["tollgate", "tollgate-tests", "ratatui", "crossterm", "tui-input"]),
    ("tui", &["redb", "argon2", "axum", "tollgate-tests"]),
    ("tests", &["redb"]),
];

/// A Rust file of the workspace.
struct Source {
    /// Below the workspace's root.
    name: String,
    text: String,
}

impl Source {
    fn is_test(&self) -> bool {
        let inside = |part: &str| self.name.contains(part);
        inside("tests/") || inside("/testing") || self.name.ends_with("tests.rs")
    }

    /// The lines before the tests at the file's end.
    fn production(&self) -> Vec<&str> {
        let lines: Vec<&str> = self.text.lines().collect();
        let tests = lines.windows(2).position(|pair| {
            pair[0].trim() == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].trim_end().ends_with('{')
        });
        lines[..tests.unwrap_or(lines.len())].to_vec()
    }

    /// Lines that are code, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn collect(directory: &Path, root: &Path, sources: &mut Vec<Source>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            collect(&path, root, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).expect("it lies below the root").display().to_string();
            let text = std::fs::read_to_string(&path).expect("a source can be read");
            sources.push(Source { name, text });
        }
    }
}

fn sources() -> Vec<Source> {
    let root = workspace();
    let mut sources = Vec::new();
    for (member, _) in MEMBERS {
        for part in ["src", "it", "tests", "benches"] {
            collect(&root.join(member).join(part), &root, &mut sources);
        }
    }
    assert!(sources.len() > 100, "the source was found");
    sources
}

fn manifest(path: &Path) -> Table {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn dependencies(manifest: &Table, section: &str) -> BTreeSet<String> {
    manifest.get(section).and_then(toml::Value::as_table).into_iter().flat_map(|table| table.keys().cloned()).collect()
}

/// Every offence at once, so that one run shows all.
#[track_caller]
fn assert_none(rule: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{rule}:\n{}", offences.join("\n"));
}

#[test]
fn members_depend_only_on_what_the_architecture_allows() {
    let mut offences = Vec::new();
    for (member, forbidden) in MEMBERS {
        let manifest = manifest(&workspace().join(member).join("Cargo.toml"));
        for section in ["dependencies", "build-dependencies"] {
            let names = dependencies(&manifest, section);
            offences
                .extend(forbidden.iter().filter(|name| names.contains(**name)).map(|name| format!("{member}: {name}")));
        }
        if member != "tests" && dependencies(&manifest, "dev-dependencies").contains("tollgate-tests") {
            offences.push(format!("{member}: nobody depends on the tests"));
        }
    }
    assert_none("dependencies that the architecture forbids", &offences);
    let root = manifest(&workspace().join("Cargo.toml"));
    let members = root["workspace"]["members"].as_array().expect("the workspace has members");
    let members: Vec<&str> = members.iter().filter_map(toml::Value::as_str).collect();
    assert_eq!(members, MEMBERS.map(|(member, _)| member), "a new member needs its rules here");
}

#[test]
fn only_the_demo_of_the_console_names_the_daemon() {
    let mut offences = Vec::new();
    for source in sources().iter().filter(|source| source.name.starts_with("tui/")) {
        let is_demo = source.name == "tui/src/demo.rs";
        let named = source.code().filter(|(_, line)| line.contains("tollgate_daemon") && !is_demo);
        offences.extend(named.map(|(number, line)| format!("{}:{number}: {line}", source.name)));
    }
    assert_none("tollgate_daemon outside of tui/src/demo.rs", &offences);
}

#[test]
fn only_the_store_knows_redb() {
    let mut offences = Vec::new();
    for source in sources().iter().filter(|source| !source.name.starts_with("daemon/src/store")) {
        let uses =
            |line: &str| line.contains("redb::") || line.contains("use redb") || line.contains("extern crate redb");
        let named = source.code().filter(|(_, line)| uses(line) && source.name != "tests/it/tidy.rs");
        offences.extend(named.map(|(number, line)| format!("{}:{number}: {line}", source.name)));
    }
    assert_none("redb outside of daemon/src/store", &offences);
}

#[test]
fn the_core_and_the_vocabulary_do_no_io() {
    let banned = ["std::fs", "std::net::Tcp", "std::thread", "std::process", "tokio::", "hyper::", "std::os::unix"];
    let mut offences = Vec::new();
    let pure = |source: &&Source| source.name.starts_with("daemon/src/core") || source.name.starts_with("shared/src");
    for source in sources().iter().filter(pure).filter(|source| !source.is_test()) {
        for (index, line) in source.production().iter().enumerate() {
            let is_code = !line.trim_start().starts_with("//");
            if is_code && banned.iter().any(|word| line.contains(word)) {
                offences.push(format!("{}:{}: {line}", source.name, index + 1));
            }
        }
    }
    assert_none("I/O where only decisions are made", &offences);
}

#[test]
fn files_are_one_room_each_and_none_is_called_mod() {
    let mut offences = Vec::new();
    for source in sources() {
        let lines = source.production().len();
        if !source.is_test() && lines > PRODUCTION_LINES_MAX {
            offences.push(format!("{}: {lines} lines before its tests, at most {PRODUCTION_LINES_MAX}", source.name));
        }
        if source.name.ends_with("/mod.rs") {
            offences.push(format!("{}: write foo.rs and foo/", source.name));
        }
    }
    assert_none("files", &offences);
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, so that this file does not find itself.
    let words =
        [["TO", "DO"], ["FIX", "ME"], ["XX", "X:"], ["to", "do!("], ["unimple", "mented!("]].map(|w| w.concat());
    let mut offences = Vec::new();
    for source in sources() {
        for (index, line) in source.text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word.as_str())) {
                offences.push(format!("{}:{}: {line}", source.name, index + 1));
            }
        }
    }
    assert_none("left for later", &offences);
}

#[test]
fn no_member_may_use_unsafe_code() {
    let root = manifest(&workspace().join("Cargo.toml"));
    assert_eq!(root["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for (member, _) in MEMBERS {
        let manifest = manifest(&workspace().join(member).join("Cargo.toml"));
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{member} has the workspace's lints");
    }
}

#[test]
fn readme_of_every_member_is_its_crate_documentation() {
    for (member, _) in MEMBERS {
        let lib = std::fs::read_to_string(workspace().join(member).join("src/lib.rs")).expect("a member is a library");
        assert!(lib.contains("#![doc = include_str!(\"../README.md\")]"), "{member}");
        let readme = std::fs::read_to_string(workspace().join(member).join("README.md")).expect("it has a README");
        assert!(readme.lines().count() >= 10, "{member}: the README says something");
    }
}

#[test]
fn json_is_written_with_sorted_members_and_numbers_keep_their_text() {
    // Fingerprints, correlation by objects and stored rows depend on it; a feature of any dependency could change it.
    assert_eq!(json!({ "b": 1, "a": { "d": 1, "c": 2 } }).to_string(), r#"{"a":{"c":2,"d":1},"b":1}"#);
    let number: serde_json::Value = serde_json::from_str("1.10e2").expect("it is a number");
    assert_eq!(number.to_string(), "1.10e+2", "as arbitrary_precision writes it");
}

/// Names of all tests of the workspace.
fn names_of_tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in sources() {
        let mut is_test = false;
        for (_, line) in source.code() {
            let line = line.trim();
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            let name = line.trim_start_matches("async ").strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            if let Some(name) = name {
                if is_test {
                    names.insert(name.to_owned());
                }
                is_test = false;
            }
        }
    }
    names
}

#[test]
fn every_lesson_has_a_row_and_every_test_that_it_names_exists() {
    let text = std::fs::read_to_string(workspace().join("tests/lessons.md")).expect("there are lessons");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit())
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let numbers: Vec<usize> = rows.iter().filter_map(|row| row[0].parse().ok()).collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>(), "each lesson once, in order");
    let tests = names_of_tests();
    assert!(tests.len() > 400, "the tests were found: {}", tests.len());
    let mut offences = Vec::new();
    for row in rows {
        let named: Vec<&str> = row[2].split('`').skip(1).step_by(2).collect();
        let is_name = |word: &&str| word.contains('_') && !word.contains('/');
        let missing = named.iter().copied().filter(is_name).filter(|name| !tests.contains(*name));
        offences.extend(missing.map(|name| format!("lesson {}: there is no test {name}", row[0])));
        if named.is_empty() && !row[2].contains("Reason:") {
            offences.push(format!("lesson {}: neither a test nor a reason", row[0]));
        }
    }
    assert_none("lessons without what they promise", &offences);
}
