//! The Status screen: what the gate does now and did in the last hour, what wants to be looked at, and what the daemon
//! says of itself. In rows, some of which open something.

mod cards;
mod facts;
mod hour;

use tollgate_shared::api::{HourView, TalkersBy, TalkersView};
use tollgate_shared::id::TokenId;
use tollgate_shared::time::Timestamp;

use super::detail::{Kind, Line};
use super::model::{Model, Screen};
use super::order::Choices;

pub use cards::Cards;
pub use hour::{minutes_of, peak_words};

/// The last hour is asked for this often while somebody looks.
const INTERVAL_SECS: i64 = 5;
/// An answer that is awaited for so long does not come any more: the connection was another one.
const PATIENCE_SECS: i64 = 30;
/// From this width on what the daemon says of itself stands beside the rest,
const BESIDE_COLUMNS: u16 = 160;
/// which gets so many columns.
pub const FIRST_COLUMNS: u16 = 108;

/// The orders of those who call most: each is asked of the daemon, which knows of all of them.
pub const TALKERS_BY: Choices<TalkersBy> = &[
    ('c', TalkersBy::Calls, "calls"),
    ('f', TalkersBy::Refused, "refused calls"),
    ('n', TalkersBy::NoMatch, "calls that matched nothing"),
];

/// A lower screen has no line left for saying what part of the rows it shows.
const TOLD_ROWS_MIN: usize = 6;

/// What the screen knows beside the daemon's status.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// The last hour, once it was told.
    pub hour: Option<Box<HourView>>,
    /// Who calls most now, once it was told.
    pub talkers: Option<Box<TalkersView>>,
    /// What they are ordered by.
    pub talkers_by: TalkersBy,
    /// Why it is not told.
    pub refused: Option<String>,
    /// What the tokens give cause to look at.
    pub cards: Cards,
    /// What Enter opens.
    pub mark: Option<Target>,
    /// By how much the daemon's clock was ahead of ours when it last told the time.
    pub clock_ahead_secs: i64,
    asked_at: Option<Timestamp>,
    awaited: bool,
}

/// What a row opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The tokens that pass a filter.
    Tokens(&'static str),
    /// One token.
    Token(TokenId),
}

/// A row of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    Text(Line),
    /// Something to open.
    Open(Line, Target),
    Chart(Chart),
    /// The times under the charts.
    Axis {
        from: String,
        to: String,
        words: String,
    },
}

/// A figure over the last hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    pub label: &'static str,
    /// One value a minute, oldest first; nothing where the daemon did not run.
    pub cells: Vec<Option<u64>>,
    /// What the highest bar stands for.
    pub scale: u64,
    /// The highest value and its time, or that there is none.
    pub words: String,
    pub kind: Kind,
}

impl Health {
    /// Whether the last hour is to be asked for now. Says so once.
    pub fn is_due(&mut self, now: Timestamp) -> bool {
        let rest = if self.awaited { PATIENCE_SECS } else { INTERVAL_SECS };
        let due = self.asked_at.is_none_or(|at| now.secs_since(at) >= rest);
        if due {
            (self.asked_at, self.awaited) = (Some(now), true);
        }
        due
    }

    /// Takes an answer. What was known is kept where nothing newer comes.
    pub fn take(&mut self, answer: Result<Box<HourView>, String>) {
        self.awaited = false;
        match answer {
            Ok(hour) => (self.hour, self.refused) = (Some(hour), None),
            Err(why) => self.refused = Some(why),
        }
    }

    /// Those who call most are wanted in another order, at once.
    pub fn ask_talkers(&mut self, by: TalkersBy) {
        (self.talkers_by, self.asked_at) = (by, None);
    }

    /// The connection is a new one: what was asked on the old one is not answered, and what it said is old.
    pub fn begin_anew(&mut self) {
        (self.asked_at, self.awaited, self.refused) = (None, false, None);
    }
}

/// The rows, and those that stand beside them on a wide screen.
#[must_use]
pub fn rows(model: &Model) -> (Vec<Row>, Vec<Row>) {
    let Some(status) = &model.status else { return (Vec::new(), Vec::new()) };
    let mut first = hour::rows(model);
    first.extend(cards::rows(model));
    let beside: Vec<Row> = facts::lines(model, status).into_iter().map(Row::Text).collect();
    if is_beside(model, beside.len()) {
        return (first, beside);
    }
    first.extend(beside);
    (first, Vec::new())
}

fn is_beside(model: &Model, rows: usize) -> bool {
    let area = model.layout().list;
    area.width >= BESIDE_COLUMNS && usize::from(area.height) >= rows
}

