//! `tollgate team` and `tollgate service`.

use tollgate_shared::api::{NewService, NewTeam, ServicePatch, ServiceView, TeamView};

use super::args::{Format, ServiceCreate, ServiceVerb, TeamVerb};
use super::context::{Context, Done};
use super::exit::{CliError, Exit};
use super::table::{Table, facts, numbers, words};
use super::token::quoted;
use super::when::When;

pub(super) async fn team(cx: &mut Context<'_>, verb: TeamVerb) -> Done {
    let client = cx.client;
    match verb {
        TeamVerb::Create(name) => {
            let team = client.create_team(&NewTeam { name: name.into_name() }).await?;
            cx.changed(&team, |team| format!("team {} created  {}", team.name, team.id))
        }
        TeamVerb::Delete { team } => {
            let line = format!("{} team delete {} --yes", cx.tollgate(), quoted(&team));
            cx.confirm_yes(&format!("delete the team {team}?"), &line)?;
            client.delete_team(&team).await?;
            deleted(cx, &format!("team {team} deleted"))
        }
        TeamVerb::List => cx.list("no teams yet", teams, async |page| client.teams(&page).await).await,
    }
}

pub(super) async fn service(cx: &mut Context<'_>, verb: ServiceVerb) -> Done {
    let client = cx.client;
    match verb {
        ServiceVerb::Create(create) => {
            let service = client.create_service(&new_service(create)?).await?;
            cx.changed(&service, |service| format!("service {} created  {}", full_name(service), service.id))
        }
        ServiceVerb::List { team } => {
            cx.list("no services yet", services, async |page| client.services(team.as_deref(), &page).await).await
        }
        ServiceVerb::Show { service } => {
            let service = client.service(&service).await?;
            let when = cx.when();
            cx.object(&service, |service| service_facts(service, when))
        }
        ServiceVerb::Delete { service } => {
            let service = client.service(&service).await?;
            let name = full_name(&service);
            let line = format!("{} service delete {} --yes", cx.tollgate(), quoted(&name));
            cx.confirm_yes(&format!("delete the service {name}?"), &line)?;
            // By id: the name may mean another service by now.
            client.delete_service(&service.id.to_string()).await?;
            deleted(cx, &format!("service {name} deleted"))
        }
        ServiceVerb::Disable { service } => switch(cx, &service, false).await,
        ServiceVerb::Enable { service } => switch(cx, &service, true).await,
    }
}

/// There is nothing left to show in JSON.
fn deleted(cx: &mut Context<'_>, words: &str) -> Done {
    if cx.format == Format::Table {
        cx.note(words);
    }
    Ok(Exit::Ok)
}

async fn switch(cx: &mut Context<'_>, service: &str, enabled: bool) -> Done {
    let service = cx.client.edit_service(service, &ServicePatch { enabled: Some(enabled) }).await?;
    cx.changed(&service, |service| {
        format!("service {} is {}", full_name(service), if service.enabled { "enabled" } else { "disabled" })
    })
}

/// `--team Ops DB` and `Ops/DB` mean the same.
fn new_service(create: ServiceCreate) -> Result<NewService, CliError> {
    let name = create.name.into_name();
    match (create.team, name.split_once('/')) {
        (Some(team), None) => Ok(NewService { team, name }),
        (None, Some((team, name))) => Ok(NewService { team: team.to_owned(), name: name.to_owned() }),
        (Some(_), Some(_)) => {
            Err(CliError::usage("the team is named twice", "use either --team TEAM NAME or TEAM/NAME"))
        }
        (None, None) => {
            Err(CliError::usage("a service belongs to a team", format!("use:  tollgate service create TEAM/{name}")))
        }
    }
}

pub(super) fn full_name(service: &ServiceView) -> String {
    format!("{}/{}", service.team.name, service.name)
}

fn state(service: &ServiceView) -> &'static str {
    match (service.enabled, &service.maintenance) {
        (false, _) => "disabled",
        (true, None) => "enabled",
        (true, Some(_)) => "maintenance",
    }
}

/// Until when a maintenance covers a service; nothing where none does.
pub(super) fn maintenance_words(service: &ServiceView, when: When) -> String {
    service.maintenance.as_ref().map_or_else(String::new, |one| match one.until {
        Some(until) => format!("until {}; no incident is opened", when.full(until)),
        None => "until it is ended; no incident is opened".to_owned(),
    })
}

fn teams(rows: &[TeamView], when: When) -> Table {
    let mut table = Table::new([words("TEAM"), numbers("SERVICES"), words("CREATED"), words("ID")]);
    for team in rows {
        table.row([team.name.clone(), team.services.to_string(), when.of(team.created_at), team.id.to_string()]);
    }
    table
}

fn services(rows: &[ServiceView], when: When) -> Table {
    let columns =
        [words("SERVICE"), words("STATE"), numbers("FILTERS"), numbers("OPEN"), words("CREATED"), words("ID")];
    let mut table = Table::new(columns);
    for service in rows {
        let (filters, open) = (service.filters.to_string(), service.open_incidents.to_string());
        let created = when.of(service.created_at);
        table.row([full_name(service), state(service).to_owned(), filters, open, created, service.id.to_string()]);
    }
    table
}

fn service_facts(service: &ServiceView, when: When) -> Vec<String> {
    facts(&[
        ("service", full_name(service)),
        ("id", service.id.to_string()),
        ("state", if service.enabled { "enabled" } else { "disabled" }.to_owned()),
        ("maintenance", maintenance_words(service, when)),
        ("filters", service.filters.to_string()),
        ("open incidents", service.open_incidents.to_string()),
        ("created", when.full(service.created_at)),
    ])
}
