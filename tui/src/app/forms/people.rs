//! The forms about operators, and the one that signs in.

use std::sync::Arc;

use tollgate_shared::api::{NewOperator, OperatorPatch, OperatorView};
use tollgate_shared::role::TeamRole;
use zeroize::Zeroizing;

use super::super::field::Masked;
use super::super::msg::{Call, Hidden};
use super::super::words;
use super::check::Wrong;
use super::{Difference, Form, FormField, FormKind, Value};

/// A passphrase is no shorter (domain.md §1).
pub(super) const PASSPHRASE_CHARS_MIN: usize = 12;

const UNIX_HINT: &str = "users of the daemon's host, by name or uid; may be empty";
const TEAMS_HINT: &str = "TEAM=manager|responder|observer, separated by commas";

impl Form {
    #[must_use]
    pub fn operator() -> Self {
        Self::new(
            FormKind::Operator,
            vec![
                FormField::text("name", "", "1 to 64 visible characters"),
                FormField::text("unix", "", UNIX_HINT),
                FormField::choice("role", roles(), 0, "everywhere; a role in a team overrides it there"),
                FormField::text("teams", "", TEAMS_HINT),
            ],
        )
    }

    #[must_use]
    pub fn edit_operator(operator: &Arc<OperatorView>) -> Self {
        let role = operator.role.map_or("none", |role| role.as_str());
        let at = roles().iter().position(|(_, value)| value == role).unwrap_or(0);
        let mut form = Self::new(
            FormKind::EditOperator(operator.id.to_string()),
            vec![
                FormField::text("name", &operator.name, ""),
                FormField::text("unix", &unix_users(operator).join(" "), UNIX_HINT),
                FormField::choice("role", roles(), at, "everywhere; a role in a team overrides it there"),
                FormField::text("teams", &team_roles(operator).join(", "), TEAMS_HINT),
            ],
        );
        form.operator = Some(Arc::clone(operator));
        form
    }

    #[must_use]
    pub fn passphrase(operator: &OperatorView) -> Self {
        let fields = vec![
            FormField::masked("new", "12 characters or more; a sentence is easier than a word"),
            FormField::masked("again", "the same once more"),
        ];
        Self::new(FormKind::Passphrase(operator.name.clone()), fields)
    }

    #[must_use]
    pub fn sign_in(name: &str) -> Self {
        let mut form = Self::new(
            FormKind::SignIn,
            vec![
                FormField::text("operator", name, "whose passphrase you know"),
                FormField::masked("passphrase", "not shown, kept nowhere"),
            ],
        );
        form.focus = usize::from(!name.is_empty());
        form
    }

    /// Somebody else was faster: his values, with what was typed here on top.
    pub(in crate::app) fn reload_operator(&mut self, fresh: &Arc<OperatorView>) {
        let Some(was) = &self.operator else { return };
        let (before, theirs) = (Self::edit_operator(was), Self::edit_operator(fresh));
        for ((mine, old), new) in self.fields.iter_mut().zip(&before.fields).zip(theirs.fields) {
            if mine.same(old) {
                mine.value = new.value;
            }
        }
        (self.operator, self.outdated) = (Some(Arc::clone(fresh)), false);
        let words = "changed meanwhile: their values are in, what you typed stays; look at the difference again";
        self.error = Some(words.to_owned());
    }

    /// A sign-in that was refused begins again at the passphrase.
    pub(in crate::app) fn refused(&mut self) {
        if self.kind == FormKind::SignIn {
            self.focus = 1;
            if let Some(field) = self.field("passphrase") {
                field.value = Value::Masked(Masked::default());
            }
        }
    }

    pub(super) fn people_call(&self) -> Result<Call, String> {
        Ok(match &self.kind {
            FormKind::Operator => Call::CreateOperator(NewOperator {
                name: self.line("name"),
                unix_users: self.words("unix"),
                role: self.pick("role").filter(|role| *role != "none").map(str::to_owned),
                team_roles: self.parts("teams"),
            }),
            FormKind::EditOperator(id) => {
                let patch = self.operator_patch().ok_or("nothing is different: there is nothing to change")?;
                let version = self.operator.as_ref().map_or(0, |operator| operator.version);
                Call::EditOperator { operator: id.clone(), patch, version }
            }
            FormKind::Passphrase(name) => {
                Call::SetPassphrase { operator: name.clone(), passphrase: Some(self.hidden("new")) }
            }
            _ => Call::SignIn { operator: self.line("operator"), passphrase: self.hidden("passphrase") },
        })
    }

    pub(super) fn people_cli(&self) -> String {
        let name = words::shell(&self.line("name"));
        match &self.kind {
            FormKind::Operator => {
                let mut line = format!("tollgate operator add {name}");
                line.extend(self.words("unix").iter().map(|user| format!(" --unix-user {}", words::shell(user))));
                if let Some(role) = self.pick("role").filter(|role| *role != "none") {
                    line.push_str(&format!(" --role {role}"));
                }
                line.extend(self.parts("teams").iter().map(|role| format!(" --team-role {}", words::shell(role))));
                line
            }
            FormKind::EditOperator(_) => self.edit_operator_cli(),
            FormKind::Passphrase(name) => format!("tollgate operator passphrase {}", words::shell(name)),
            _ => "tollgate, then :sign-in   (a command is always who the kernel says)".to_owned(),
        }
    }

