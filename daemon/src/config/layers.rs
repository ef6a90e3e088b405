//! Collects the raw text of each setting from the three layers, remembering where it came from.
//!
//! Everything becomes text here, so that one parser serves file, environment and flags; a list is joined by commas.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::keys::{self, KEYS};
use super::{ConfigError, Flags};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    File { path: PathBuf, line: usize },
    Flag(&'static str),
    Variable(String),
}

/// The text of a setting and its origin.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// Raw values by key name; later layers replace earlier ones.
pub(super) type Layers = BTreeMap<&'static str, Raw>;

/// Variables that belong to the command line tool or are handed to automation steps: none of the daemon's business.
const OTHERS_VARIABLES: &[&str] = &["TOLLGATE_CONFIG", "TOLLGATE_REQUEST_ID", "TOLLGATE_TOKEN", "TOLLGATE_URL"];
const OTHERS_PREFIX: &str = "TOLLGATE_VAR_";

struct FileLayer<'f> {
    path: &'f Path,
    text: &'f str,
    layers: &'f mut Layers,
    errors: &'f mut Vec<ConfigError>,
}

pub(super) fn read_file(path: &Path, text: &str, layers: &mut Layers, errors: &mut Vec<ConfigError>) {
    let mut layer = FileLayer { path, text, layers, errors };
    let (document, broken) = DeTable::parse_recoverable(text);
    for error in broken {
        let at = layer.origin(error.span().map_or(0, |span| span.start));
        layer.errors.push(ConfigError { key: String::new(), origin: at, message: error.message().to_owned() });
    }
    layer.table("", document.get_ref());
}

pub(super) fn read_environment(env: &BTreeMap<String, String>, layers: &mut Layers, errors: &mut Vec<ConfigError>) {
    let ours = env.range("TOLLGATE_".to_owned()..).take_while(|(name, _)| name.starts_with("TOLLGATE_"));
    for (name, value) in ours {
        let origin = Origin::Variable(name.clone());
        if let Some(key) = KEYS.iter().find(|key| key.variable == name) {
            layers.insert(key.name, Raw { text: value.clone(), origin });
        } else if !OTHERS_VARIABLES.contains(&name.as_str()) && !name.starts_with(OTHERS_PREFIX) {
            let message = unknown("variable", name, KEYS.iter().map(|key| key.variable));
            errors.push(ConfigError { key: name.clone(), origin, message });
        }
    }
}

pub(super) fn read_flags(flags: &Flags, layers: &mut Layers) {
    let path = |value: &Option<PathBuf>| value.as_ref().map(|path| path.display().to_string());
    let given = [
        ("data_dir", "--data-dir", path(&flags.data_dir)),
        ("socket.path", "--socket", path(&flags.socket)),
        ("gate.listen", "--listen", flags.listen.clone()),
        ("gate.allow_plain_http", "--allow-plain-http", flags.allow_plain_http.then(|| "true".to_owned())),
        ("log.level", "--log-level", flags.log_level.clone()),
    ];
    for (name, flag, value) in given {
        if let Some(text) = value {
            layers.insert(name, Raw { text, origin: Origin::Flag(flag) });
        }
    }
}

fn unknown<'k>(what: &str, name: &str, known: impl Iterator<Item = &'k str>) -> String {
    match keys::nearest(name, known) {
        Some(near) => format!("unknown {what}, did you mean {near}?"),
        None => format!("unknown {what}, `tollgated config` lists all"),
    }
}

// === impl Origin ===

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Flag(flag) => f.write_str(flag),
            Origin::Variable(name) => f.write_str(name),
        }
    }
}

// === impl FileLayer ===

impl FileLayer<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name =
                if prefix.is_empty() { key.get_ref().to_string() } else { format!("{prefix}.{}", key.get_ref()) };
            let origin = self.origin(key.span().start);
            let is_section = KEYS.iter().any(|key| key.name.starts_with(&format!("{name}.")));
            match value.get_ref() {
                DeValue::Table(inner) if is_section && prefix.is_empty() => self.table(&name, inner),
                value => self.value(&name, value, origin),
            }
        }
    }

    fn value(&mut self, name: &str, value: &DeValue<'_>, origin: Origin) {
        let Some(key) = keys::find(name) else {
            let message = unknown("setting", name, KEYS.iter().map(|key| key.name));
            self.errors.push(ConfigError { key: name.to_owned(), origin, message });
            return;
        };
        match text_of(value) {
            Some(text) => drop(self.layers.insert(key.name, Raw { text, origin })),
            None => {
                let message = format!("a {} does not belong here", value.type_str());
                self.errors.push(ConfigError { key: name.to_owned(), origin, message });
            }
        }
    }

    fn origin(&self, offset: usize) -> Origin {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Origin::File { path: self.path.to_owned(), line }
    }
}

fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Array(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(|item| item.get_ref().as_str()).collect();
            texts.filter(|all| all.iter().all(|text| !text.contains(','))).map(|all| all.join(","))
        }
        _ => None,
    }
}
