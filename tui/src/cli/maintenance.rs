//! `tollgate maintenance`.

use tollgate_shared::api::{MaintenanceView, NewMaintenance};
use tollgate_shared::time::Timestamp;

use super::args::{MaintenanceAdd, MaintenanceVerb};
use super::context::{Context, Done};
use super::exit::Exit;
use super::table::{Table, words};
use super::when::When;

pub(super) async fn run(cx: &mut Context<'_>, verb: MaintenanceVerb) -> Done {
    let client = cx.client;
    match verb {
        MaintenanceVerb::Add(args) => {
            let new = new(args, cx.when().now);
            let one = client.add_maintenance(&new).await?;
            let when = cx.when();
            cx.changed(&one, |one| sentence(one, when))
        }
        MaintenanceVerb::List { service } => {
            let fetch = async |page| client.maintenances(service.as_deref(), &page).await;
            cx.list("no maintenance is planned or running", table, fetch).await
        }
        MaintenanceVerb::End { maintenance } => {
            client.end_maintenance(&maintenance).await?;
            cx.note("ended: its service opens incidents again");
            Ok(Exit::Ok)
        }
    }
}

/// A duration counts from the beginning, which is the daemon's now where none is named.
fn new(args: MaintenanceAdd, now: Timestamp) -> NewMaintenance {
    let lasts = args.lasts.map(|lasts| i64::try_from(lasts.as_secs()).unwrap_or(i64::MAX));
    let until = args.until.or_else(|| lasts.map(|secs| args.from.unwrap_or(now).plus_secs(secs)));
    NewMaintenance { service: args.service, from: args.from, until, tags: args.tags, comment: args.comment }
}

fn sentence(one: &MaintenanceView, when: When) -> String {
    let end = one.until.map_or_else(|| "until it is ended".to_owned(), |until| format!("until {}", when.full(until)));
    let tags = if one.tags.is_empty() { String::new() } else { format!(" for calls with {}", one.tags.join(" + ")) };
    format!("{} is {} {end}{tags}  {}", one.service.name, state(one), one.id)
}

fn state(one: &MaintenanceView) -> &'static str {
    match one.state.as_str() {
        "running" => "under maintenance",
        "over" => "past its maintenance",
        _ => "to be maintained",
    }
}

fn table(rows: &[MaintenanceView], when: When) -> Table {
    let columns = ["ID", "SERVICE", "STATE", "FROM", "UNTIL", "TAGS", "BY", "COMMENT"].map(words);
    let mut table = Table::new(columns);
    for one in rows {
        let id = one.id.to_string();
        table.row([
            if when.relative { id.get(id.len().saturating_sub(8)..).unwrap_or(&id).to_owned() } else { id },
            one.service.name.clone(),
            one.state.clone(),
            when.of(one.from),
            one.until.map_or_else(|| "ended by hand".to_owned(), |until| when.of(until)),
            one.tags.join(" + "),
            one.created_by.clone(),
            one.comment.clone(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_duration_counts_from_the_beginning() {
        let at = |secs: i64| Timestamp::from_micros(secs * 1_000_000);
        let args = |from, lasts| MaintenanceAdd {
            service: "Ops/DB".to_owned(),
            lasts,
            until: None,
            from,
            tags: Vec::new(),
            comment: String::new(),
        };
        let hour = Some(Duration::from_secs(3_600));
        assert_eq!(new(args(None, hour), at(100)).until, Some(at(3_700)));
        assert_eq!(new(args(Some(at(1_000)), hour), at(100)).until, Some(at(4_600)));
        assert_eq!(new(args(None, None), at(100)).until, None);
    }
}
