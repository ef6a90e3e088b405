//! Rules of redaction: list, try, add, remove.

use std::sync::Arc;

use http::{Response, StatusCode};
use tollgate_shared::api::{NewRedactionRule, RedactionRuleView, RedactionTried, RuleTried, Sample, TryRedaction};
use tollgate_shared::problem::{Problem, Slug};

use super::answers::{created, ok, page, reply, unexpected};
use super::params::Call;
use super::tried::decode_sample;
use crate::core::access::{Actor, Operation, Target, allows};
use crate::core::admin::Command;
use crate::core::admin::redaction::checked;
use crate::core::call::credential;
use crate::core::call::redact::{Redactor, Rules};
use crate::core::model::{RedactionRule, RedactionWhat};
use crate::daemon::Daemon;
use crate::edge::{Body, respond};

pub(super) fn list(call: &Call) -> Result<Response<Body>, Problem> {
    let query = call.query(&["limit", "cursor"])?;
    let registry = call.daemon.registry.load();
    let rules = registry.redaction().saved.rules.iter().map(view).collect();
    Ok(page(rules, query.parsed("cursor")?, query.limit()?))
}

pub(super) async fn try_rules(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, tried) = call.json::<TryRedaction>().await?;
    let now = daemon.clock.now();
    let new = tried.rules.into_iter().map(|rule| checked(rule, &actor, now)).collect::<Result<Vec<_>, _>>()?;
    let replaced = |saved: &&RedactionRule| !new.iter().any(|new| new.name.eq_ignore_ascii_case(&saved.name));
    let registry = daemon.registry.load_full();
    let saved = registry.redaction().saved.rules.iter().filter(replaced).cloned();
    let rules: Vec<_> = saved.chain(new.iter().cloned()).collect();
    Ok(ok(&outcome(&daemon, &rules, &tried.sample)?))
}

/// With a sample, a rule that cuts nothing there is not saved: it would be believed to work.
pub(super) async fn add(call: Call) -> Result<Response<Body>, Problem> {
    // Asked before the sample is looked at: nobody orders work that he has no right to.
    allows(&call.actor, Operation::ChangeOrganisation, Target::Global)?;
    let (daemon, actor, _, mut new) = call.json::<NewRedactionRule>().await?;
    let name = new.name.clone();
    if let Some(sample) = new.sample.take() {
        check_on(&daemon, &actor, new.clone(), &sample)?;
    }
    reply(&daemon, actor, Command::AddRedaction(Box::new(new))).await?;
    let registry = daemon.registry.load();
    let rule = registry.redaction().saved.rules.iter().find(|rule| rule.name == name);
    rule.map(|rule| created(&view(rule))).ok_or_else(unexpected)
}

pub(super) async fn remove(call: Call) -> Result<Response<Body>, Problem> {
    let command = Command::RemoveRedaction(call.reference("rule").to_owned());
    reply(&call.daemon, call.actor.clone(), command).await?;
    Ok(respond::empty(StatusCode::NO_CONTENT))
}

fn check_on(daemon: &Arc<Daemon>, actor: &Actor, new: NewRedactionRule, sample: &Sample) -> Result<(), Problem> {
    let rule = checked(new, actor, daemon.clock.now())?;
    let tried = outcome(daemon, &[rule], sample)?;
    if tried.rules.iter().all(|rule| rule.cuts) {
        return Ok(());
    }
    let detail = "the rule cuts nothing of the sample that is not cut without it; it was not saved";
    Err(Problem::new(Slug::Validation, detail).with_error("sample", "nothing was found in it"))
}

fn outcome(daemon: &Daemon, rules: &[RedactionRule], sample: &Sample) -> Result<RedactionTried, Problem> {
    let call = decode_sample(&sample.headers, &sample.query, &sample.body)?.call;
    let compiled = |rules: &[RedactionRule]| {
        Rules::compile(rules).map(Arc::new).map_err(|(_, why)| Problem::new(Slug::Validation, why.to_string()))
    };
    let kept = |redactor: &Redactor| {
        let view = redactor.redact(&call);
        let query = redactor.redact_query(&credential::cut_query(Some(&sample.query)));
        (view.headers, query, view.text)
    };
    let built_in = kept(&daemon.built_in_redactor);
    let each = rules.iter().map(|rule| {
        let alone = daemon.built_in_redactor.with_rules(compiled(std::slice::from_ref(rule))?);
        Ok(RuleTried { name: rule.name.clone(), cuts: kept(&alone) != built_in })
    });
    let each = each.collect::<Result<Vec<_>, Problem>>()?;
    let (headers, query, body) = kept(&daemon.built_in_redactor.with_rules(compiled(rules)?));
    let changed = headers != call.headers || query != sample.query || body != call.text;
    Ok(RedactionTried { headers, query, body, changed, rules: each })
}

fn view(rule: &RedactionRule) -> RedactionRuleView {
    let (path, pattern, ignore_case) = match &rule.what {
        RedactionWhat::Path(path) => (Some(path.clone()), None, false),
        RedactionWhat::Pattern { pattern, ignore_case } => (None, Some(pattern.clone()), *ignore_case),
    };
    let (created_at, created_by) = (rule.created_at, rule.created_by.clone());
    RedactionRuleView { name: rule.name.clone(), path, pattern, ignore_case, created_at, created_by }
}
