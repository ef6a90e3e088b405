//! The row that is meant: the mark of the screen, by which the tables of the console decide.

use std::sync::Arc;

use tollgate_shared::log::TailItem;

use super::Desk;
use super::kinds::Kind;
use super::list::{Row, net_of};
use crate::app::Net;
use crate::app::query::LogFilter;
use crate::app::requests::RequestsTab;
use crate::client::{Client, ClientError};
use crate::console::{Topic, evidence, usual};

impl Desk {
    /// Where the keys and letters of a list are.
    pub(super) fn stand_at(&mut self, kind: Kind) {
        self.model.screen = kind.place().screen();
        self.model.requests.tab = kind.tab();
        (self.model.layer, self.model.notice) = (None, None);
    }

    /// Selects a row, as it is now, or none.
    pub(super) async fn select(&mut self, client: &Client, row: Option<&Row>) -> Result<(), ClientError> {
        self.stand_at(self.list.kind);
        self.forget_marks();
        match row {
            Some(Row::Token(token)) => {
                let fresh = client.token(token.id.as_str()).await?;
                self.select_token(client, Row::Token(Box::new(fresh))).await?;
            }
            Some(Row::Call(call)) => {
                let fresh = client.token(call.token.as_str()).await?;
                self.select_token(client, Row::Token(Box::new(fresh))).await?;
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
            // What was read out may be another one's by now.
            Some(Row::Operator(operator)) => {
                let fresh = client.operator(&operator.id.to_string()).await?;
                self.take_row(&Row::Operator(Arc::new(fresh)));
            }
            Some(Row::Workflow(workflow)) => {
                let fresh = client.workflow(&workflow.id.to_string()).await?;
                self.take_row(&Row::Workflow(Arc::new(fresh)));
            }
            Some(Row::Request(request)) => {
                let fresh = client.request_shown(&request.id.to_string()).await?;
                self.take_row(&Row::Request(Box::new(fresh)));
            }
            Some(row) => self.take_row(row),
            None => self.select_nothing(client).await?,
        }
        Ok(())
    }

    /// What a form offers, and whether something runs that a form would say.
    async fn select_nothing(&mut self, client: &Client) -> Result<(), ClientError> {
        if self.list.kind == Kind::Services {
            for net in usual(client, Topic::Organisation).await? {
                self.hear(net);
            }
        }
        Ok(())
    }

    pub(super) fn take_row(&mut self, row: &Row) {
        match row {
            // Into the list of all of them, by which it is judged what is worst.
            Row::Token(token) => self.hear(Net::Token(token.clone())),
            other => net_of(other).into_iter().for_each(|net| self.hear(net)),
        }
        let model = &mut self.model;
        // What moved on a screen that is not there is nothing to say.
        model.notice = None;
        match row {
            Row::Token(token) => {
                let tokens = &mut model.tokens;
                let at = (0..tokens.shown.len()).find(|at| tokens.row(*at).is_some_and(|row| row.id == token.id));
                at.into_iter().for_each(|at| tokens.go(at));
            }
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
    async fn select_token(&mut self, client: &Client, row: Row) -> Result<(), ClientError> {
        self.take_row(&row);
        for net in usual(client, Topic::Incidents).await? {
            self.hear(net);
        }
        let Row::Token(token) = row else { return Ok(()) };
        let known = evidence(client, token.id.to_string()).await;
        known.into_iter().for_each(|net| self.hear(net));
        Ok(())
    }
}
