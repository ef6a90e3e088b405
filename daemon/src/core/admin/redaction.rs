//! Rules of redaction: what an operator has cut from every call before anything of it is kept (domain.md §5).

use tollgate_shared::api::NewRedactionRule;
use tollgate_shared::problem::{Problem, Slug};

use super::{Done, Office, Reply, invalid, name_of};
use crate::core::access::Actor;
use crate::core::call::redact::Rules;
use crate::core::model::{RedactionRule, RedactionWhat, RegistryChange};

/// Each rule is asked about every text of every call.
pub const RULES_MAX: usize = 32;

pub(super) fn add(office: &mut Office<'_>, actor: &Actor, new: NewRedactionRule) -> Result<Done, Problem> {
    let mut saved = office.registry.redaction().saved.clone();
    let rule = checked(new, actor, office.now)?;
    let key = rule.name.to_lowercase();
    if saved.rules.iter().any(|known| known.name.to_lowercase() == key) {
        let detail = format!("there is a rule `{}` already; remove it first", rule.name);
        return Err(Problem::new(Slug::Conflict, detail));
    }
    if saved.rules.len() >= RULES_MAX {
        return Err(invalid("name", format!("there are {RULES_MAX} rules already, which is the limit; remove one")));
    }
    let (target, detail) = (target_of(&rule), described(&rule.what));
    saved.rules.push(rule);
    let changes = vec![RegistryChange::SetRedaction(saved)];
    office.write(actor, &changes, "redaction.add", target, detail);
    Ok(Done { changes, reply: Reply::Redaction })
}

pub(super) fn remove(office: &mut Office<'_>, actor: &Actor, name: &str) -> Result<Done, Problem> {
    let mut saved = office.registry.redaction().saved.clone();
    let key = name.to_lowercase();
    let Some(place) = saved.rules.iter().position(|rule| rule.name.to_lowercase() == key) else {
        return Err(Problem::new(Slug::NotFound, format!("there is no redaction rule `{name}`")));
    };
    let rule = saved.rules.remove(place);
    let changes = vec![RegistryChange::SetRedaction(saved)];
    office.write(actor, &changes, "redaction.remove", target_of(&rule), described(&rule.what));
    Ok(Done { changes, reply: Reply::Deleted })
}

/// A rule as it would be saved.
///
/// # Errors
/// 422 with the field that is wrong.
pub fn checked(
    new: NewRedactionRule,
    actor: &Actor,
    now: tollgate_shared::time::Timestamp,
) -> Result<RedactionRule, Problem> {
    let name = name_of("name", &new.name)?.to_string();
    let what = match (new.path, new.pattern) {
        (Some(path), None) if new.ignore_case => {
            return Err(invalid("ignore_case", format!("it is for patterns; `{path}` is a path")));
        }
        (Some(path), None) => RedactionWhat::Path(path),
        (None, Some(pattern)) => RedactionWhat::Pattern { pattern, ignore_case: new.ignore_case },
        _ => return Err(invalid("path", "give a path or a pattern, and not both")),
    };
    let field = if matches!(what, RedactionWhat::Path(_)) { "path" } else { "pattern" };
    let rule = RedactionRule { name, what, created_at: now, created_by: actor.name.clone() };
    match Rules::compile([&rule]) {
        Ok(_) => Ok(rule),
        Err((_, why)) => {
            let message = why.to_string();
            Err(invalid(field, message.split_once(": ").map_or(message.as_str(), |(_, why)| why)))
        }
    }
}

fn target_of(rule: &RedactionRule) -> String {
    format!("redaction rule {}", rule.name)
}

fn described(what: &RedactionWhat) -> String {
    match what {
        RedactionWhat::Path(path) => format!("path {path}"),
        RedactionWhat::Pattern { pattern, ignore_case: false } => format!("pattern {pattern}"),
        RedactionWhat::Pattern { pattern, ignore_case: true } => format!("pattern {pattern}, case ignored"),
    }
}
