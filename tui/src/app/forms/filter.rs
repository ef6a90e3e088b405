//! The form of a filter: its conditions are rows of four cells, and what is typed is a draft that can be tried.

mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

use tollgate_shared::api::{FilterPatch, FilterView, NewFilter, ServiceView, TryFilter};
use tollgate_shared::filter::{
    CONDITIONS_MAX, Condition, FieldError, FilterSpec, Mode, Op, Quantifier, Resolve, Trigger, lints, preset,
    preset_names,
};
use tollgate_shared::priority::Priority;

use super::super::msg::Call;
use super::super::words;
use super::check::{Spot, Wrong};
use super::{Choice, Difference, Field, Form, FormField, FormKind, Value, When};
use text::{condition_words, named, split_paths, split_words, spot, written};

/// Which part of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Trigger,
    Resolve,
}

/// Where a field stands in the rows of conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    pub part: Part,
    pub row: usize,
    pub column: usize,
}

const EVERY: &str = "every";
const NOBODY: &str = "none";
const PATHS_HINT: &str = "paths; the first with a value counts";
const WRITTEN_OUT: &str = "(none: written out here)";
/// Settings that are not in rows, in their order on the form; a change of one is one difference.
const ROW_NAMES: [[&str; CONDITIONS_MAX]; 2] = [
    ["opens 1", "opens 2", "opens 3", "opens 4", "opens 5", "opens 6", "opens 7", "opens 8"],
    ["resolves 1", "resolves 2", "resolves 3", "resolves 4", "resolves 5", "resolves 6", "resolves 7", "resolves 8"],
];

impl Form {
    /// A filter written out, or a preset that is changed before it is saved.
    #[must_use]
    pub fn write_filter(services: &[Arc<ServiceView>], service: Option<&str>) -> Self {
        let full = |service: &ServiceView| format!("{}/{}", service.team.name, service.name);
        let options: Vec<_> = services.iter().map(|service| (full(service), full(service))).collect();
        let at = service.and_then(|wanted| options.iter().position(|(label, _)| label == wanted)).unwrap_or(0);
        let mut presets = vec![(WRITTEN_OUT.to_owned(), String::new())];
        presets.extend(preset_names().map(|name| (name.to_owned(), name.to_owned())));
        let mut fields = vec![
            FormField::choice("preset", presets, 0, "fills in all that follows"),
            FormField::choice("service", options, at, "where its incidents open"),
        ];
        fields.extend(spec_fields(&FilterSpec {
            name: String::new(),
            enabled: true,
            trigger: Trigger::default(),
            resolve: None,
        }));
        Self::new(FormKind::WriteFilter, fields)
    }

    #[must_use]
    pub fn edit_filter(filter: &Arc<FilterView>) -> Self {
        let mut fields = spec_fields(&filter.spec);
        let place = FormField::text("place", &filter.position.to_string(), "among its service's; the first true wins");
        fields.insert(2, place);
        let mut form = Self::new(FormKind::EditFilter(filter.id.to_string()), fields);
        form.filter = Some(Arc::clone(filter));
        form
    }

    /// True for the form whose draft can be tried.
    #[must_use]
    pub fn is_filter(&self) -> bool {
        matches!(self.kind, FormKind::EditFilter(_) | FormKind::WriteFilter)
    }

