//! `sort`: the orders of the console's tables, by the words of its menu.

use std::io;

use super::Desk;
use super::kinds::Kind;
use super::list::{List, Page, Row, net_of_many};
use crate::app::Msg;
use crate::app::action::Action;
use crate::app::key::Key;
use crate::app::layer::{Layer, Menu, MenuItem};
use crate::app::update::{perform, update};
use crate::client::{Client, ClientError};
use crate::console::Topic;

/// Rows that are sorted: more than anybody has read out.
pub(super) const SORTED_MAX: usize = 10_000;

impl Desk {
    /// Sorts the list that is open; without a word says by what it can be sorted.
    pub(super) async fn sort(&mut self, words: &str) -> io::Result<()> {
        let kind = self.list.kind;
        if !kind.has_orders() {
            let (_, many) = kind.words();
            let why = if many.is_empty() { "status is no list".to_owned() } else { format!("one order only: {many}") };
            return self.say(&format!("{why}; filter narrows a list"));
        }
        let Some(menu) = self.orders(kind) else { return Ok(()) };
        let (word, reverse) = match words.strip_suffix("reverse") {
            Some(word) => (word.trim(), Some(true)),
            None => (words, None),
        };
        if words.is_empty() {
            return self.say_orders(&menu);
        }
        let Some(item) = item_of(&menu, word) else {
            self.say(&format!("`{words}` is no order of this list"))?;
            return self.say_orders(&menu);
        };
        if let Some(why) = &item.refused {
            return self.say(&why.replace(": f ", ": filter "));
        }
        self.choose(kind, item.letter, reverse);
        if let Some(notice) = self.model.notice.take() {
            return self.say(&notice);
        }
        if !self.sorted.contains(&kind) {
            self.sorted.push(kind);
        }
        let filter = self.list.filter().to_owned();
        self.say(&format!("sorted by {}{}", item.words, if self.is_reversed(kind) { ", reversed" } else { "" }))?;
        self.begin(List::of(kind, filter)).await
    }

    fn orders(&mut self, kind: Kind) -> Option<Menu> {
        self.stand_at(kind);
        perform(&mut self.model, Action::SortMenu, (self.clock)());
        match self.model.layer.take() {
            Some(Layer::Menu(menu)) => Some(menu),
            _ => None,
        }
    }

    fn say_orders(&mut self, menu: &Menu) -> io::Result<()> {
        let orders: Vec<&str> =
            menu.items.iter().filter(|item| item.refused.is_none()).map(|item| &*item.words).collect();
        self.say(&format!("sort by: {}; sort WORD, sort WORD reverse", orders.join(", ")))
    }

    /// The letter of the menu; the same one again reverses.
    fn choose(&mut self, kind: Kind, letter: char, reverse: Option<bool>) {
        for _ in 0..2 {
            perform(&mut self.model, Action::SortMenu, (self.clock)());
            update(&mut self.model, Msg::Key(Key::char(letter)), (self.clock)());
            if reverse.is_none_or(|reverse| reverse == self.is_reversed(kind)) {
                return;
            }
        }
    }

    fn is_reversed(&self, kind: Kind) -> bool {
        let model = &self.model;
        match kind {
            Kind::Tokens => model.tokens.reverse,
            Kind::Incidents => model.incidents.reverse,
            Kind::Requests => model.requests.order.reverse,
            Kind::Workflows => model.requests.workflow_order.reverse,
            Kind::Operators => model.operators.order.reverse,
            _ => false,
        }
    }

    pub(super) fn is_sorted(&self, kind: Kind) -> bool {
        self.sorted.contains(&kind)
    }

    /// A page of all rows in the order that was chosen.
    pub(super) async fn sorted_page(
        &mut self,
        client: &Client,
        kind: Kind,
        filter: &str,
        place: Option<&str>,
    ) -> Result<Page, ClientError> {
        match kind {
            Kind::Tokens | Kind::Incidents => {
                let (rows, _) = self.all_rows(client, kind, filter, SORTED_MAX).await?;
                if rows.is_empty() {
                    return Ok((rows, None));
                }
                net_of_many(&rows).into_iter().for_each(|net| self.hear(net));
                // Those that do not fit are not known any more.
                self.model.tokens.loaded &= kind != Kind::Tokens;
            }
            Kind::Operators => self.know(client, Topic::Operators).await?,
            _ => self.know(client, Topic::Requests).await?,
        }
        self.stand_at(kind);
        perform(&mut self.model, Action::Resort, (self.clock)());
        let rows = self.rows_of_model(kind);
        let rows = if kind.schema().is_some() { rows } else { self.with_text(rows, filter) };
        Ok(super::list::cut(rows, place))
    }

    fn rows_of_model(&self, kind: Kind) -> Vec<Row> {
        let model = &self.model;
        match kind {
            Kind::Tokens => {
                let all = (0..model.tokens.shown.len()).filter_map(|at| model.tokens.row(at));
                all.map(|row| Row::Token(Box::new((**row).clone()))).collect()
            }
            Kind::Incidents => {
                model.incidents.rows.iter().map(|row| Row::Incident(Box::new((**row).clone()))).collect()
            }
            Kind::Operators => model.operators.rows.iter().cloned().map(Row::Operator).collect(),
            Kind::Workflows => model.requests.workflows.iter().cloned().map(Row::Workflow).collect(),
            _ => model.requests.rows.iter().map(|row| Row::Request(Box::new((**row).clone()))).collect(),
        }
    }
}

/// By its letter, its beginning, or a piece of it.
fn item_of<'a>(menu: &'a Menu, word: &str) -> Option<&'a MenuItem> {
    let word = word.to_lowercase().replace(['_', '-'], " ");
    let find = |fits: &dyn Fn(&MenuItem) -> bool| menu.items.iter().find(|item| fits(item));
    find(&|item| word.len() == 1 && word.starts_with(item.letter))
        .or_else(|| find(&|item| item.words.starts_with(&word)))
        .or_else(|| find(&|item| item.words.contains(&word)))
}
