//! Which names (of body members, headers, query parameters, variables) promise that their value is a secret.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The names of domain.md §5 and their kin. `*` in front means: every name that ends so. Plural `tokens` is left out on
/// purpose, it counts things far more often than it holds them; so is `signature`, the name of a rule in many alerts.
pub const DEFAULT_NAMES: &[&str] = &[
    "*password",
    "*passwords",
    "*passwd",
    "*passphrase",
    "*pwd",
    "*secret",
    "secrets",
    "*token",
    "*api_key",
    "*api_keys",
    "*access_key",
    "*secret_key",
    "*private_key",
    "*routing_key",
    "*integration_key",
    "*service_key",
    "*signing_key",
    "*encryption_key",
    "*shared_key",
    "*account_key",
    "*license_key",
    "*authorization",
    "auth",
    "*credential",
    "*credentials",
    "*cookie",
    "cookies",
    "jwt",
    "bearer",
    "session_id",
    "*connection_string",
];

static DEFAULT: LazyLock<SecretNames> = LazyLock::new(|| SecretNames::new(DEFAULT_NAMES));

/// A set of secret names. Compared without regard to case and to everything that is neither letter nor digit, so
/// `Api-Key`, `api_key` and `apiKey` are one name.
#[derive(Clone)]
pub struct SecretNames {
    exact: HashSet<String>,
    endings: Vec<String>,
}

impl SecretNames {
    /// Takes names; a leading `*` makes one an ending. Blank names are left out, they would match everything.
    pub fn new(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut set = Self { exact: HashSet::new(), endings: Vec::new() };
        for name in names {
            let normal = normal_name(name.as_ref());
            if normal.is_empty() {
                continue;
            }
            if name.as_ref().starts_with('*') {
                set.endings.push(normal);
            } else {
                set.exact.insert(normal);
            }
        }
        set
    }

    /// The names that hold where nothing was configured, and for all that is cut before a configuration is asked.
    pub fn default_names() -> &'static Self {
        &DEFAULT
    }

    /// Does this name promise a secret?
    pub fn contains(&self, name: &str) -> bool {
        let normal = normal_name(name);
        self.exact.contains(&normal) || self.endings.iter().any(|ending| normal.ends_with(ending))
    }
}

fn normal_name(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_separators() {
        for name in [
            "password",
            "PASSWORD",
            "Pass-Word",
            "db_password",
            "dbPassword",
            "PGPASSWORD",
            "spring.datasource.password",
            "secret",
            "client_secret",
            "clientSecret",
            "token",
            "access_token",
            "refresh-token",
            "X-Gitlab-Token",
            "api_key",
            "apikey",
            "api-key",
            "X-Api-Key",
            "routing_key",
            "authorization",
            "Proxy-Authorization",
            "auth",
            "cookie",
            "Set-Cookie",
            "credentials",
            "aws_secret_access_key",
            "private_key",
            "token[]",
            "MYSQL_PWD",
        ] {
            assert!(SecretNames::default_names().contains(name), "{name}");
        }
    }

    #[test]
    fn harmless_names_that_look_alike_are_left_alone() {
        for name in [
            "tokens_used",
            "tokens",
            "token_count",
            "max_tokens",
            "password_age_days",
            "passwordless",
            "secretary",
            "author",
            "authority",
            "auth_method",
            "key",
            "monkey",
            "keyboard",
            "signature",
            "session",
            "fingerprint",
            "",
            "_",
            "cookie_count",
            "secretName",
            "host",
            "pass",
            "compass",
        ] {
            assert!(!SecretNames::default_names().contains(name), "{name}");
        }
    }

    #[test]
    fn configured_names_replace_the_default_ones() {
        let names = SecretNames::new(["kennwort", "*_pin", "", "*"]);
        assert!(names.contains("Kenn-Wort") && names.contains("door_pin") && names.contains("PIN"));
        assert!(!names.contains("password") && !names.contains("") && !names.contains("mein_kennwort"));
    }
}