    /// The filter as it is typed, whether or not it is allowed.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn spec(&self) -> Result<FilterSpec, String> {
        self.read().map_err(|wrong| wrong.words)
    }

    fn read(&self) -> Result<FilterSpec, Wrong> {
        let every = self.pick("opens when") == Some(EVERY);
        let lists = |label: &str| split_paths(&self.line(label));
        let trigger = Trigger {
            match_all: every,
            conditions: if every { Vec::new() } else { self.conditions(Part::Trigger)? },
            mode: self.mode("opens when"),
            priority: self.pick("priority").and_then(|word| word.parse().ok()).unwrap_or_default(),
            priority_from: lists("priority by"),
            priority_map: self.priority_words()?,
            title_from: lists("title from"),
            description_from: lists("text from"),
            correlate: lists("key from"),
        };
        let resolves = self.pick("resolves").is_some_and(|how| how != NOBODY);
        let resolve = match resolves {
            true => Some(Resolve {
                conditions: self.conditions(Part::Resolve)?,
                mode: self.mode("resolves"),
                correlate: lists("its key"),
            }),
            false => None,
        };
        Ok(FilterSpec { name: self.line("name"), enabled: self.tick("enabled"), trigger, resolve })
    }

    /// The draft, where it would be taken.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn draft(&self) -> Result<FilterSpec, String> {
        let spec = self.spec()?;
        match spec.validate() {
            Ok(()) => Ok(spec),
            Err(errors) => Err(errors.first().map_or_else(String::new, |error| named(&error.path, &error.message))),
        }
    }

    /// The draft against a logged call. A draft that has no name yet is tried under a word.
    #[must_use]
    pub fn trial(&self, call: u64) -> Option<TryFilter> {
        let (service, replaces) = match &self.filter {
            Some(filter) => (filter.service.id.clone(), Some(filter.id.to_string())),
            None => (self.pick("service").filter(|name| !name.is_empty())?.to_owned(), None),
        };
        let draft = self.tried()?;
        Some(TryFilter {
            service,
            headers: Vec::new(),
            query: String::new(),
            body: String::new(),
            call: Some(call),
            draft: Some(draft),
            replaces,
        })
    }

    /// What is tried: the draft, enabled, with a name.
    #[must_use]
    pub fn tried(&self) -> Option<FilterSpec> {
        let mut spec = self.spec().ok()?;
        if spec.name.is_empty() {
            "(draft)".clone_into(&mut spec.name);
        }
        spec.validate().is_ok().then_some(spec)
    }

    /// What looks like a mistake in the draft.
    #[must_use]
    pub fn filter_lints(&self) -> Vec<String> {
        let spec = self.spec().ok();
        spec.iter().flat_map(lints).map(|lint| named(&lint.path, &lint.message)).collect()
    }

    /// Somebody else was faster: his values, with what was typed here on top. Rows of conditions go together.
    pub(in crate::app) fn reload_filter(&mut self, fresh: &Arc<FilterView>) {
        let Some(was) = &self.filter else { return };
        let (before, theirs) = (Self::edit_filter(was), Self::edit_filter(fresh));
        let mine_in = |part: Part| {
            let pairs = self.fields.iter().zip(&before.fields);
            pairs.filter(|(mine, _)| mine.cell.is_some_and(|cell| cell.part == part)).any(|(a, b)| !a.same(b))
        };
        let kept = [(Part::Trigger, mine_in(Part::Trigger)), (Part::Resolve, mine_in(Part::Resolve))];
        for ((mine, old), new) in self.fields.iter_mut().zip(&before.fields).zip(theirs.fields) {
            let stays = match mine.cell {
                Some(cell) => kept.iter().any(|(part, mine)| *part == cell.part && *mine),
                None => !mine.same(old),
            };
            if !stays {
                mine.value = new.value;
            }
        }
        (self.filter, self.outdated) = (Some(Arc::clone(fresh)), false);
        let words = "changed meanwhile: their values are in, what you typed stays; look at the difference again";
        self.error = Some(words.to_owned());
    }

    /// Another preset was chosen: it fills the form in.
    pub(super) fn fill_in(&mut self) {
        let chosen = self.pick("preset").unwrap_or_default().to_owned();
        if self.kind != FormKind::WriteFilter || chosen == self.filled {
            return;
        }
        if let Some(spec) = preset(&chosen) {
            for (mine, new) in self.fields.iter_mut().skip(2).zip(spec_fields(&spec)) {
                mine.value = new.value;
            }
        }
        self.filled = chosen;
    }

    /// Up and down go by lines: from a condition to the one above or below, in the same column.
    pub fn step_line(&mut self, by: isize) {
        let from = self.fields.get(self.focus).and_then(|field| field.cell);
        let Some(from) = from else {
            self.step(by);
            return self.home(by);
        };
        for _ in 0..4 {
            self.step(by);
            let now = self.fields.get(self.focus).and_then(|field| field.cell);
            let left = now.is_none_or(|now| (now.part, now.row) != (from.part, from.row));
            if left && now.is_none_or(|now| now.column == from.column) {
                return;
            }
        }
    }

    /// Coming from outside upwards the first cell of a row is meant.
    fn home(&mut self, by: isize) {
        let cell = self.fields.get(self.focus).and_then(|field| field.cell);
        if let Some(cell) = cell.filter(|_| by < 0) {
            self.focus -= cell.column;
        }
    }

    pub(super) fn is_row_shown(&self, cell: Cell) -> bool {
        let open = match cell.part {
            Part::Trigger => self.pick("opens when") != Some(EVERY),
            Part::Resolve => self.pick("resolves") != Some(NOBODY),
        };
        open && (cell.row == 0 || (cell.row - 1..CONDITIONS_MAX).any(|row| self.is_row_used(cell.part, row)))
    }

    pub(super) fn is_resolving(&self) -> bool {
        self.pick("resolves") != Some(NOBODY)
    }

    pub(super) fn filter_complaint(&self) -> Option<Wrong> {
        let mut spec = match self.read() {
            Ok(spec) => spec,
            Err(wrong) => return Some(wrong),
        };
        if spec.name.is_empty() {
            // That it is missing is said when the form is to be sent.
            "(draft)".clone_into(&mut spec.name);
        }
        // The same for the first condition.
        let begun = spec.trigger.match_all || !spec.trigger.conditions.is_empty() || self.filter.is_some();
        let errors = spec.validate().err()?;
        let error = errors.iter().find(|error| begun || error.path != "trigger.conditions");
        error.map(broken).or_else(|| self.place_complaint())
    }

    /// The first rule that the filter breaks as it is.
    pub(super) fn filter_unfit(&self) -> Option<Wrong> {
        self.read().ok()?.validate().err()?.first().map(broken)
    }

    fn place_complaint(&self) -> Option<Wrong> {
        let place = self.text("place")?;
        let wrong = place.trim().parse::<u32>().map_or(true, |place| place == 0);
        wrong.then(|| Wrong::new("place", format!("place: `{place}` is no place; the first is 1")))
    }

    pub(super) fn filter_call(&self) -> Result<Call, String> {
        let spec = self.draft()?;
        let Some(filter) = &self.filter else {
            let service = self.chosen("service")?;
            return Ok(Call::CreateFilter(NewFilter { service, name: None, preset: None, spec: Some(spec) }));
        };
        let place: Option<u32> = self.line("place").trim().parse().ok();
        let patch = FilterPatch {
            spec: (spec != filter.spec).then_some(spec),
            position: place.filter(|place| *place != filter.position),
            ..FilterPatch::default()
        };
        let (id, version) = (filter.id.to_string(), filter.version.clone());
        Ok(Call::EditFilter { filter: id, patch: Box::new(patch), version })
    }

    pub(super) fn filter_cli(&self) -> String {
        match &self.filter {
            Some(filter) => {
                let name = format!("{}/{}", filter.service.name, filter.spec.name);
                format!("tollgate filter edit {} --file FILTER.json", words::shell(&name))
            }
            None => {
                let service = words::shell(self.pick("service").unwrap_or_default());
                format!("tollgate filter create --service {service} --file FILTER.json")
            }
        }
    }

    /// What a change of a filter would make different.
    #[must_use]
    pub fn filter_differences(&self) -> Vec<Difference> {
        let (Some(was), Ok(new)) = (&self.filter, self.spec()) else { return Vec::new() };
        let mut all = settings(&was.spec, &new);
        all.push(Difference::new("place", was.position.to_string(), self.line("place").trim().to_owned()));
        rows(&mut all, Part::Trigger, &was.spec.trigger.conditions, &new.trigger.conditions);
        let of = |spec: &FilterSpec| spec.resolve.clone().unwrap_or_default().conditions;
        rows(&mut all, Part::Resolve, &of(&was.spec), &of(&new));
        all.into_iter().filter(Difference::is_one).collect()
    }

    fn mode(&self, label: &str) -> Mode {
        if self.pick(label) == Some("any") { Mode::Any } else { Mode::All }
    }

    fn cells(&self, part: Part, row: usize) -> Option<[&Value; 4]> {
        let at = self.fields.iter().position(|field| field.cell == Some(Cell { part, row, column: 0 }))?;
        let cell = |column: usize| self.fields.get(at + column).map(|field| &field.value);
        Some([cell(0)?, cell(1)?, cell(2)?, cell(3)?])
    }

    fn is_row_used(&self, part: Part, row: usize) -> bool {
        let Some([path, _, values, _]) = self.cells(part, row) else { return false };
        [path, values].iter().any(|value| !text_of(value).trim().is_empty())
    }

    /// The rows that say something, in their order.
    fn conditions(&self, part: Part) -> Result<Vec<Condition>, Wrong> {
        let mut conditions = Vec::new();
        for row in (0..CONDITIONS_MAX).filter(|row| self.is_row_used(part, *row)) {
            let Some([path, op, values, must]) = self.cells(part, row) else { continue };
            let wrong = |column, why: &str| Wrong {
                at: Spot::Cell(Cell { part, row, column }),
                words: format!("{}: {why}", ROW_NAMES[part as usize][row]),
            };
            let path = text_of(path).trim().to_owned();
            if path.is_empty() {
                return Err(wrong(0, "it has values and no path"));
            }
            let (negate, op) = operator(choice_of(op));
            let values = split_words(&text_of(values)).map_err(|why| wrong(2, &why))?;
            let must = choice_of(must);
            conditions.push(Condition {
                path,
                op,
                values,
                quantifier: if must.starts_with("one") { Quantifier::Any } else { Quantifier::All },
                negate,
                ignore_case: must.ends_with("aA"),
            });
        }
        Ok(conditions)
    }

    fn priority_words(&self) -> Result<BTreeMap<String, Priority>, Wrong> {
        let wrong = |why: String| Wrong::new("words", format!("words: {why}"));
        let mut map = BTreeMap::new();
        for word in split_words(&self.line("words")).map_err(wrong)? {
            let pair =
                word.rsplit_once('=').and_then(|(word, priority)| Some((word.to_owned(), priority.parse().ok()?)));
            let Some((word, priority)) = pair else {
                return Err(wrong(format!("`{word}` is none; write WORD=P1")));
            };
            map.insert(word, priority);
        }
        Ok(map)
    }
}

