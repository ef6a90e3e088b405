//! The routes of the local socket, one method each. `reference` is an id, a name (`Ops/DB` for a service) or a hint.

use hyper::Method;
use tollgate_shared::api::{
    BulkIncidents, BulkIncidentsResult, EventsItem, FilterView, HourView, IncidentView, MaintenanceView, NewFilter,
    NewMaintenance, NewService, NewTeam, Page, ResolveIncident, ServicePatch, ServiceView, TalkersBy, TalkersView,
    TeamView, TryFilter, TryVerdict,
};
use tollgate_shared::log::{LogRow, RefusedRow, TailItem};

use super::target::{Target, item};
use super::{Client, ClientError, Lines};

/// Which page of a collection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageQuery {
    /// Rows, at most 1,000; absent = 100.
    pub limit: Option<u32>,
    /// [`Page::next`] of the page before.
    pub cursor: Option<String>,
}

/// Which incidents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncidentQuery {
    /// A query in the language; what else is asked must hold too.
    pub q: Option<String>,
    /// `open`, `triggered`, `acknowledged` or `resolved`; absent = all.
    pub state: Option<String>,
    /// Reference of a service.
    pub service: Option<String>,
    /// `P1`, or several with commas.
    pub priority: Option<String>,
    /// Reference of the token that opened them.
    pub token: Option<String>,
    /// In title or key.
    pub text: Option<String>,
    /// Opened in the last so many seconds.
    pub since_secs: Option<u64>,
    /// Which page.
    pub page: PageQuery,
}

/// Which log rows, and from where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// A query in the language; what else is asked must hold too.
    pub q: Option<String>,
    /// Reference of a token.
    pub token: Option<String>,
    /// An outcome's wire name.
    pub outcome: Option<String>,
    /// `404` or `4xx`.
    pub status: Option<String>,
    /// Rows of the last so many seconds.
    pub since_secs: Option<u64>,
    /// Rows of one page, at most 1,000; not for following.
    pub limit: Option<u32>,
    /// Rows before this seq; not for following.
    pub before: Option<u64>,
    /// Rows after this cursor or seq.
    pub after: Option<String>,
    /// Following begins with the newest so many matching rows.
    pub last: Option<u32>,
}

impl IncidentQuery {
    fn filtered(&self, target: Target) -> Target {
        target
            .text("q", self.q.as_deref())
            .text("state", self.state.as_deref())
            .text("service", self.service.as_deref())
            .text("priority", self.priority.as_deref())
            .text("token", self.token.as_deref())
            .text("text", self.text.as_deref())
            .number("since_secs", self.since_secs)
    }
}

impl Client {
    /// The gate's last hour.
    ///
    /// # Errors
    /// Those of every request.
    pub async fn hour(&self) -> Result<HourView, ClientError> {
        self.get("/v1/status/hour").await
    }

    /// Who calls most now, so many of each table.
    ///
    /// # Errors
    /// Those of every request.
    pub async fn talkers(&self, by: TalkersBy, rows: u32) -> Result<TalkersView, ClientError> {
        self.get(&Target::at("/v1/status/talkers").text("by", Some(by.as_str())).number("limit", Some(rows)).done())
            .await
    }

    /// Which things change, as they change.
    pub async fn events(&self) -> Result<Lines<EventsItem>, ClientError> {
        self.stream("/v1/events").await
    }

    /// Teams.
    pub async fn teams(&self, page: &PageQuery) -> Result<Page<TeamView>, ClientError> {
        self.get(&Target::at("/v1/teams").page(page).done()).await
    }

    /// Creates a team.
    pub async fn create_team(&self, team: &NewTeam) -> Result<TeamView, ClientError> {
        self.send(Method::POST, "/v1/teams", team).await
    }

    /// Services, of one team or all.
    pub async fn services(&self, team: Option<&str>, page: &PageQuery) -> Result<Page<ServiceView>, ClientError> {
        self.get(&Target::at("/v1/services").text("team", team).page(page).done()).await
    }

    /// Creates a service.
    pub async fn create_service(&self, service: &NewService) -> Result<ServiceView, ClientError> {
        self.send(Method::POST, "/v1/services", service).await
    }

    /// Deletes a team that nothing needs any more.
    pub async fn delete_team(&self, reference: &str) -> Result<(), ClientError> {
        self.delete(&item("teams", reference, "")).await
    }

    /// Deletes a service that nothing needs any more.
    pub async fn delete_service(&self, reference: &str) -> Result<(), ClientError> {
        self.delete(&item("services", reference, "")).await
    }

    /// One service.
    pub async fn service(&self, reference: &str) -> Result<ServiceView, ClientError> {
        self.get(&item("services", reference, "")).await
    }

    /// Changes a service.
    pub async fn edit_service(&self, reference: &str, patch: &ServicePatch) -> Result<ServiceView, ClientError> {
        self.send(Method::PATCH, &item("services", reference, ""), patch).await
    }

    /// Names of the presets.
    pub async fn presets(&self) -> Result<Page<String>, ClientError> {
        self.get("/v1/presets").await
    }