    fn edit_operator_cli(&self) -> String {
        let was = self.operator.as_ref().map(|operator| operator.name.clone()).unwrap_or_default();
        let mut line = format!("tollgate operator edit {}", words::shell(&was));
        let patch = self.operator_patch().unwrap_or_default();
        line.extend(patch.name.iter().map(|name| format!(" --name {}", words::shell(name))));
        match patch.unix_users.as_deref() {
            Some([]) => line.push_str(" --no-unix-user"),
            Some(users) => line.extend(users.iter().map(|user| format!(" --unix-user {}", words::shell(user)))),
            None => {}
        }
        line.extend(patch.role.iter().map(|role| format!(" --role {role}")));
        match patch.team_roles.as_deref() {
            Some([]) => line.push_str(" --no-team-role"),
            Some(roles) => line.extend(roles.iter().map(|role| format!(" --team-role {}", words::shell(role)))),
            None => {}
        }
        line
    }

    /// What is different; `None` where nothing is.
    fn operator_patch(&self) -> Option<OperatorPatch> {
        let was = self.operator.as_ref()?;
        let (name, users, teams) = (self.line("name"), self.words("unix"), self.parts("teams"));
        let role = self.pick("role").unwrap_or("none");
        let patch = OperatorPatch {
            name: (name != was.name).then_some(name),
            unix_users: (users != unix_users(was)).then_some(users),
            role: (role != was.role.map_or("none", |role| role.as_str())).then(|| role.to_owned()),
            team_roles: (teams != team_roles(was)).then_some(teams),
            enabled: None,
        };
        let same = patch.name.is_none() && patch.unix_users.is_none() && patch.role.is_none();
        if same && patch.team_roles.is_none() { None } else { Some(patch) }
    }

    /// What a change of an operator would make different.
    #[must_use]
    pub fn operator_differences(&self) -> Vec<Difference> {
        let Some(was) = &self.operator else { return Vec::new() };
        let role = was.role.map_or("none", |role| role.as_str());
        let all = [
            Difference::new("name", was.name.clone(), self.line("name")),
            Difference::new("unix users", unix_users(was).join(" "), self.words("unix").join(" ")),
            Difference::new("role", role.to_owned(), self.pick("role").unwrap_or_default().to_owned()),
            Difference::new("team roles", team_roles(was).join(", "), self.parts("teams").join(", ")),
        ];
        all.into_iter().filter(Difference::is_one).collect()
    }

    /// What is wrong with roles and passphrases as they are typed.
    pub(super) fn people_complaint(&self) -> Option<Wrong> {
        if let FormKind::Passphrase(_) = self.kind {
            return self.passphrase_complaint();
        }
        self.parts("teams").iter().find_map(|word| {
            let (team, role) = word.split_once('=').unwrap_or((word, ""));
            if team.is_empty() || role.is_empty() {
                let words = format!("`{word}`: write TEAM=manager, TEAM=responder or TEAM=observer");
                return Some(Wrong::new("teams", words));
            }
            role.parse::<TeamRole>().err().map(|why| Wrong::new("teams", why.to_string()))
        })
    }

    fn passphrase_complaint(&self) -> Option<Wrong> {
        let (new, again) = (self.secret("new"), self.secret("again"));
        let chars = new.chars().count();
        if chars > 0 && chars < PASSPHRASE_CHARS_MIN {
            let words = format!("{chars} characters; a passphrase has {PASSPHRASE_CHARS_MIN} or more");
            return Some(Wrong::new("new", words));
        }
        let beginning = self.focus == 1 && new.starts_with(again);
        (!again.is_empty() && again != new && !beginning).then(|| Wrong::new("again", "the two are not the same"))
    }

    pub(super) fn people_missing(&self) -> Option<Wrong> {
        let (label, words) = match self.kind {
            FormKind::Passphrase(_) if self.secret("new").is_empty() => ("new", "type the new passphrase"),
            FormKind::Passphrase(_) if self.secret("new") != self.secret("again") => {
                ("again", "the two are not the same")
            }
            FormKind::SignIn if self.line("operator").is_empty() => ("operator", "who signs in? type the name"),
            FormKind::SignIn if self.secret("passphrase").is_empty() => ("passphrase", "type the passphrase"),
            _ => return None,
        };
        Some(Wrong::new(label, words))
    }

    /// Parts of a line, at commas: a team's name may hold spaces.
    fn parts(&self, label: &str) -> Vec<String> {
        let text = self.line(label);
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    fn secret(&self, label: &str) -> &str {
        match self.find(label) {
            Some(Value::Masked(field)) => field.expose(),
            _ => "",
        }
    }

    fn hidden(&self, label: &str) -> Hidden {
        Hidden(Zeroizing::new(self.secret(label).to_owned()))
    }
}

fn roles() -> Vec<(String, String)> {
    let all = [("none", "none"), ("reader: sees everything", "reader"), ("admin: everything", "admin")];
    all.map(|(label, value)| (label.to_owned(), value.to_owned())).into()
}

/// The unix users as the daemon takes them: `anna (1000)` is `1000` there.
fn unix_users(operator: &OperatorView) -> Vec<String> {
    let name = |user: &String| user.split(' ').next().unwrap_or_default().to_owned();
    operator.unix_users.iter().map(name).collect()
}

fn team_roles(operator: &OperatorView) -> Vec<String> {
    operator.team_roles.iter().map(|(team, role)| format!("{team}={role}")).collect()
}
