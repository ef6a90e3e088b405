//! The marked row: what the tables of the console decide by.

use tollgate_shared::log::TailItem;

use super::Desk;
use super::list::{Kind, Row, net_of};
use crate::app::Screen;
use crate::app::keymap::Place;
use crate::app::query::LogFilter;
use crate::app::requests::RequestsTab;
use crate::client::{Client, ClientError};
use crate::console::{Topic, evidence, usual};

impl Kind {
    /// Where its keys and letters are.
    pub(super) fn place(self) -> Place {
        match self {
            Self::Tokens => Place::Tokens,
            Self::Log => Place::Calls,
            Self::Refused => Place::Refused,
            Self::Incidents => Place::Incidents,
            Self::Requests | Self::Workflows => Place::Requests,
            Self::Services => Place::Services,
            Self::Operators => Place::Operators,
            Self::Audit => Place::Audit,
            Self::Status => Place::Status,
        }
    }

    fn screen(self) -> Screen {
        match self {
            Self::Tokens => Screen::Tokens,
            Self::Log | Self::Refused => Screen::Log,
            Self::Incidents => Screen::Incidents,
            Self::Requests | Self::Workflows => Screen::Requests,
            Self::Services => Screen::Services,
            Self::Operators => Screen::Operators,
            Self::Audit => Screen::Audit,
            Self::Status => Screen::Status,
        }
    }
}

impl Desk {
    /// Marks a row, as it is now, or none.
    pub(super) async fn mark(&mut self, client: &Client, row: Option<&Row>) -> Result<(), ClientError> {
        let kind = self.list.kind;
        self.model.screen = kind.screen();
        (self.model.layer, self.model.notice) = (None, None);
        match row {
            Some(Row::Token(token)) => {
                let fresh = client.token(token.id.as_str()).await?;
                self.mark_token(client, Row::Token(Box::new(fresh))).await?;
            }
            Some(Row::Call(call)) => {
                let fresh = client.token(call.token.as_str()).await?;
                self.mark_token(client, Row::Token(Box::new(fresh))).await?;
                let tail = &mut self.model.logs.tail;
                tail.ask(LogFilter::default(), 0);
                tail.take(vec![TailItem::Row((**call).clone().into())]);
                tail.go(0);
            }
            Some(Row::Incident(incident)) => {
                let fresh = client.incident(&incident.head.id.to_string()).await?;
                self.take_row(&Row::Incident(Box::new(fresh)));
            }
            Some(Row::Node(node)) => {
                for net in usual(client, Topic::Organisation).await? {
                    self.hear(net);
                }
                let id = node.id();
                let at = self.model.services.nodes.iter().position(|own| own.id() == id);
                at.into_iter().for_each(|at| self.model.services.go(at));
            }
            Some(row) => self.take_row(row),
            None => self.mark_nothing(client).await?,
        }
        Ok(())
    }

    /// What a form offers, and whether something runs that a form would say.
    async fn mark_nothing(&mut self, client: &Client) -> Result<(), ClientError> {
        if self.list.kind == Kind::Services {
            for net in usual(client, Topic::Organisation).await? {
                self.hear(net);
            }
        }
        Ok(())
    }

    fn take_row(&mut self, row: &Row) {
        net_of(row).into_iter().for_each(|net| self.hear(net));
        let model = &mut self.model;
        match row {
            Row::Token(_) => model.tokens.go(0),
            Row::Incident(_) => model.incidents.go(0),
            Row::Request(_) => {
                model.requests.tab = RequestsTab::Requests;
                model.requests.go(0);
            }
            Row::Workflow(_) => {
                model.requests.tab = RequestsTab::Workflows;
                model.requests.go(0);
            }
            Row::Operator(_) => model.operators.go(0),
            Row::Node(_) | Row::Call(_) | Row::Refused(_) | Row::Change(_) => {}
        }
    }

    /// Where it was used from and what it feeds is part of what would stop.
    async fn mark_token(&mut self, client: &Client, row: Row) -> Result<(), ClientError> {
        self.take_row(&row);
        for net in usual(client, Topic::Incidents).await? {
            self.hear(net);
        }
        let Row::Token(token) = row else { return Ok(()) };
        let known = evidence(client, token.id.to_string()).await;
        known.into_iter().for_each(|net| self.hear(net));
        // The names of the other tokens are not known any more.
        self.model.tokens.loaded = false;
        Ok(())
    }
}