/// A broken rule, with its field.
fn broken(error: &FieldError) -> Wrong {
    Wrong { at: spot(&error.path), words: named(&error.path, &error.message) }
}

fn text_of(value: &Value) -> String {
    if let Value::Text(field) = value { field.text() } else { String::new() }
}

fn choice_of(value: &Value) -> &str {
    if let Value::Choice(choice) = value { choice.value() } else { "" }
}

fn operator(word: &str) -> (bool, Op) {
    let (negate, word) = word.strip_prefix("not ").map_or((false, word), |word| (true, word));
    (negate, Op::ALL.into_iter().find(|op| op.as_str() == word).unwrap_or_default())
}

/// The fields of a filter, always as many: what is not needed is not shown.
fn spec_fields(spec: &FilterSpec) -> Vec<FormField> {
    let (trigger, resolve) = (&spec.trigger, spec.resolve.clone());
    let list = |paths: &[String]| paths.join(" ");
    let map: Vec<_> = trigger.priority_map.iter().map(|(word, to)| written(&format!("{word}={to}"))).collect();
    let opens = if trigger.match_all { EVERY } else { mode_word(trigger.mode) };
    let resolves = resolve.as_ref().map_or(NOBODY, |part| mode_word(part.mode));
    let resolve = resolve.unwrap_or_default();
    let mut fields = vec![
        FormField::text("name", &spec.name, "1 to 64 characters, one of its kind in the service"),
        FormField::tick("enabled", spec.enabled, "off: neither part is asked"),
        chosen("priority", &Priority::ALL.map(|one| (one.as_str(), one.as_str())), trigger.priority.as_str(), ""),
        chosen("opens when", &MODES, opens, "a call opens an incident"),
    ];
    fields.extend(row_fields(Part::Trigger, &trigger.conditions));
    fields.extend([
        FormField::text("key from", &list(&trigger.correlate), "paths, each in the key; none = always a new incident"),
        FormField::text("title from", &list(&trigger.title_from), PATHS_HINT),
        FormField::text("text from", &list(&trigger.description_from), "the same; none = the body"),
        FormField::text("priority by", &list(&trigger.priority_from), PATHS_HINT),
        FormField::text("words", &map.join(" "), "a sender's own, WORD=P1 \"TWO WORDS\"=P2"),
        chosen("resolves", &RESOLVES, resolves, "a call resolves it"),
    ]);
    fields.extend(row_fields(Part::Resolve, &resolve.conditions));
    let key = FormField::text("its key", &list(&resolve.correlate), "paths; none = those of the part that opens");
    fields.push(key.when(When::Resolving));
    fields
}

