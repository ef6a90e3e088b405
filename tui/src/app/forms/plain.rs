//! The forms of teams, services, filters and incidents.

use std::sync::Arc;

use tollgate_shared::api::{NewFilter, NewService, NewTeam, ServiceView, StatusView, TeamView};

use super::super::first::{self, FirstPath, Trying};
use super::super::msg::Call;
use super::super::secret::Secret;
use super::super::words;
use super::check::Wrong;
use super::{Form, FormField, FormKind, Value};

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
        let presets = first::ordered(presets).into_iter().map(|preset| (preset.clone(), preset)).collect();
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

    /// The sample alert of a preset, for a token whose secret somebody has.
    #[must_use]
    pub fn sample(to: Trying, presets: &[String], preset: Option<&str>) -> Self {
        let options: Vec<_> = first::ordered(presets).into_iter().map(|one| (one.clone(), one)).collect();
        let at = preset.and_then(|name| options.iter().position(|(own, _)| own == name)).unwrap_or(0);
        let fields = vec![
            FormField::choice("preset", options, at, "whose sample; type to find"),
            FormField::masked("secret", "paste it: not shown, kept nowhere. Lost? Esc, then .o makes a new one"),
        ];
        let mut form = Self::new(FormKind::Sample(to), fields);
        form.focus = 1;
        form
    }

    /// What was chosen on the first path, once its filter is there.
    #[must_use]
    pub fn first_path(&self) -> FirstPath {
        FirstPath { preset: self.pick("preset").unwrap_or_default().to_owned(), others: self.who_sends() }
    }

    /// Whether senders are on other hosts; none where the form did not ask.
    #[must_use]
    pub fn who_sends(&self) -> Option<bool> {
        self.pick(FROM).map(|who| who == first::OTHER_HOSTS)
    }

    /// Senders on other hosts were chosen.
    #[must_use]
    pub fn is_for_other_hosts(&self) -> bool {
        self.who_sends() == Some(true)
    }

    #[must_use]
    pub fn resolve(incident: String) -> Self {
        let comment = FormField::text("comment", "", "for the timeline; may be empty");
        Self::new(FormKind::Resolve(incident), vec![comment])
    }

    /// What there is nothing to choose from yet, and what was not typed.
    pub(super) fn plain_missing(&self) -> Option<Wrong> {
        let wanted: &[&'static str] = match &self.kind {
            FormKind::Service => &["team"],
            FormKind::Filter => &["preset", "service"],
            FormKind::WriteFilter => &["service"],
            FormKind::Sample(to) if to.tls => {
                return Some(Wrong::new(
                    "secret",
                    "calls come over TLS, which this program does not speak: run the lines",
                ));
            }
            FormKind::Sample(_) if self.bearer().is_empty() => {
                return Some(Wrong::new("secret", "paste the token's secret"));
            }
            _ => &[],
        };
        let empty = wanted.iter().find(|label| self.pick(label).is_none_or(str::is_empty));
        empty.map(|label| Wrong::new(label, format!("there is no {label} to choose yet")))
    }

    /// The secret that was pasted; the file that `w` writes holds a whole header.
    fn bearer(&self) -> &str {
        match self.find("secret") {
            Some(Value::Masked(field)) => field.expose().trim().trim_start_matches("Authorization: Bearer ").trim(),
            _ => "",
        }
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
            FormKind::Sample(to) => Call::SendSample {
                preset: self.chosen("preset")?,
                address: to.address.clone(),
                secret: Secret::new(self.bearer().to_owned()),
            },
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
            FormKind::Sample(_) => format!("tollgate send --sample {} --token-file FILE", pick("preset")),
            FormKind::Resolve(incident) => {
                let comment = self.text("comment").filter(|words| !words.is_empty());
                let comment = comment.map(|text| format!(" --comment {}", words::shell(&text))).unwrap_or_default();
                format!("tollgate incident resolve {incident}{comment}")
            }
            _ => format!("tollgate team create {name}"),
        }
    }
}