/// The same as lines of text: a chart is its words.
#[must_use]
pub fn lines(model: &Model) -> Vec<Line> {
    let (first, beside) = rows(model);
    first.into_iter().chain(beside).filter_map(Row::into_line).collect()
}

impl Row {
    fn into_line(self) -> Option<Line> {
        match self {
            Self::Text(line) | Self::Open(line, _) => Some(line),
            Self::Chart(chart) => Some(Line::new(chart.kind, format!("{:12}{}", chart.label, chart.words))),
            Self::Axis { .. } => None,
        }
    }

    /// What it opens.
    #[must_use]
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::Open(_, target) => Some(target),
            _ => None,
        }
    }
}

/// Moves by rows. The mark goes from one row that opens something to the next one in view; where there is none, the
/// screen goes on under it.
pub fn step(model: &mut Model, by: isize) {
    let (rows, _) = rows(model);
    let height = height(model, rows.len());
    let lowest = rows.len().saturating_sub(height);
    let top = model.pane_top.min(lowest);
    let opens: Vec<(usize, &Target)> =
        rows.iter().enumerate().filter_map(|(at, row)| Some((at, row.target()?))).collect();
    let in_view = |at: usize, top: usize| (top..top + height).contains(&at);
    let marked = opens.iter().find(|(at, target)| Some(*target) == model.health.mark.as_ref() && in_view(*at, top));
    let next = match (by, marked) {
        (1, Some((here, _))) => opens.iter().find(|(at, _)| at > here),
        (-1, Some((here, _))) => opens.iter().rfind(|(at, _)| at < here),
        (1, None) => opens.iter().find(|(at, _)| in_view(*at, top)),
        (-1, None) => opens.iter().rfind(|(at, _)| in_view(*at, top)),
        _ => None,
    };
    if let Some((_, target)) = next.filter(|(at, _)| in_view(*at, top)) {
        model.health.mark = Some((*target).clone());
        return;
    }
    let top = top.saturating_add_signed(by).min(lowest);
    // A mark that is scrolled away opens nothing that is not seen.
    let stays = marked.is_some_and(|(at, _)| in_view(*at, top));
    let mark = if stays { model.health.mark.take() } else { None };
    let mark = mark.or_else(|| opens.iter().find(|(at, _)| in_view(*at, top)).map(|(_, target)| (*target).clone()));
    (model.pane_top, model.health.mark) = (top, mark);
}

/// Rows that are seen of so many. Where not all are, the last line of the screen says which.
#[must_use]
pub fn height(model: &Model, rows: usize) -> usize {
    let all = usize::from(model.layout().list.height).max(1);
    if rows > all && all >= TOLD_ROWS_MIN { all - 1 } else { all }
}

/// What Enter opens, if it can be seen.
#[must_use]
pub fn marked(model: &Model) -> Option<Target> {
    let (rows, _) = rows(model);
    let height = height(model, rows.len());
    let seen = rows.iter().skip(model.pane_top).take(height).filter_map(Row::target);
    let mark = model.health.mark.as_ref();
    seen.into_iter().find(|target| Some(*target) == mark).cloned()
}

/// True where nobody can see that something changed.
#[must_use]
pub fn is_shown(model: &Model) -> bool {
    model.screen == Screen::Status && model.lock.is_none()
}

fn fact(name: &str, text: &str) -> Line {
    Line::plain(format!("{name:18}{text}"))
}