    /// Filters, of one service or all.
    pub async fn filters(&self, service: Option<&str>, page: &PageQuery) -> Result<Page<FilterView>, ClientError> {
        self.get(&Target::at("/v1/filters").text("service", service).page(page).done()).await
    }

    /// Creates a filter.
    pub async fn create_filter(&self, filter: &NewFilter) -> Result<FilterView, ClientError> {
        self.send(Method::POST, "/v1/filters", filter).await
    }

    /// One filter.
    pub async fn filter(&self, reference: &str) -> Result<FilterView, ClientError> {
        self.get(&item("filters", reference, "")).await
    }

    /// Deletes a filter.
    pub async fn delete_filter(&self, reference: &str) -> Result<(), ClientError> {
        self.delete(&item("filters", reference, "")).await
    }

    /// What would become of a call; nothing is changed.
    pub async fn try_filter(&self, call: &TryFilter) -> Result<TryVerdict, ClientError> {
        self.send(Method::POST, "/v1/filters/try", call).await
    }

    /// Incidents, newest first.
    pub async fn incidents(&self, query: &IncidentQuery) -> Result<Page<IncidentView>, ClientError> {
        self.get(&query.filtered(Target::at("/v1/incidents")).page(&query.page).done()).await
    }

    /// One change to many incidents; without `confirm_count` they are only listed.
    pub async fn bulk_incidents(&self, bulk: &BulkIncidents) -> Result<BulkIncidentsResult, ClientError> {
        self.send(Method::POST, "/v1/incidents/bulk", bulk).await
    }

    /// Maintenances, of one service or all.
    pub async fn maintenances(
        &self,
        service: Option<&str>,
        page: &PageQuery,
    ) -> Result<Page<MaintenanceView>, ClientError> {
        self.get(&Target::at("/v1/maintenance").text("service", service).page(page).done()).await
    }

    /// Plans a maintenance.
    pub async fn add_maintenance(&self, new: &NewMaintenance) -> Result<MaintenanceView, ClientError> {
        self.send(Method::POST, "/v1/maintenance", new).await
    }

    /// Ends a maintenance.
    pub async fn end_maintenance(&self, reference: &str) -> Result<(), ClientError> {
        self.delete(&item("maintenance", reference, "")).await
    }

    /// One incident with its description and timeline.
    pub async fn incident(&self, reference: &str) -> Result<IncidentView, ClientError> {
        self.get(&item("incidents", reference, "")).await
    }

    /// Takes an incident.
    pub async fn acknowledge(&self, reference: &str) -> Result<IncidentView, ClientError> {
        self.post_empty(&item("incidents", reference, "/acknowledge")).await
    }

    /// Gives an incident back.
    pub async fn unacknowledge(&self, reference: &str) -> Result<IncidentView, ClientError> {
        self.post_empty(&item("incidents", reference, "/unacknowledge")).await
    }

    /// Resolves an incident for good.
    pub async fn resolve(&self, reference: &str, words: &ResolveIncident) -> Result<IncidentView, ClientError> {
        self.send(Method::POST, &item("incidents", reference, "/resolve"), words).await
    }

    /// A page of the log, always of rising seq; [`Page::next`] is the `before` of older rows, or with `after` the
    /// `after` of newer ones.
    pub async fn logs(&self, query: &LogQuery) -> Result<Page<LogRow>, ClientError> {
        self.get(&query.target(false)).await
    }

    /// The log as it grows, over one connection; [`super::Follow`] is the one that reconnects.
    pub async fn follow_log(&self, query: &LogQuery) -> Result<Lines<TailItem>, ClientError> {
        self.stream(&query.target(true)).await
    }

    /// One row of the log.
    pub async fn log_row(&self, seq: u64) -> Result<LogRow, ClientError> {
        self.get(&format!("/v1/logs/{seq}")).await
    }

    /// Calls that were refused before a token was known, of rising seq.
    pub async fn refused(&self, after: Option<u64>, limit: Option<u32>) -> Result<Page<RefusedRow>, ClientError> {
        self.get(&Target::at("/v1/refused").number("after", after).number("limit", limit).done()).await
    }
}

impl LogQuery {
    fn target(&self, follow: bool) -> String {
        let target = self.asked(Target::at("/v1/logs").text("follow", follow.then_some("true")));
        let target = target.number("limit", self.limit).number("before", self.before);
        target.text("after", self.after.as_deref()).number("last", self.last).done()
    }

    /// Which rows, without from where.
    pub(super) fn asked(&self, target: Target) -> Target {
        let target = target.text("q", self.q.as_deref());
        let target = target.text("token", self.token.as_deref()).text("outcome", self.outcome.as_deref());
        target.text("status", self.status.as_deref()).number("since_secs", self.since_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_holds_what_was_asked_and_nothing_else() {
        assert_eq!(LogQuery::default().target(false), "/v1/logs");
        let query =
            LogQuery { token: Some("a&b".into()), status: Some("4xx".into()), last: Some(5), ..LogQuery::default() };
        assert_eq!(query.target(true), "/v1/logs?follow=true&token=a%26b&status=4xx&last=5");
    }
}
