//! The orders of the tables: `o` and its menu, `s`.

use super::super::layer::{Menu, MenuItem, Pick};
use super::super::model::{Model, Screen};
use super::super::requests::{RequestsTab, Sort as RequestSort, WorkflowSort};
use super::super::{hosts, incidents, operators, status, tokens};

/// `o`.
pub(super) fn menu(model: &Model) -> Menu {
    let requests = &model.requests;
    if hosts::is_here(model) {
        return of(hosts::Sort::ALL, model.tokens.hosts.order.by, Pick::SortHosts);
    }
    match (model.screen, requests.tab) {
        (Screen::Incidents, _) => of(&incidents::Sort::ALL, model.incidents.sort, Pick::SortIncidents),
        (Screen::Requests, RequestsTab::Requests) => of(RequestSort::ALL, requests.order.by, Pick::SortRequests),
        (Screen::Requests, RequestsTab::Workflows) => {
            of(WorkflowSort::ALL, requests.workflow_order.by, Pick::SortWorkflows)
        }
        (Screen::Operators, _) => of(operators::Sort::ALL, model.operators.order.by, Pick::SortOperators),
        (Screen::Audit, _) => of_audit(),
        (Screen::Status, _) => {
            let menu = of(status::TALKERS_BY, model.health.talkers_by, Pick::SortTalkers);
            Menu { title: "WHO CALLS MOST, by".to_owned(), ..menu }
        }
        _ => of(&tokens::Sort::ALL, model.tokens.sort, Pick::Sort),
    }
}

fn of<S: Copy + PartialEq>(all: &[(char, S, &'static str)], now: S, pick: impl Fn(S) -> Pick) -> Menu {
    let items = all.iter().map(|(letter, sort, words)| MenuItem {
        letter: *letter,
        words: (*words).to_owned(),
        cli: String::new(),
        pick: pick(*sort),
        refused: None,
    });
    let at = all.iter().position(|(_, sort, _)| *sort == now).unwrap_or(0);
    let title = "SORT by; the same letter again reverses".to_owned();
    Menu { title, items: items.collect(), at }
}

/// The daemon gives the trail page by page along its chain: any other order would be one of the rows that happen to be here.
fn of_audit() -> Menu {
    let item = |letter, words: &str, term: Option<&str>| MenuItem {
        letter,
        words: words.to_owned(),
        cli: String::new(),
        pick: Pick::SortAudit,
        refused: term.map(|term| format!("the daemon pages the audit along its chain only: f {term} finds those")),
    };
    let items = vec![
        item('d', "date, the newest first", None),
        item('w', "who", Some("actor:NAME")),
        item('n', "action", Some("action:token.revoke")),
        item('t', "on what", Some("target:NAME")),
    ];
    Menu { title: "SORT: the audit has one order".to_owned(), items, at: 0 }
}

/// A letter of that menu.
pub(super) fn pick(model: &mut Model, pick: Pick) {
    match pick {
        Pick::Sort(sort) => {
            model.tokens.reverse = sort == model.tokens.sort && !model.tokens.reverse;
            model.tokens.sort = sort;
        }
        Pick::SortIncidents(sort) => {
            model.incidents.reverse = sort == model.incidents.sort && !model.incidents.reverse;
            model.incidents.sort = sort;
        }
        Pick::SortRequests(sort) => model.requests.order.choose(sort),
        Pick::SortWorkflows(sort) => model.requests.workflow_order.choose(sort),
        Pick::SortOperators(sort) => model.operators.order.choose(sort),
        Pick::SortHosts(sort) => model.tokens.hosts.order.choose(sort),
        // The foremost are asked for anew: those of another order may be others.
        Pick::SortTalkers(by) => return model.health.ask_talkers(by),
        Pick::SortAudit => model.notice = Some("the newest first, along the chain: it is so already".to_owned()),
        Pick::Action(_) | Pick::Incident { .. } | Pick::Log(_) => return,
    }
    resort(model);
}

/// Rows move now: on demand, or because a screen is entered.
pub(super) fn resort(model: &mut Model) {
    if hosts::is_here(model) {
        model.tokens.hosts.resort();
        return super::walk::show_host(model);
    }
    match model.screen {
        Screen::Tokens => model.tokens.resort(model.now),
        Screen::Incidents => model.incidents.resort(),
        Screen::Requests => model.requests.resort(),
        Screen::Operators => model.operators.resort(),
        Screen::Log | Screen::Services | Screen::Audit | Screen::Status => {}
    }
}
