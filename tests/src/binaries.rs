//! Where the programs under test are.
//!
//! Cargo names the path of a program only to tests of its own package, so they are built here: once for a test run, into
//! the target directory and profile of the running test. Cargo's own lock keeps two test runs apart, and where all is
//! fresh it takes a moment. So an old program is never tested in place of the present source.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

static PROGRAMS: LazyLock<PathBuf> = LazyLock::new(build);

/// The daemon.
pub fn tollgated() -> PathBuf {
    PROGRAMS.join("tollgated")
}

/// The console and command line.
pub fn tollgate() -> PathBuf {
    PROGRAMS.join("tollgate")
}

/// The workspace's root.
pub fn workspace() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the tests are a member of a workspace").to_owned()
}

/// Builds both programs; gives the directory they are in.
fn build() -> PathBuf {
    let exe = std::env::current_exe().expect("the running test has a path");
    let profile = exe.parent().and_then(Path::parent).expect("a test lies in target/PROFILE/deps");
    let target = profile.parent().expect("a profile lies in a target directory");
    let name = profile.file_name().and_then(|name| name.to_str()).expect("a profile has a name");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--locked", "--workspace", "--bins", "--quiet", "--profile"])
        .arg(if name == "debug" { "dev" } else { name })
        .arg("--target-dir")
        .arg(target)
        .current_dir(workspace())
        .output()
        .expect("cargo runs");
    assert!(built.status.success(), "the programs do not build:\n{}", String::from_utf8_lossy(&built.stderr));
    profile.to_owned()
}
