//! `tollgate operator`.

use tollgate_shared::api::{NewOperator, OperatorPatch, OperatorView, SetPassphrase};
use tollgate_shared::problem::Slug;
use zeroize::Zeroizing;

use super::args::{OperatorAdd, OperatorEdit, OperatorVerb};
use super::confirm::refuse_empty;
use super::context::{Context, Done};
use super::exit::CliError;
use super::table::{Table, facts, words};
use super::token::{one_line, quoted, read_secret};
use super::when::When;
use crate::client::ClientError;

pub(super) async fn run(cx: &mut Context<'_>, verb: OperatorVerb) -> Done {
    let client = cx.client;
    match verb {
        OperatorVerb::Add(args) => add(cx, args).await,
        OperatorVerb::List => cx.list("no operators yet", table, async |page| client.operators(&page).await).await,
        OperatorVerb::Show(args) => {
            let operator = client.operator(&args.operator).await?;
            let when = cx.when();
            cx.object(&operator, |operator| operator_facts(operator, when))
        }
        OperatorVerb::Edit(args) => edit(cx, args).await,
        OperatorVerb::Disable(args) => switch(cx, &args.operator, false).await,
        OperatorVerb::Enable(args) => switch(cx, &args.operator, true).await,
        OperatorVerb::Remove(args) => remove(cx, &args.operator).await,
        OperatorVerb::Passphrase { operator, remove } => passphrase(cx, &operator, remove).await,
    }
}

async fn add(cx: &mut Context<'_>, args: OperatorAdd) -> Done {
    let new = NewOperator {
        name: args.name.into_name(),
        unix_users: args.unix_user,
        role: args.role,
        team_roles: args.team_role,
    };
    let operator = cx.client.create_operator(&new).await?;
    cx.changed(&operator, |operator| format!("operator {} added, {}  {}", operator.name, roles(operator), operator.id))
}

async fn edit(cx: &mut Context<'_>, args: OperatorEdit) -> Done {
    let (reference, if_version) = (args.operator.clone(), args.if_version);
    let patch = patch(args);
    refuse_empty(&patch, "tollgate operator edit --help")?;
    let before = cx.client.operator(&reference).await?;
    let version = if_version.unwrap_or(before.version);
    // By id: the name may mean another one by now.
    let operator = match cx.client.edit_operator_version(&before.id.to_string(), &patch, version).await {
        Err(ClientError::Problem(problem)) if problem.slug() == Ok(Slug::VersionMismatch) => {
            return Err(lost_update(cx, &cx.client.operator(&before.id.to_string()).await?, version));
        }
        edited => edited?,
    };
    cx.changed(&operator, |operator| {
        format!("operator {} changed, {}  version {}", operator.name, roles(operator), operator.version)
    })
}

/// What is named; the rest stays.
pub(super) fn patch(args: OperatorEdit) -> OperatorPatch {
    let list = |list: Vec<String>, empty: bool| (empty || !list.is_empty()).then_some(list);
    OperatorPatch {
        name: args.name,
        unix_users: list(args.unix_user, args.no_unix_user),
        role: args.role,
        team_roles: list(args.team_role, args.no_team_role),
        enabled: None,
    }
}

/// Somebody was faster, and what to do.
fn lost_update(cx: &Context<'_>, operator: &OperatorView, version: u64) -> CliError {
    let (name, now) = (&operator.name, operator.version);
    let what = format!("{name} was changed and is version {now} now, not {version}; nothing was changed");
    CliError::failure(what, format!("look at it and repeat:  {} operator show {}", cx.tollgate(), quoted(name)))
}

async fn switch(cx: &mut Context<'_>, reference: &str, enabled: bool) -> Done {
    let patch = OperatorPatch { enabled: Some(enabled), ..OperatorPatch::default() };
    let operator = cx.client.edit_operator(reference, &patch).await?;
    cx.changed(&operator, |operator| format!("operator {} is {}", operator.name, state(operator)))
}

async fn remove(cx: &mut Context<'_>, reference: &str) -> Done {
    let operator = cx.client.operator(reference).await?;
    let line = format!("{} operator remove {} --yes", cx.tollgate(), quoted(&operator.name));
    cx.confirm_yes(&format!("remove the operator {} for good?", operator.name), &line)?;
    // By id: the name may mean another one by now.
    cx.client.delete_operator(&operator.id.to_string()).await?;
    cx.changed(&operator, |operator| format!("operator {} removed", operator.name))
}

async fn passphrase(cx: &mut Context<'_>, reference: &str, remove: bool) -> Done {
    let mut set = SetPassphrase { passphrase: None };
    if !remove {
        let typed = typed_passphrase(cx)?;
        set.passphrase = Some(typed.as_str().to_owned());
    }
    let operator = cx.client.set_passphrase(reference, &set).await?;
    let now = if operator.has_passphrase { "signs in with the new passphrase" } else { "has no passphrase any more" };
    cx.changed(&operator, |operator| format!("operator {} {now}", operator.name))
}

/// Twice where it is typed: what nobody sees is easily mistyped.
fn typed_passphrase(cx: &mut Context<'_>) -> Result<Zeroizing<String>, CliError> {
    let first = read_secret(cx.io, None, "the new passphrase, at least 12 characters (it is not shown):")?;
    if !cx.io.in_is_tty {
        return Ok(Zeroizing::new(one_line(&first)?.to_owned()));
    }
    let second = read_secret(cx.io, None, "the same again:")?;
    match first == second {
        true => Ok(first),
        false => Err(CliError::input("the two are not the same, nothing was changed", "try again")),
    }
}

fn state(operator: &OperatorView) -> &'static str {
    if operator.enabled { "enabled" } else { "disabled" }
}

fn roles(operator: &OperatorView) -> String {
    let global = operator.role.iter().map(ToString::to_string);
    let teams = operator.team_roles.iter().map(|(team, role)| format!("{team}={role}"));
    let roles: Vec<String> = global.chain(teams).collect();
    if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") }
}

fn table(rows: &[OperatorView], when: When) -> Table {
    let columns = [words("NAME"), words("STATE"), words("ROLES"), words("UNIX USERS"), words("LAST SEEN"), words("ID")];
    let mut table = Table::new(columns);
    for row in rows {
        let (users, seen) = (row.unix_users.join(", "), when.or_never(row.last_seen));
        table.row([row.name.clone(), state(row).to_owned(), roles(row), users, seen, row.id.to_string()]);
    }
    table
}

fn operator_facts(operator: &OperatorView, when: When) -> Vec<String> {
    facts(&[
        ("name", operator.name.clone()),
        ("id", operator.id.to_string()),
        ("state", state(operator).to_owned()),
        ("roles", roles(operator)),
        ("unix users", operator.unix_users.join(", ")),
        ("passphrase", if operator.has_passphrase { "set" } else { "none" }.to_owned()),
        ("last seen", operator.last_seen.map_or_else(|| "not since the daemon's start".to_owned(), |at| when.full(at))),
        ("created", format!("{} by {}", when.full(operator.created_at), operator.created_by)),
        ("version", operator.version.to_string()),
    ])
}
