//! From a filter as written to one that can be asked.

use std::collections::HashMap;

use tollgate_shared::filter::{Condition, CorrPath, FieldError, FilterSpec, Mode, Path, Resolve, Trigger};
use tollgate_shared::priority::Priority;
use uuid::Uuid;

use super::condition::{CompiledCondition, field_error};
use crate::core::call::Call;

/// A filter ready for evaluation. Shared by `Arc`, never changed: an edit compiles a new one.
#[derive(Debug, Clone)]
pub struct CompiledFilter {
    /// The filter's id.
    pub id: Uuid,
    /// For verdicts.
    pub name: String,
    /// The filter's place in its service; the smallest is asked first.
    pub position: u32,
    /// False: neither part is asked.
    pub enabled: bool,
    /// What opens an incident.
    pub trigger: CompiledTrigger,
    /// What resolves one; `None` = no call does.
    pub resolve: Option<CompiledResolve>,
}

/// A trigger part; its paths are read, its patterns compiled.
#[derive(Debug, Clone)]
pub struct CompiledTrigger {
    /// Every call is taken; then there are no conditions.
    pub match_all: bool,
    /// In the order of the filter.
    pub conditions: Vec<CompiledCondition>,
    /// Must all be true, or any.
    pub mode: Mode,
    /// Where the call names none.
    pub priority: Priority,
    /// The first that selects a known word decides.
    pub priority_from: Vec<Path>,
    /// Keys in lower case.
    pub priority_map: HashMap<String, Priority>,
    /// The first with a non-blank value is the title.
    pub title_from: Vec<Path>,
    /// The first with a non-blank value, else the body.
    pub description_from: Vec<Path>,
    /// The components of the key; none = every call opens a new incident.
    pub correlate: Vec<CorrPath>,
}

/// A resolve part.
#[derive(Debug, Clone)]
pub struct CompiledResolve {
    /// In the order of the filter.
    pub conditions: Vec<CompiledCondition>,
    /// Must all be true, or any.
    pub mode: Mode,
    /// The resolve part's own paths, or the trigger's where it names none.
    pub correlate: Vec<CorrPath>,
}

// === impl CompiledFilter ===

impl CompiledFilter {
    /// Validates and compiles a filter.
    ///
    /// # Errors
    /// All broken rules, as `FilterSpec::validate` names them.
    pub fn compile(id: Uuid, position: u32, spec: &FilterSpec) -> Result<Self, Vec<FieldError>> {
        spec.validate()?;
        Self::compile_valid(id, position, spec).map_err(|error| vec![error])
    }

    /// Compiles a filter that was validated when it was saved. Only what compiling itself finds is an error, so that a
    /// rule that became stricter since does not keep a daemon from starting.
    ///
    /// # Errors
    /// A path or pattern that cannot be read.
    pub fn compile_stored(id: Uuid, position: u32, spec: &FilterSpec) -> Result<Self, Vec<FieldError>> {
        Self::compile_valid(id, position, spec).map_err(|error| vec![error])
    }

    /// The names of the headers that the filter reads, in lower case.
    pub fn header_names(&self) -> impl Iterator<Item = String> {
        let (trigger, resolve) = (&self.trigger, self.resolve.as_ref());
        let conditions = trigger.conditions.iter().chain(resolve.into_iter().flat_map(|part| &part.conditions));
        let keys = trigger.correlate.iter().chain(resolve.into_iter().flat_map(|part| &part.correlate));
        let listed = trigger.priority_from.iter().chain(&trigger.title_from).chain(&trigger.description_from);
        let paths = conditions.map(|condition| &condition.path).chain(keys.map(|key| &key.path)).chain(listed);
        paths.filter_map(|path| match path {
            Path::Header(name) => Some(name.to_lowercase()),
            _ => None,
        })
    }

    fn compile_valid(id: Uuid, position: u32, spec: &FilterSpec) -> Result<Self, FieldError> {
        let resolve = spec.resolve.as_ref().map(|resolve| compile_resolve(resolve, spec)).transpose()?;
        let trigger = compile_trigger(&spec.trigger)?;
        Ok(Self { id, name: spec.name.clone(), position, enabled: spec.enabled, trigger, resolve })
    }

    /// Is the resolve part true of this call? False where there is none.
    pub fn resolves(&self, call: &Call) -> bool {
        self.resolve.as_ref().is_some_and(|part| part_holds(&part.conditions, part.mode, call))
    }

    /// Is the trigger true of this call?
    pub fn triggers(&self, call: &Call) -> bool {
        self.trigger.match_all || part_holds(&self.trigger.conditions, self.trigger.mode, call)
    }
}

fn part_holds(conditions: &[CompiledCondition], mode: Mode, call: &Call) -> bool {
    match mode {
        Mode::All => conditions.iter().all(|condition| condition.holds(call)),
        Mode::Any => conditions.iter().any(|condition| condition.holds(call)),
    }
}

fn compile_trigger(trigger: &Trigger) -> Result<CompiledTrigger, FieldError> {
    let map = trigger.priority_map.iter();
    Ok(CompiledTrigger {
        match_all: trigger.match_all,
        conditions: conditions("trigger", &trigger.conditions)?,
        mode: trigger.mode,
        priority: trigger.priority,
        priority_from: paths("trigger.priority_from", &trigger.priority_from)?,
        priority_map: map.map(|(word, priority)| (word.trim().to_lowercase(), *priority)).collect(),
        title_from: paths("trigger.title_from", &trigger.title_from)?,
        description_from: paths("trigger.description_from", &trigger.description_from)?,
        correlate: corr_paths("trigger.correlate", &trigger.correlate)?,
    })
}

fn compile_resolve(resolve: &Resolve, spec: &FilterSpec) -> Result<CompiledResolve, FieldError> {
    Ok(CompiledResolve {
        conditions: conditions("resolve", &resolve.conditions)?,
        mode: resolve.mode,
        correlate: corr_paths("resolve.correlate", spec.resolve_correlate())?,
    })
}

fn conditions(part: &str, list: &[Condition]) -> Result<Vec<CompiledCondition>, FieldError> {
    let places = list.iter().enumerate();
    places.map(|(place, item)| CompiledCondition::compile(item, &format!("{part}.conditions[{place}]"))).collect()
}

fn paths(field: &str, list: &[String]) -> Result<Vec<Path>, FieldError> {
    list.iter().map(|text| Path::parse(text).map_err(|error| field_error(field, &error))).collect()
}

fn corr_paths(field: &str, list: &[String]) -> Result<Vec<CorrPath>, FieldError> {
    list.iter().map(|text| CorrPath::parse(text).map_err(|error| field_error(field, &error))).collect()
}
