//! Where a secret goes, once: a new file, the alternate screen of a terminal, or the pipe that asked for it.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tollgate_shared::api::{StatusView, TokenCreated, TokenView};
use tollgate_shared::id::TokenId;

use super::args::Format;
use super::context::{Context, Done};
use super::exit::{CliError, Exit};
use super::io::Lines;
use super::show_once;

/// Where the secret of a token that is about to be made will go. Made before the token, so that nothing that can be
/// known before stands between the secret and its reader.
#[derive(Debug)]
pub(super) enum Destination {
    /// A file that did not exist before.
    File(NewFile),
    /// Standard output is a pipe or a file.
    Pipe,
    /// Somebody looks.
    Screen,
    /// Somebody looks at lines that stay, and has said that he knows.
    Kept,
}

/// A file that did not exist before, for its owner alone.
#[derive(Debug)]
pub(super) struct NewFile {
    path: PathBuf,
    file: File,
}

impl NewFile {
    /// Mode 0600 from the first moment on, and never an existing file or a link.
    ///
    /// # Errors
    /// It exists or cannot be made: wrong input, and nothing was changed.
    pub(super) fn create(path: &Path) -> Result<Self, CliError> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                CliError::input(format!("{} exists already, nothing was changed", path.display()), "name a new file")
            }
            _ => CliError::input(
                format!("{} cannot be made, nothing was changed: {error}", path.display()),
                "name a new file",
            ),
        })?;
        Ok(Self { path: path.to_path_buf(), file })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes lines; when this returns they are on disk, and so is the file's name.
    pub(super) fn write<'a>(self, lines: impl IntoIterator<Item = &'a str>) -> std::io::Result<()> {
        let mut out = std::io::BufWriter::new(&self.file);
        lines.into_iter().try_for_each(|line| out.write_all(line.as_bytes()).and_then(|()| out.write_all(b"\n")))?;
        out.flush()?;
        drop(out);
        self.file.sync_all()?;
        let directory = self.path.parent().filter(|dir| !dir.as_os_str().is_empty());
        File::open(directory.unwrap_or_else(|| Path::new(".")))?.sync_all()
    }

    /// Nothing came of it: the file goes.
    pub(super) fn abandon(self) {
        std::fs::remove_file(&self.path).ok();
    }
}

/// What JSON says of a new token where its secret went elsewhere.
#[derive(Serialize)]
struct WithoutSecret<'a> {
    id: TokenId,
    secret_file: Option<&'a Path>,
    token: &'a TokenView,
}

impl Destination {
    /// Prepares the way.
    ///
    /// # Errors
    /// The file exists or cannot be made; the terminal has no alternate screen, so the secret would stay in its
    /// history.
    pub(super) fn prepare(cx: &mut Context<'_>, file: Option<PathBuf>) -> Result<Self, CliError> {
        match file {
            Some(path) => NewFile::create(&path).map(Self::File),
            None if cx.io.lines == Some(Lines::Kept) => warned(cx),
            None if cx.io.lines == Some(Lines::Piped) => Ok(Self::Pipe),
            None if !cx.io.out_is_tty => Ok(Self::Pipe),
            None if cx.io.is_dumb => {
                let what = "this terminal has no second screen, so the secret would stay in its history";
                Err(CliError::usage(what, "add:  --secret-file FILE"))
            }
            None => Ok(Self::Screen),
        }
    }

    /// Nothing came of it: takes back what was prepared.
    pub(super) fn abandon(self) {
        if let Self::File(file) = self {
            file.abandon();
        }
    }

    /// Brings the secret there. From here on every failure must say that the token exists and its secret may be lost.
    pub(super) fn deliver(self, cx: &mut Context<'_>, created: &TokenCreated, verb: &str) -> Done {
        let lost = |cx: &Context<'_>, error: &std::io::Error| {
            let id = created.id;
            let what = format!("the token {id} was {verb}, but its secret could not be written: {error}");
            CliError::failure(
                what,
                format!("it is lost; make a new one:  {} token rotate {id} --secret-file FILE", cx.tollgate()),
            )
        };
        match self {
            Self::File(file) => {
                let path = file.path().to_path_buf();
                file.write([created.secret.as_str()]).map_err(|error| lost(cx, &error))?;
                without_secret(cx, created, Some(&path), verb)
            }
            Self::Pipe => {
                pipe(cx, created).map_err(|error| lost(cx, &error))?;
                if cx.format == Format::Table {
                    cx.notes(&facts(created, &cx.status, verb));
                }
                Ok(Exit::Ok)
            }
            Self::Kept => {
                cx.io.line("The secret, on the next line, is shown this once:").map_err(|error| lost(cx, &error))?;
                pipe(cx, created).map_err(|error| lost(cx, &error))?;
                without_secret(cx, created, None, verb)
            }
            Self::Screen => {
                show_once::show(created, &show_once::call_line(&cx.status.listen, cx.status.tls))
                    .map_err(|error| lost(cx, &error))?;
                without_secret(cx, created, None, verb)
            }
        }
    }
}

/// Before anything is made: where it would be shown, it would also be kept.
fn warned(cx: &mut Context<'_>) -> Result<Destination, CliError> {
    cx.io.note("This terminal keeps what it shows, so the secret would stay in its history.");
    let answer = cx.io.ask("Type show to have it shown here once; Enter alone makes nothing:")?;
    match answer.as_deref().map(str::trim) {
        Some("show") => Ok(Destination::Kept),
        _ => Err(CliError::failure(
            "not confirmed, nothing was changed",
            "or have it in a new file:  --secret-file FILE",
        )),
    }
}

/// The secret alone on its line, or within the JSON object that the daemon answered.
fn pipe(cx: &mut Context<'_>, created: &TokenCreated) -> std::io::Result<()> {
    match cx.format {
        Format::Table | Format::Csv | Format::Har => cx.io.line(&created.secret)?,
        Format::Json => cx.io.json(created, true)?,
        Format::Jsonl => cx.io.json(created, false)?,
    }
    cx.io.out.flush()
}

fn without_secret(cx: &mut Context<'_>, created: &TokenCreated, file: Option<&Path>, verb: &str) -> Done {
    if cx.format == Format::Table {
        cx.notes(&facts(created, &cx.status, verb));
        if let Some(file) = file {
            cx.note(&format!("its secret is in {} (mode 0600)", file.display()));
        }
        return Ok(Exit::Ok);
    }
    let view = WithoutSecret { id: created.id, secret_file: file, token: &created.token };
    cx.object(&view, |_| Vec::new())
}

fn facts(created: &TokenCreated, status: &StatusView, verb: &str) -> [(&'static str, String); 4] {
    let token = &created.token;
    [
        ("token", format!("{} {verb}", token.name)),
        ("id", created.id.to_string()),
        ("scope", super::token::scope_words(&token.scope)),
        ("use it", format!("read -rs TG; {}", show_once::call_line(&status.listen, status.tls))),
    ]
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_file_is_new_and_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        NewFile::create(&path).unwrap().write(["tg_s_x"]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "tg_s_x\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let refused = NewFile::create(&path).unwrap_err();
        assert_eq!(refused.exit(), Exit::BadInput);
    }
}