fn head(text: &str) -> Line {
    Line::new(Kind::Strong, text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{self, model, press, tell};
    use super::super::key::{Code, Key};
    use super::super::msg::{Effect, Net};
    use super::*;

    fn status(columns: u16, rows: u16) -> Model {
        let mut model = model(columns, rows, 12);
        press(&mut model, Key::char('8'));
        tell(&mut model, Net::Hour(Ok(Box::new(fixtures::hour()))));
        tell(&mut model, Net::Talkers(Box::new(fixtures::talkers())));
        model
    }

    #[test]
    fn the_last_hour_is_asked_for_while_somebody_looks() {
        let mut model = model(80, 24, 3);
        let asks = |effects: super::super::msg::Effects| {
            effects.list.iter().filter(|effect| matches!(effect, Effect::FetchHour { .. })).count()
        };
        assert_eq!(asks(tell(&mut model, Net::Alive)), 0, "nobody looks");
        assert_eq!(asks(press(&mut model, Key::char('8'))), 1);
        assert_eq!(asks(tell(&mut model, Net::Alive)), 0, "the answer is awaited");
        tell(&mut model, Net::Hour(Ok(Box::new(fixtures::hour()))));
        let later = fixtures::now().plus_secs(INTERVAL_SECS);
        let effects = super::super::update::update(&mut model, super::super::Msg::Tick, later);
        assert_eq!(asks(effects), 1);
    }

    #[test]
    fn the_same_figures_again_are_no_reason_for_a_frame() {
        let mut model = status(80, 24);
        let effects = tell(&mut model, Net::Hour(Ok(Box::new(fixtures::hour()))));
        assert_eq!(effects.dirty, None);
        let mut other = fixtures::hour();
        other.minutes[59].effect += 1;
        assert!(tell(&mut model, Net::Hour(Ok(Box::new(other)))).dirty.is_some());
    }

    #[test]
    fn the_mark_goes_over_what_opens_and_enter_opens_it() {
        let mut model = status(80, 24);
        let mut seen = Vec::new();
        for _ in 0..80 {
            press(&mut model, Key::char('j'));
            let Some(target) = marked(&model) else { continue };
            if seen.last() != Some(&target) {
                seen.push(target);
            }
        }
        let (rows, _) = rows(&model);
        let all: Vec<Target> = rows.iter().filter_map(|row| row.target().cloned()).collect();
        assert!(seen.len() >= all.len() && all.iter().all(|target| seen.contains(target)), "{seen:?}");
        press(&mut model, Key::char('g'));
        while marked(&model) != Some(Target::Tokens("is:expiring")) {
            press(&mut model, Key::char('j'));
        }
        press(&mut model, Key::plain(Code::Enter));
        assert_eq!((model.screen, model.tokens.filter.as_str()), (Screen::Tokens, "is:expiring"));
        assert!(model.tokens.filter_on && !model.tokens.shown.is_empty());
    }

    #[test]
    fn a_token_that_a_filter_hides_is_shown_when_it_is_opened() {
        let mut model = status(80, 24);
        (model.tokens.filter, model.tokens.filter_on) = ("nothing has this name".into(), true);
        model.tokens.refilter();
        let talker = rows(&model).0.into_iter().find_map(|row| match row {
            Row::Open(_, Target::Token(id)) => Some(id),
            _ => None,
        });
        model.health.mark = talker.map(Target::Token);
        while marked(&model).is_none() {
            model.pane_top += 1;
        }
        press(&mut model, Key::plain(Code::Enter));
        assert_eq!(model.tokens.selected().map(|token| token.id), talker);
    }

    #[test]
    fn a_mark_that_is_out_of_sight_opens_nothing() {
        let mut model = status(60, 9);
        model.health.mark = Some(Target::Tokens("is:expired"));
        press(&mut model, Key::plain(Code::Enter));
        assert_eq!(model.screen, Screen::Status);
        assert!(model.notice.is_some());
    }

    #[test]
    fn figures_of_a_daemon_that_is_gone_are_not_those_of_now() {
        let mut model = status(80, 24);
        let first = |model: &Model| lines(model)[0].text.clone();
        assert_eq!(first(&model), "NOW, the last 10 s");
        tell(&mut model, Net::Lost { why: "gone".into(), tried: Vec::new(), attempt: 1, retry_in_secs: 1 });
        assert_eq!(first(&model), "AT 2026-11-22 03:14:00Z, NOT NOW: nothing newer is known");
    }

    #[test]
    fn without_figures_the_charts_say_why() {
        let mut model = model(80, 24, 1);
        press(&mut model, Key::char('8'));
        let words = |model: &Model| lines(model).iter().map(|line| line.text.clone()).collect::<Vec<_>>().join("\n");
        assert!(words(&model).contains("asking the daemon"));
        tell(&mut model, Net::Hour(Err("there is nothing at this path".into())));
        assert!(words(&model).contains("no figures: there is nothing at this path"), "{}", words(&model));
    }

    #[test]
    fn those_who_call_most_are_asked_for_anew_in_another_order() {
        let mut model = status(80, 24);
        press(&mut model, Key::char('o'));
        let effects = press(&mut model, Key::char('f'));
        let by = effects.list.iter().find_map(|effect| match effect {
            Effect::FetchHour { talkers_by } => Some(*talkers_by),
            _ => None,
        });
        assert_eq!(by, Some(TalkersBy::Refused), "at once, not when the next are due");
        let words: String = lines(&model).iter().map(|line| format!("{}\n", line.text)).collect();
        assert!(words.contains("WHO IS REFUSED MOST"), "{words}");
    }
}
