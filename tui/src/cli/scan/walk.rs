//! Which files a scan reads.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// A file and how large it was when it was found.
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// All regular files below `paths`, and what cannot be looked at. Links are followed only where they are named; pipes,
/// sockets and devices are left out, because reading one may never end.
pub(super) fn files(paths: &[PathBuf]) -> (Vec<Found>, Vec<String>) {
    let (mut files, mut failed) = (Vec::new(), Vec::new());
    let mut waiting: Vec<PathBuf> = Vec::new();
    for path in paths {
        match fs::canonicalize(path) {
            Ok(real) if real.is_dir() || fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) => {
                waiting.push(if real.is_dir() { path.join("") } else { real });
            }
            Ok(_) => waiting.push(path.clone()),
            Err(error) => failed.push(format!("{} cannot be read: {error}", path.display())),
        }
    }
    waiting.reverse();
    while let Some(path) = waiting.pop() {
        if let Err(error) = step(&path, &mut files, &mut waiting) {
            failed.push(format!("{} cannot be read: {error}", path.display()));
        }
    }
    (files, failed)
}

fn step(path: &Path, files: &mut Vec<Found>, waiting: &mut Vec<PathBuf>) -> io::Result<()> {
    // A named directory ends in a slash, behind which a link to it is the directory.
    let meta = fs::symlink_metadata(path)?;
    if meta.is_file() {
        files.push(Found { path: path.to_path_buf(), bytes: meta.len() });
    }
    if meta.is_dir() {
        let mut inside =
            fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
        inside.sort_unstable_by(|a, b| b.cmp(a));
        waiting.append(inside.as_mut());
    }
    Ok(())
}

/// Opens a file that may have become a link or a pipe meanwhile: neither is followed or waited for.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no regular file any more")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_only_where_they_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let (inside, outside) = (dir.path().join("in"), dir.path().join("out"));
        fs::create_dir(&inside).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(inside.join("a"), "12").unwrap();
        fs::write(outside.join("b"), "1").unwrap();
        symlink(&outside, inside.join("link")).unwrap();
        symlink(outside.join("b"), inside.join("file-link")).unwrap();
        let names = |path: PathBuf| {
            let (files, failed) = files(&[path]);
            assert!(failed.is_empty(), "{failed:?}");
            files.iter().map(|file| file.path.file_name().unwrap().to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(inside.clone()), ["a"]);
        assert_eq!(names(inside.join("link")), ["b"]);
        assert_eq!(names(inside.join("file-link")), ["b"]);
        assert_eq!(files(&[dir.path().join("none")]).1.len(), 1);
        assert!(open(&inside.join("file-link")).is_err());
    }
}
