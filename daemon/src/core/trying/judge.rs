//! What a logged call comes to in one service.

use tollgate_shared::api::NamedRef;
use tollgate_shared::api::trying::{Doubt, TriedEffect};
use uuid::Uuid;

use super::recall::Recalled;
use super::truth::{self, Truth};
use crate::core::matching::{CompiledFilter, ServiceMatch, TriggerHit, evaluate};
use crate::core::registry::ServiceEntry;

/// The answer of one service, or of several put together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// What the call comes to, as far as it is known.
    pub effects: Vec<TriedEffect>,
    /// Resolve parts that were true without a key: they resolve nothing, but a row of the log counts them.
    pub keyless: Vec<TriedEffect>,
    /// Why the effects are a guess.
    pub doubt: Option<Doubt>,
    /// Why keys, titles or priorities are a guess, though the effects are none.
    pub details: Option<Doubt>,
}

// === impl Judged ===

impl Judged {
    /// Takes in another service's answer.
    pub fn add(&mut self, other: Self) {
        self.effects.extend(other.effects);
        self.keyless.extend(other.keyless);
        self.doubt = self.doubt.or(other.doubt);
        self.details = self.details.or(other.details);
    }
}

/// Asks the filters of a service. Whether an incident is open is not asked: where a resolve part is true and yields a key,
/// that is the answer, and else the trigger that wins.
pub fn judge(entry: &ServiceEntry, recalled: &Recalled) -> Judged {
    if !entry.service.enabled {
        return Judged::default();
    }
    let ServiceMatch { resolve_keys, trigger } = evaluate(&entry.compiled, &recalled.call, &recalled.call);
    let mut judged = Judged::default();
    for hit in resolve_keys {
        let effect = effect(entry, hit.filter, "resolve");
        match hit.key {
            Some(_) => judged.effects.push(TriedEffect { key: hit.key, ..effect }),
            None => judged.keyless.push(effect),
        }
    }
    if let Some(hit) = trigger.filter(|_| judged.effects.is_empty()) {
        judged.effects.push(opened(entry, hit));
    }
    if recalled.is_uncertain() {
        judged.doubt = doubt(entry, recalled, &judged);
        judged.details = details(entry, recalled);
    }
    judged
}

pub(super) fn opened(entry: &ServiceEntry, hit: TriggerHit) -> TriedEffect {
    let effect = effect(entry, hit.filter, "trigger");
    TriedEffect { key: hit.key, priority: Some(hit.priority), title: Some(hit.title), ..effect }
}

pub(super) fn effect(entry: &ServiceEntry, filter: Uuid, phase: &str) -> TriedEffect {
    let record = entry.records.iter().find(|record| record.id.0 == filter);
    TriedEffect {
        service: NamedRef { id: entry.service.id.to_string(), name: entry.full_name.clone() },
        filter: NamedRef {
            id: filter.to_string(),
            name: record.map(|record| record.spec.name.clone()).unwrap_or_default(),
        },
        phase: phase.to_owned(),
        key: None,
        priority: None,
        title: None,
    }
}

/// As the filters are asked, in order of position: an unknown answer matters unless what comes before settles it.
fn doubt(entry: &ServiceEntry, recalled: &Recalled, judged: &Judged) -> Option<Doubt> {
    let mut won = false;
    for filter in entry.compiled.iter().filter(|filter| filter.enabled) {
        match truth::resolves(filter, recalled) {
            Truth::Unknown(doubt) => return Some(doubt),
            Truth::Yes => {
                if let Some(doubt) = missing_key(filter, recalled, judged) {
                    return Some(doubt);
                }
            }
            Truth::No if won => {}
            Truth::No => match truth::triggers(filter, recalled) {
                Truth::Unknown(doubt) => return Some(doubt),
                answer => won = answer == Truth::Yes,
            },
        }
    }
    None
}

/// A recovery that yields no key may only have lost it with the end of the body.
fn missing_key(filter: &CompiledFilter, recalled: &Recalled, judged: &Judged) -> Option<Doubt> {
    let id = filter.id.to_string();
    let part = filter.resolve.as_ref().filter(|_| judged.keyless.iter().any(|effect| effect.filter.id == id))?;
    truth::key_doubt(&part.correlate, recalled)
}

/// Any filter of the service: which one would differ is not known beforehand.
fn details(entry: &ServiceEntry, recalled: &Recalled) -> Option<Doubt> {
    entry.compiled.iter().find_map(|filter| {
        let trigger = &filter.trigger;
        let resolve = filter.resolve.as_ref().and_then(|part| truth::key_doubt(&part.correlate, recalled));
        truth::key_doubt(&trigger.correlate, recalled)
            .or(resolve)
            .or_else(|| truth::paths_doubt(&trigger.title_from, recalled))
            .or_else(|| truth::paths_doubt(&trigger.priority_from, recalled))
    })
}
