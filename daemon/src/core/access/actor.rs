//! Who asks.

use std::fmt;
use std::sync::Arc;

use tollgate_shared::id::TeamId;
use tollgate_shared::role::{GlobalRole, TeamRole};
use tollgate_shared::token::Permission;

use crate::core::model::{Issuer, Operator, Token};
use crate::core::registry::Registry;

/// Somebody with a request.
#[derive(Clone, Debug)]
pub struct Actor {
    /// What he is called in the audit: `root`, `anna`, `uid 1000`, `token s_7QmX0c2LrT`.
    pub name: String,
    /// Who that is.
    pub who: Who,
    /// The peer's uid, where the kernel named one.
    pub uid: Option<u32>,
    /// The peer's pid, advisory.
    pub pid: Option<i32>,
    /// The uid that logged in, advisory.
    pub login_uid: Option<u32>,
    /// Through which door and program.
    pub door: Door,
    /// The HTTP request.
    pub request_id: Option<String>,
    /// He came over the reader socket: whatever his role, he changes nothing.
    pub read_only: bool,
    /// Where nobody is known: what stands in the way, to be read after `uid 1000`.
    pub why_unknown: Option<String>,
}

/// Who somebody is.
#[derive(Clone, Debug)]
pub enum Who {
    /// The daemon itself, root, or the daemon's own uid: always admin.
    Superuser,
    /// An operator.
    Operator(Arc<Operator>),
    /// A token at the gate; with its owner where it is a personal one.
    Token(Arc<Token>, Option<Arc<Operator>>),
    /// Anybody on the reader socket, where the configuration lets anybody read.
    Reader,
    /// Nobody that is known: refused with his uid and the remedy.
    Unknown,
}

/// Where somebody comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The console.
    Console,
    /// The command line, or any program on the local socket.
    Cli,
    /// The gate, with a token.
    Gate,
    /// The daemon's own act.
    Daemon,
}

impl Actor {
    /// The daemon's own acts.
    pub fn daemon() -> Self {
        Self::of("tollgated".to_owned(), Who::Superuser, Door::Daemon)
    }

    /// An actor without advisory facts.
    pub fn of(name: String, who: Who, door: Door) -> Self {
        Self {
            name,
            who,
            uid: None,
            pid: None,
            login_uid: None,
            door,
            request_id: None,
            read_only: false,
            why_unknown: None,
        }
    }

    /// His global role. An operator who is disabled has none.
    pub fn global_role(&self) -> Option<GlobalRole> {
        match &self.who {
            Who::Superuser => Some(GlobalRole::Admin),
            Who::Reader => Some(GlobalRole::Reader),
            Who::Operator(operator) | Who::Token(_, Some(operator)) if operator.enabled => operator.role,
            _ => None,
        }
    }

    /// His role inside a team; it overrides the global one there.
    pub fn team_role(&self, team: TeamId) -> Option<TeamRole> {
        match &self.who {
            Who::Operator(operator) | Who::Token(_, Some(operator)) if operator.enabled => {
                operator.team_roles.iter().find(|(id, _)| *id == team).map(|(_, role)| *role)
            }
            _ => None,
        }
    }

    /// The teams that he has a role in.
    pub fn teams(&self) -> Vec<TeamId> {
        match &self.who {
            Who::Operator(operator) | Who::Token(_, Some(operator)) if operator.enabled => {
                operator.team_roles.iter().map(|(team, _)| *team).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The operator that he is, or that his token is for.
    pub fn operator(&self) -> Option<&Arc<Operator>> {
        match &self.who {
            Who::Operator(operator) | Who::Token(_, Some(operator)) => Some(operator),
            _ => None,
        }
    }

    /// True where he has a role, anywhere.
    pub fn has_some_role(&self) -> bool {
        self.global_role().is_some() || !self.teams().is_empty() || matches!(self.who, Who::Token(_, None))
    }

    /// True where a token stands between the actor and its right.
    pub fn lacks(&self, permission: Permission) -> bool {
        matches!(&self.who, Who::Token(token, _) if !token.permissions.contains(&permission))
    }

    /// He with the roles, the permissions and the being there that he has now: a stream outlives the request's moment.
    pub fn as_of_now(&self, registry: &Registry) -> Self {
        let who = match &self.who {
            Who::Operator(was) => registry.operator(was.id).cloned().map_or(Who::Unknown, Who::Operator),
            Who::Token(was, owner) => match (registry.token(was.id), owner) {
                (Some(token), None) => Who::Token(token.clone(), None),
                (Some(token), Some(owner)) => registry
                    .operator(owner.id)
                    .map_or(Who::Unknown, |owner| Who::Token(token.clone(), Some(owner.clone()))),
                (None, _) => Who::Unknown,
            },
            other => other.clone(),
        };
        Self { who, ..self.clone() }
    }

    /// What a token made by this actor notes as its issuer.
    pub fn issuer(&self) -> Issuer {
        match &self.who {
            Who::Operator(operator) => Issuer::Operator(operator.id),
            Who::Token(token, _) => Issuer::Token(token.id),
            Who::Superuser | Who::Reader | Who::Unknown => Issuer::Superuser,
        }
    }

    /// The `origin` of his audit rows.
    pub fn origin(&self) -> String {
        match &self.who {
            Who::Token(token, _) => format!("token {}", token.id),
            _ => self.door.to_string(),
        }
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Console => "console",
            Self::Cli => "cli",
            Self::Gate => "gate",
            Self::Daemon => "daemon",
        })
    }
}
