//! Queries that operators keep. Each belongs to one operator and to nobody else.

use tollgate_shared::api::Screen;
use tollgate_shared::id::OperatorId;
use tollgate_shared::name::Name;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::query::Query;

use super::{Done, Office, Reply, name_of};
use crate::core::access::{Actor, Who};
use crate::core::model::{KeptQuery, RegistryChange};

/// Queries of one operator, all screens together.
const QUERIES_MAX: usize = 100;

/// A query to be kept.
pub struct NewQuery {
    /// What it is about.
    pub screen: Screen,
    /// Under which name.
    pub name: String,
    /// As it was typed.
    pub q: String,
    /// The same for the audit, redacted.
    pub shown: String,
}

/// Whose queries somebody keeps and sees.
///
/// # Errors
/// He is nobody in particular: a token, or a guest on the reader socket.
pub fn keeper(actor: &Actor) -> Result<Option<OperatorId>, Problem> {
    match &actor.who {
        Who::Superuser => Ok(None),
        Who::Operator(operator) => Ok(Some(operator.id)),
        Who::Token(..) | Who::Reader | Who::Unknown => {
            Err(Problem::new(Slug::Forbidden, format!("queries are kept for operators; {} is none", actor.name)))
        }
    }
}

pub(super) fn save(office: &mut Office<'_>, actor: &Actor, new: NewQuery) -> Result<Done, Problem> {
    let owner = keeper(actor)?;
    let name = name_of("name", &new.name)?;
    Query::parse(&new.q, new.screen.schema()).map_err(|error| Problem::of_query(&error))?;
    let record = KeptQuery { owner, screen: new.screen, name, q: new.q, saved_at: office.now };
    let key = record.key();
    if office.registry.kept_query(&key).is_none() && office.registry.kept_queries(owner).count() >= QUERIES_MAX {
        let detail = format!("{QUERIES_MAX} queries are kept, which is the limit; delete one");
        return Err(Problem::new(Slug::Conflict, detail));
    }
    let target = target_of(new.screen, &record.name);
    let changes = vec![RegistryChange::PutQuery(Box::new(record))];
    office.write(actor, &changes, "query.save", target, new.shown);
    Ok(Done { changes, reply: Reply::Query(key) })
}

pub(super) fn delete(office: &mut Office<'_>, actor: &Actor, screen: Screen, name: &str) -> Result<Done, Problem> {
    let key = (keeper(actor)?, screen, name.to_lowercase());
    let kept = office.registry.kept_query(&key).ok_or_else(|| missing(screen, name))?;
    let target = target_of(screen, &kept.name);
    let changes = vec![RegistryChange::DeleteQuery(key)];
    office.write(actor, &changes, "query.delete", target, String::new());
    Ok(Done { changes, reply: Reply::Deleted })
}

/// There is no such query of his.
pub fn missing(screen: Screen, name: &str) -> Problem {
    let shown: String = name.chars().take(80).collect();
    Problem::new(Slug::NotFound, format!("you keep no query `{shown}` for {screen}"))
}

fn target_of(screen: Screen, name: &Name) -> String {
    format!("query {screen}/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::admin::Command;
    use crate::core::testing::World;

    fn new(name: &str, q: &str) -> Command {
        let new = NewQuery { screen: Screen::Logs, name: name.to_owned(), q: q.to_owned(), shown: q.to_owned() };
        Command::SaveQuery(new)
    }

    #[test]
    fn a_query_is_kept_replaced_by_its_name_in_any_case_and_deleted() {
        let (mut world, _) = World::new();
        world.admin(new("Errors", "status:>=400")).map(drop).unwrap();
        world.admin(new("errors", "status:5xx")).map(drop).unwrap();
        let kept: Vec<_> = world.registry.kept_queries(None).map(|kept| kept.q.clone()).collect();
        assert_eq!(kept, ["status:5xx"]);
        world.admin(Command::DeleteQuery(Screen::Logs, "ERRORS".to_owned())).map(drop).unwrap();
        assert_eq!(world.registry.kept_queries(None).count(), 0);
        let gone = world.admin(Command::DeleteQuery(Screen::Logs, "errors".to_owned())).err().unwrap();
        assert_eq!(gone.slug(), Ok(Slug::NotFound));
    }

    #[test]
    fn what_is_no_query_is_not_kept_and_a_hundred_are_enough() {
        let (mut world, _) = World::new();
        let fault = world.admin(new("x", "tokn:a")).err().unwrap();
        assert_eq!(fault.query_error().map(|error| error.at), Some(0..4));
        for at in 0..QUERIES_MAX {
            world.admin(new(&format!("q{at}"), "a")).map(drop).unwrap();
        }
        assert_eq!(world.admin(new("one more", "a")).err().unwrap().slug(), Ok(Slug::Conflict));
        assert!(world.admin(new("q1", "b")).is_ok());
    }
}
