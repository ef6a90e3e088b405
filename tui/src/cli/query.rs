//! `tollgate query`.

use tollgate_shared::api::{SaveQuery, SavedQuery, Screen};
use tollgate_shared::query::Query;

use super::args::{Asked, QueryVerb};
use super::asked;
use super::context::{Context, Done};
use super::table::{Table, words};
use super::when::When;

pub(super) async fn run(cx: &mut Context<'_>, verb: QueryVerb) -> Done {
    match verb {
        QueryVerb::List { screen } => {
            let kept = cx.client.saved_queries(screen).await?.items;
            cx.rows(&kept, "you keep no queries; keep one with:  tollgate query save logs NAME QUERY", table)
        }
        QueryVerb::Save { screen, name, words } => save(cx, screen, &name, words).await,
        QueryVerb::Delete { screen, name } => {
            cx.client.delete_query(screen, &name).await?;
            if !cx.quiet {
                cx.note(&format!("query {name} for {screen} is forgotten"));
            }
            Ok(super::Exit::Ok)
        }
    }
}

async fn save(cx: &mut Context<'_>, screen: Screen, name: &str, words: Vec<String>) -> Done {
    let asked = Asked { words, query: None };
    let q = asked::text(cx, screen, &asked).await?.unwrap_or_default();
    let saved = cx.client.save_query(screen, name, &SaveQuery { q }).await?;
    let line = format!("{} {} @{}", cx.tollgate(), verb_of(screen), super::token::quoted(name));
    cx.changed(&saved, |saved| format!("{} is kept for {}; use it:  {line}", saved.name, saved.screen))
}

fn verb_of(screen: Screen) -> &'static str {
    match screen {
        Screen::Logs => "log",
        Screen::Tokens => "token list",
        Screen::Incidents => "incident list",
        Screen::Audit => "audit",
    }
}

fn table(rows: &[SavedQuery], when: When) -> Table {
    let mut table = Table::new([words("SCREEN"), words("NAME"), words("SAVED"), words("QUERY")]);
    for kept in rows {
        // One that a newer program has kept may not be a query to this one; then it is shown as it is.
        let q = Query::parse(&kept.q, kept.screen.schema()).map_or_else(|_| kept.q.clone(), |query| query.to_string());
        table.row([kept.screen.to_string(), kept.name.to_string(), when.of(kept.saved_at), q]);
    }
    table
}