const MODES: [(&str, &str); 3] = [("all of these", "all"), ("one of these", "any"), ("every call", EVERY)];
const RESOLVES: [(&str, &str); 3] = [("never: people do", NOBODY), ("all of these", "all"), ("one of these", "any")];
const MUST: [(&str, &str); 4] = [("all", "all"), ("one", "one"), ("all aA", "all aA"), ("one aA", "one aA")];

fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::All => "all",
        Mode::Any => "any",
    }
}

fn chosen(label: &'static str, options: &[(&str, &str)], value: &str, hint: &str) -> FormField {
    let options: Vec<_> = options.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
    let at = options.iter().position(|(_, own)| own == value).unwrap_or(0);
    FormField::choice(label, options, at, hint)
}

/// All rows of a part: those behind the last one stay empty.
fn row_fields(part: Part, conditions: &[Condition]) -> Vec<FormField> {
    let row = |row: usize| {
        let empty = Condition { quantifier: Quantifier::Any, ..Condition::default() };
        let condition = conditions.get(row).unwrap_or(&empty);
        let values: Vec<_> = condition.values.iter().map(|value| written(value)).collect();
        let op = format!("{}{}", if condition.negate { "not " } else { "" }, condition.op);
        let ops = Op::ALL.map(|op| (op.as_str().to_owned(), op.as_str().to_owned()));
        let nots = Op::ALL.map(|op| (format!("not {op}"), format!("not {op}")));
        let mut ops = Choice::new(ops.into_iter().chain(nots).collect(), 0);
        ops.pick(&op);
        let one = if condition.quantifier == Quantifier::Any { "one" } else { "all" };
        let must = format!("{one}{}", if condition.ignore_case { " aA" } else { "" });
        let mut cells = [
            FormField::new("path", Value::Text(Field::new(&condition.path)), PATH_HELP),
            FormField::new("op", Value::Choice(ops), "how; arrows or letters choose, `not` first turns it round"),
            FormField::new("values", Value::Text(Field::new(&values.join(" "))), VALUES_HELP),
            chosen("must", &MUST, &must, "must all values be found, or one; aA = upper and lower case are the same"),
        ];
        for (column, cell) in cells.iter_mut().enumerate() {
            cell.cell = Some(Cell { part, row, column });
            cell.when = When::Row;
        }
        cells
    };
    (0..CONDITIONS_MAX).flat_map(row).collect()
}

