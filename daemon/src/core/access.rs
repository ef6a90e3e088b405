//! Who may do what: one function decides, for every door (domain.md §1).

use std::fmt;

use tollgate_shared::problem::{Problem, Slug};

/// Who asks, as the kernel named him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The peer's uid; `None` = the daemon itself.
    pub uid: Option<u32>,
    /// What he is called in the audit.
    pub name: String,
    /// What he may.
    pub role: Role,
}

/// What an actor may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
    /// Nothing.
    None,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Change incidents: acknowledge, resolve.
    ChangeIncidents,
    /// Create and change teams, services and filters.
    ChangeServices,
    /// Create, edit, rotate, revoke tokens, switch debug.
    ChangeTokens,
    /// Read the audit trail.
    ReadAudit,
    /// Read and tail the API log, and what was refused.
    ReadLog,
    /// See teams, services, filters, tokens, incidents, status.
    See,
}

impl Role {
    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Actor {
    /// The daemon's own acts.
    pub fn daemon() -> Self {
        Self { uid: None, name: "tollgated".to_owned(), role: Role::Admin }
    }

    /// The actor behind a uid: root and the daemon's own uid are admin, anyone else has no role.
    pub fn of_uid(uid: u32, daemon_uid: u32) -> Self {
        let role = if uid == 0 || uid == daemon_uid { Role::Admin } else { Role::None };
        let name = if uid == 0 { "root".to_owned() } else { format!("uid {uid}") };
        Self { uid: Some(uid), name, role }
    }
}

/// Whether `actor` may do `operation`.
///
/// # Errors
/// `unknown-operator`, naming his uid and what would help.
pub fn allows(actor: &Actor, operation: Operation) -> Result<(), Problem> {
    match (actor.role, operation) {
        (Role::Admin, _) => Ok(()),
        (Role::None, _) => Err(Problem::new(
            Slug::UnknownOperator,
            format!(
                "uid {} has no role here; run the command as root or as the user that runs tollgated",
                actor.uid.map_or_else(|| "?".to_owned(), |uid| uid.to_string())
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Operation; 6] = [
        Operation::ChangeIncidents,
        Operation::ChangeServices,
        Operation::ChangeTokens,
        Operation::ReadAudit,
        Operation::ReadLog,
        Operation::See,
    ];

    #[test]
    fn root_and_the_daemons_uid_are_admin_and_anyone_else_is_refused_with_his_uid() {
        for operation in ALL {
            assert!(allows(&Actor::of_uid(0, 1000), operation).is_ok());
            assert!(allows(&Actor::of_uid(1000, 1000), operation).is_ok());
            let refused = allows(&Actor::of_uid(1001, 1000), operation).unwrap_err();
            assert_eq!(refused.status, 403);
            assert!(refused.detail.contains("uid 1001"), "{}", refused.detail);
        }
    }
}
