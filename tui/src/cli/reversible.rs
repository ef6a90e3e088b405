//! Commands that have a way back, as the changes that they ask for: line by line they go the way of the console's keys, whose
//! answers say what `undo` has to lead back from.

use clap::Parser as _;
use serde::Serialize;
use tollgate_shared::api::{FilterPatch, OperatorPatch, TokenView};

use super::args::{
    Args, BulkTarget, FilterVerb, Format, Global, IncidentPick, IncidentVerb, OperatorVerb, ServiceVerb, Switch,
    TokenEdit, TokenVerb, Verb, WorkflowVerb,
};
use super::{operator, token};
use crate::app::msg::Call;

/// A change of one object as it was typed: by the object's name, id or a piece of it, of the version that it has then.
#[derive(Debug)]
pub(crate) struct Reversible {
    /// Version 0, or an empty one, stands for the object's own.
    pub(crate) call: Call,
    /// What a preset of permissions means only the token's scope says.
    pub(crate) preset: Option<String>,
    /// The question about a token that floods is answered.
    pub(crate) yes: bool,
}

impl Reversible {
    /// The permissions that a preset means, once the token is known.
    pub(crate) fn take_preset(&mut self, of: &TokenView) {
        let Some(preset) = self.preset.take() else { return };
        if let Call::EditToken { patch, .. } = &mut self.call {
            patch.permissions = Some(token::preset_of(&preset, of));
        }
    }
}

/// The change of a command; `None` where it is none of one object that can be taken back, or asks for a form of its own.
pub(crate) fn reversible(words: &[String]) -> Option<Reversible> {
    let args = Args::try_parse_from(argv(words)).ok()?;
    let Global { socket: None, output: Format::Table, quiet: false, yes, .. } = args.global else { return None };
    let (call, preset) = match args.verb? {
        Verb::Token(TokenVerb::Edit(args)) => edit(*args)?,
        verb => (call(verb)?, None),
    };
    Some(Reversible { call, preset, yes })
}

/// Why words are no command, in a line.
pub(crate) fn misread(words: &[String]) -> Option<String> {
    let error = Args::try_parse_from(argv(words)).err()?.render().to_string();
    Some(error.lines().next()?.trim_start_matches("error: ").to_owned())
}

fn argv(words: &[String]) -> impl Iterator<Item = &str> {
    ["tollgate"].into_iter().chain(words.iter().map(String::as_str))
}

fn edit(args: TokenEdit) -> Option<(Call, Option<String>)> {
    let (token, version, preset) = (args.token.clone(), args.if_version.unwrap_or(0), args.preset.clone());
    let patch = token::patch(args).ok()?;
    let names_something = preset.is_some() || is_something(&patch);
    let call = Call::EditToken { token, patch: Box::new(patch), version, debug: None };
    names_something.then_some((call, preset))
}

fn call(verb: Verb) -> Option<Call> {
    let switched = |enabled| FilterPatch { enabled: Some(enabled), ..FilterPatch::default() };
    let filter = |filter, patch| Call::EditFilter { filter, patch: Box::new(patch), version: String::new() };
    Some(match verb {
        Verb::Token(TokenVerb::Debug { token, switch, sample }) => {
            Call::Debug { token, on: switch == Switch::On, one_in: sample }
        }
        Verb::Token(TokenVerb::Suspend(args)) => Call::Suspend { token: one(args.target)?, reason: args.reason },
        Verb::Token(TokenVerb::Resume(target)) => Call::Resume { token: one(target)? },
        Verb::Incident(IncidentVerb::Ack(pick)) => Call::Acknowledge { incident: picked(pick)? },
        Verb::Incident(IncidentVerb::Unack(pick)) => Call::Unacknowledge { incident: picked(pick)? },
        Verb::Service(ServiceVerb::Disable { service }) => Call::SwitchService { service, on: false },
        Verb::Service(ServiceVerb::Enable { service }) => Call::SwitchService { service, on: true },
        Verb::Filter(FilterVerb::Disable { filter: id }) => filter(id, switched(false)),
        Verb::Filter(FilterVerb::Enable { filter: id }) => filter(id, switched(true)),
        Verb::Filter(FilterVerb::Move { filter: id, to }) => {
            filter(id, FilterPatch { position: Some(to), ..FilterPatch::default() })
        }
        Verb::Workflow(WorkflowVerb::Disable { workflow }) => Call::SwitchWorkflow { workflow, on: false, version: 0 },
        Verb::Workflow(WorkflowVerb::Enable { workflow }) => Call::SwitchWorkflow { workflow, on: true, version: 0 },
        Verb::Operator(verb) => of_operator(verb)?,
        _ => return None,
    })
}

fn of_operator(verb: OperatorVerb) -> Option<Call> {
    let switched = |enabled| OperatorPatch { enabled: Some(enabled), ..OperatorPatch::default() };
    let (operator, patch, version) = match verb {
        OperatorVerb::Edit(args) => {
            let (operator, version) = (args.operator.clone(), args.if_version.unwrap_or(0));
            (operator, operator::patch(args), version)
        }
        OperatorVerb::Disable(target) => (target.operator, switched(false), 0),
        OperatorVerb::Enable(target) => (target.operator, switched(true), 0),
        _ => return None,
    };
    is_something(&patch).then_some(Call::EditOperator { operator, patch, version })
}

/// The one token that is named.
fn one(target: BulkTarget) -> Option<String> {
    target.token.filter(|token| token != "-")
}

/// The one incident that is named.
fn picked(mut pick: IncidentPick) -> Option<String> {
    let named = pick.incidents.len() == 1;
    pick.incidents.pop().filter(|incident| named && incident != "-")
}

fn is_something(patch: &impl Serialize) -> bool {
    let value = serde_json::to_value(patch).unwrap_or_default();
    value.as_object().is_some_and(|fields| fields.values().any(|value| !value.is_null()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<Call> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        reversible(&words).map(|change| change.call)
    }

    #[test]
    fn a_change_of_one_object_with_a_way_back_is_told_from_all_else() {
        assert!(matches!(of("token suspend ci"), Some(Call::Suspend { token, .. }) if token == "ci"));
        assert!(matches!(of("token debug ci on --sample 10"), Some(Call::Debug { on: true, one_in: Some(10), .. })));
        assert!(matches!(of("token edit ci --expires 9d"), Some(Call::EditToken { patch, version: 0, .. })
            if patch.expires.as_deref() == Some("9d")));
        assert!(matches!(of("incident ack 01a2"), Some(Call::Acknowledge { .. })));
        assert!(
            matches!(of("filter move 01a2 --to 2"), Some(Call::EditFilter { patch, .. }) if patch.position == Some(2))
        );
        assert!(matches!(
            of("operator edit bob --role reader --if-version 7"),
            Some(Call::EditOperator { version: 7, .. })
        ));
        for other in [
            "token list",
            "token revoke ci --confirm ci",
            "token edit ci",
            "token suspend --query name:ci",
            "token suspend ci --output json",
            "incident ack 01a2 01a3",
            "incident resolve 01a2",
            "token edit ci --nonsense",
        ] {
            assert!(of(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_preset_waits_for_the_token_and_a_fault_is_one_line() {
        let words = ["token", "edit", "ci", "--preset", "sender"].map(str::to_owned);
        assert_eq!(reversible(&words).unwrap().preset.as_deref(), Some("sender"));
        let words = ["token", "edit", "ci", "--nonsense"].map(str::to_owned);
        assert!(misread(&words).unwrap().contains("--nonsense"));
        assert_eq!(misread(&words[..3]), None);
    }
}
