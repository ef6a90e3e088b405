//! What to do where the kernel does not let us use a socket: the exact commands (operator.md, job 6).

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Owner, group and mode of what keeps us out.
struct Barrier {
    uid: u32,
    gid: u32,
    mode: u32,
}

/// Why `path` may not be used, and what to do about it.
pub(super) fn for_denied(path: &Path) -> (String, Vec<String>) {
    let barrier = barrier(path);
    let user = name_of("/etc/passwd", rustix::process::geteuid().as_raw());
    match barrier {
        Some(Barrier { gid, mode, .. }) if mode & 0o060 == 0o060 || mode & 0o050 == 0o050 => {
            let group = name_of("/etc/group", gid);
            let why = format!("you are not in the group {group}");
            (
                why,
                vec![format!("  sudo usermod -aG {group} {user}"), "then log in again, so that it takes effect".into()],
            )
        }
        Some(Barrier { uid, .. }) => {
            let owner = name_of("/etc/passwd", uid);
            let why = format!("it belongs to {owner} alone");
            (why, vec![format!("run this as that user:  sudo -u {owner} tollgate ...")])
        }
        None => ("permission denied".to_owned(), vec!["run this as the user that runs tollgated".to_owned()]),
    }
}

/// The socket itself where it can be seen, otherwise the nearest directory that can.
fn barrier(path: &Path) -> Option<Barrier> {
    let meta = path.ancestors().find_map(|step| fs::metadata(step).ok())?;
    Some(Barrier { uid: meta.uid(), gid: meta.gid(), mode: meta.mode() })
}

/// The name of an id in `/etc/passwd` or `/etc/group`, or the number. For words only, so a directory service is not
/// asked.
fn name_of(file: &str, id: u32) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    name_in(&text, id).unwrap_or_else(|| id.to_string())
}

fn name_in(text: &str, id: u32) -> Option<String> {
    let id = id.to_string();
    let line = text.lines().find(|line| line.split(':').nth(2) == Some(id.as_str()))?;
    line.split(':').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_named_as_the_file_names_them() {
        let text = "root:x:0:\ntollgate-reader:x:991:bob\n";
        assert_eq!(name_in(text, 991), Some("tollgate-reader".to_owned()));
        assert_eq!(name_in(text, 99), None);
    }

    #[test]
    fn the_remedy_names_the_group_that_is_let_in() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reader.sock");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
        let (why, remedy) = for_denied(&path);
        assert!(why.starts_with("you are not in the group "), "{why}");
        assert!(remedy[0].contains("usermod -aG"), "{remedy:?}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(for_denied(&path).0.ends_with(" alone"));
    }
}