const PATH_HELP: &str = "a path: labels.severity, alerts[0].status, @header.X-Kind, $ = the body; empty = no row";
const VALUES_HELP: &str = "up to 10 words; \"two words\" in quotes; none for exists and is_empty";

fn settings(old: &FilterSpec, new: &FilterSpec) -> Vec<Difference> {
    let yes = |on: bool| if on { "yes" } else { "no" }.to_owned();
    let opens = |spec: &FilterSpec| {
        if spec.trigger.match_all { "every call".to_owned() } else { mode_word(spec.trigger.mode).to_owned() }
    };
    let resolves = |spec: &FilterSpec| spec.resolve.as_ref().map_or("never", |part| mode_word(part.mode)).to_owned();
    let own_key = |spec: &FilterSpec| spec.resolve.as_ref().map(|part| part.correlate.join(" ")).unwrap_or_default();
    let map = |spec: &FilterSpec| {
        let words = spec.trigger.priority_map.iter().map(|(word, to)| written(&format!("{word}={to}")));
        words.collect::<Vec<_>>().join(" ")
    };
    let (a, b) = (&old.trigger, &new.trigger);
    vec![
        Difference::new("name", old.name.clone(), new.name.clone()),
        Difference::new("enabled", yes(old.enabled), yes(new.enabled)),
        Difference::new("priority", a.priority.to_string(), b.priority.to_string()),
        Difference::new("opens when", opens(old), opens(new)),
        Difference::new("key from", a.correlate.join(" "), b.correlate.join(" ")),
        Difference::new("title from", a.title_from.join(" "), b.title_from.join(" ")),
        Difference::new("text from", a.description_from.join(" "), b.description_from.join(" ")),
        Difference::new("priority by", a.priority_from.join(" "), b.priority_from.join(" ")),
        Difference::new("words", map(old), map(new)),
        Difference::new("resolves", resolves(old), resolves(new)),
        Difference::new("its key", own_key(old), own_key(new)),
    ]
}

fn rows(all: &mut Vec<Difference>, part: Part, old: &[Condition], new: &[Condition]) {
    for (at, what) in ROW_NAMES[part as usize].into_iter().enumerate() {
        let words = |list: &[Condition]| list.get(at).map(condition_words).unwrap_or_default();
        all.push(Difference::new(what, words(old), words(new)));
    }
}

#[cfg(test)]
mod tests;
