//! The forms of teams, services, filters and incidents.

use std::sync::Arc;

use tollgate_shared::api::{NewFilter, NewService, NewTeam, ServiceView, StatusView, TeamView};

use super::super::first::{self, FirstPath};
use super::super::msg::Call;
use super::super::words;
use super::{Form, FormField, FormKind};

/// The question who sends.
const FROM: &str = "sent from";

impl Form {
    #[must_use]
    pub fn team() -> Self {
        Self::new(FormKind::Team, vec![FormField::text("name", "", "for instance Ops")])
    }

    #[must_use]
    pub fn service(teams: &[Arc<TeamView>], team: Option<&str>) -> Self {
        let options: Vec<_> = teams.iter().map(|team| (team.name.clone(), team.name.clone())).collect();
        let at = team.and_then(|name| options.iter().position(|(label, _)| label == name)).unwrap_or(0);
        let fields = vec![FormField::text("name", "", "for instance DB"), FormField::choice("team", options, at, "")];
        Self::new(FormKind::Service, fields)
    }

    #[must_use]
    pub fn filter(services: &[Arc<ServiceView>], presets: &[String], service: Option<&str>) -> Self {
        let name = |service: &ServiceView| format!("{}/{}", service.team.name, service.name);
        let options: Vec<_> = services.iter().map(|service| (name(service), name(service))).collect();
        let at = service.and_then(|wanted| options.iter().position(|(label, _)| label == wanted)).unwrap_or(0);
        let presets = presets.iter().map(|preset| (preset.clone(), preset.clone())).collect();
        let fields = vec![
            FormField::choice("preset", presets, 0, "who sends? type to find"),
            FormField::choice("service", options, at, "where its incidents open"),
            FormField::text("name", "", "empty = the preset's name"),
        ];
        Self::new(FormKind::Filter, fields)
    }

    /// On the first path the same form asks from where calls come: for other hosts the gate may have to be opened first.
    #[must_use]
    pub fn asking_who_sends(mut self, status: Option<&StatusView>) -> Self {
        let options = [first::THIS_HOST, first::OTHER_HOSTS].map(|who| (who.to_owned(), who.to_owned()));
        let listen = status.map(|status| format!("now it listens on {}", status.listen));
        self.fields.push(FormField::choice(FROM, options.to_vec(), 0, &listen.unwrap_or_default()));
        self
    }

    /// What was chosen on the first path, once its filter is there.
    #[must_use]
    pub fn first_path(&self) -> FirstPath {
        FirstPath { preset: self.pick("preset").unwrap_or_default().to_owned(), others: self.is_for_other_hosts() }
    }

    /// Senders on other hosts were chosen.
    #[must_use]
    pub fn is_for_other_hosts(&self) -> bool {
        self.pick(FROM) == Some(first::OTHER_HOSTS)
    }

    #[must_use]
    pub fn resolve(incident: String) -> Self {
        let comment = FormField::text("comment", "", "for the timeline; may be empty");
        Self::new(FormKind::Resolve(incident), vec![comment])
    }

    pub(super) fn plain_call(&self) -> Result<Call, String> {
        let name = self.line("name");
        Ok(match &self.kind {
            FormKind::Service => Call::CreateService(NewService { team: self.chosen("team")?, name }),
            FormKind::Filter => Call::CreateFilter(NewFilter {
                service: self.chosen("service")?,
                name: (!name.is_empty()).then_some(name),
                preset: Some(self.chosen("preset")?),
                spec: None,
            }),
            FormKind::Resolve(incident) => {
                Call::Resolve { incident: incident.clone(), comment: self.text("comment").filter(|t| !t.is_empty()) }
            }
            _ => Call::CreateTeam(NewTeam { name }),
        })
    }

    pub(super) fn plain_cli(&self) -> String {
        let name = words::shell(&self.line("name"));
        let pick = |label: &str| words::shell(self.pick(label).unwrap_or_default());
        match &self.kind {
            FormKind::Service => format!("tollgate service create {name} --team {}", pick("team")),
            FormKind::Filter => {
                format!("tollgate filter create --service {} --preset {}", pick("service"), pick("preset"))
            }
            FormKind::Resolve(incident) => {
                let comment = self.text("comment").filter(|words| !words.is_empty());
                let comment = comment.map(|text| format!(" --comment {}", words::shell(&text))).unwrap_or_default();
                format!("tollgate incident resolve {incident}{comment}")
            }
            _ => format!("tollgate team create {name}"),
        }
    }
}
