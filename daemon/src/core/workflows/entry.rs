//! A workflow ready to be asked.

use std::sync::Arc;

use tollgate_shared::id::TeamId;
use tollgate_shared::workflow::StepWork;
use uuid::Uuid;

use super::record::Workflow;
use crate::core::access::Target;
use crate::core::call::Call;
use crate::core::matching::CompiledFilter;

/// Letters and digits of a public id.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Characters of a public id after `w_`.
const PUBLIC_CHARS: usize = 10;

/// A workflow with its trigger compiled.
pub struct WorkflowEntry {
    /// The workflow.
    pub workflow: Arc<Workflow>,
    /// `Ops/Restart`, or the bare name where it is global.
    pub full_name: String,
    /// Its trigger, as the matcher knows it.
    pub trigger: Option<Arc<CompiledFilter>>,
    /// The steps, shared with the requests of this version.
    pub steps: Arc<Vec<tollgate_shared::workflow::Step>>,
    /// Lower-case names of the headers that its trigger reads.
    pub header_names: Vec<String>,
}

/// A public id out of a new id's random part. It is no secret: it names, it does not admit.
pub fn public_id_of(id: Uuid) -> String {
    let mut random = u64::try_from(id.as_u128() & u128::from(u64::MAX >> 2)).unwrap_or(0);
    let mut text = String::from("w_");
    for _ in 0..PUBLIC_CHARS {
        let at = usize::try_from(random % 62).unwrap_or(0);
        text.push(char::from(ALPHABET[at]));
        random /= 62;
    }
    text
}

impl WorkflowEntry {
    /// Compiles a workflow.
    ///
    /// # Errors
    /// Its trigger does not compile, which a saved one's does.
    pub fn new(workflow: Workflow, team_name: Option<&str>) -> Result<Self, String> {
        let filter = workflow.spec.trigger.as_ref().map(|trigger| trigger.as_filter("trigger"));
        let trigger = filter.as_ref().map(|filter| CompiledFilter::compile(workflow.id.0, 1, filter)).transpose();
        let trigger = trigger.map_err(|errors| {
            let first = errors.first().map_or_else(String::new, |error| format!("{}: {}", error.path, error.message));
            format!("workflow {} ({}) does not compile: {first}", workflow.id, workflow.spec.name)
        })?;
        let full_name = match team_name {
            Some(team) => format!("{team}/{}", workflow.spec.name),
            None => workflow.spec.name.clone(),
        };
        let steps = Arc::new(workflow.spec.steps.clone());
        let header_names = filter.iter().flat_map(tollgate_shared::filter::FilterSpec::header_names).collect();
        Ok(Self { workflow: Arc::new(workflow), full_name, trigger: trigger.map(Arc::new), steps, header_names })
    }

    /// True where a call that names no workflow starts it.
    pub fn is_started_by(&self, call: &Call) -> bool {
        self.workflow.spec.enabled && self.trigger.as_ref().is_some_and(|trigger| trigger.triggers(call))
    }

    /// What access is asked about.
    pub fn target(&self) -> Target {
        target_of(self.workflow.team)
    }

    /// True where one of its steps opens an incident on this service.
    pub fn names_service(&self, service: &str) -> bool {
        self.workflow
            .spec
            .steps
            .iter()
            .any(|step| matches!(step.work(), Some(StepWork::Incident(incident)) if incident.service == service))
    }
}

/// What access is asked about: something of a team, or of none.
pub fn target_of(team: Option<TeamId>) -> Target {
    team.map_or(Target::Global, Target::Team)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_id_is_w_and_ten_letters_and_digits() {
        let id = public_id_of(Uuid::from_u128(0x0198_0000_0000_7000_8000_0123_4567_89ab));
        assert_eq!(id.len(), 12);
        assert!(id.starts_with("w_") && id[2..].bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        assert_ne!(id, public_id_of(Uuid::from_u128(0x0198_0000_0000_7000_8000_0123_4567_89ac)));
    }
}
