//! Where a daemon's socket may be (operator.md, decisions).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The sockets to try, in order: `--socket`, `TOLLGATE_SOCKET`, `$XDG_RUNTIME_DIR/tollgate/admin.sock`,
/// `/run/tollgate/admin.sock`, `/run/tollgate/reader.sock`, and last `~/.local/share/tollgate/admin.sock`, where a
/// daemon without `XDG_RUNTIME_DIR` puts it. A socket that was named is the only one: falling through to another
/// daemon could change the wrong registry.
pub fn socket_candidates(named: Option<&Path>, var: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let var = |name: &str| var(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = named.map(Path::to_path_buf).or_else(|| var("TOLLGATE_SOCKET")) {
        return vec![path];
    }
    let runtime = var("XDG_RUNTIME_DIR").map(|dir| dir.join("tollgate/admin.sock"));
    let system = ["/run/tollgate/admin.sock", "/run/tollgate/reader.sock"].map(PathBuf::from);
    let data = var("XDG_DATA_HOME").or_else(|| var("HOME").map(|home| home.join(".local/share")));
    let data = data.map(|dir| dir.join("tollgate/admin.sock"));
    runtime.into_iter().chain(system).chain(data).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(named: Option<&str>, vars: &[(&str, &str)]) -> Vec<String> {
        let var = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        let found = socket_candidates(named.map(Path::new), var);
        found.into_iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn a_named_socket_is_the_only_one_and_the_option_wins_over_the_variable() {
        let vars = [("TOLLGATE_SOCKET", "/b.sock"), ("XDG_RUNTIME_DIR", "/run/user/7")];
        assert_eq!(search(Some("/a.sock"), &vars), ["/a.sock"]);
        assert_eq!(search(None, &vars), ["/b.sock"]);
    }

    #[test]
    fn without_a_name_the_order_is_runtime_directory_system_data_directory() {
        let expected = [
            "/run/user/7/tollgate/admin.sock",
            "/run/tollgate/admin.sock",
            "/run/tollgate/reader.sock",
            "/home/bob/.local/share/tollgate/admin.sock",
        ];
        let vars = [("XDG_RUNTIME_DIR", "/run/user/7"), ("HOME", "/home/bob"), ("TOLLGATE_SOCKET", "")];
        assert_eq!(search(None, &vars), expected);
        assert_eq!(search(None, &[]), expected[1..3]);
    }
}
