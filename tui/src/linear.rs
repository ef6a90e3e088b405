//! The console as lines of text: for screen readers, for terminals without a cursor, and for scripts.
//!
//! The same actions, rights, queries and commands as on the screen, through the same tables: what a key would do is asked
//! of [`crate::app`], and what changes something is a command of [`crate::cli`], run in this process. Here are only lists
//! in words, the questions before a change, and the reading of lines. Nothing moves the cursor, no line is wider than
//! `WIDTH` columns, and what changed meanwhile is said before the next prompt.

mod act;
mod ask;
mod change;
mod follow;
mod help;
mod keyboard;
mod kinds;
mod line;
mod list;
mod look;
mod marks;
mod news;
mod rows;
mod select;
mod sort;
#[cfg(test)]
mod tests;
mod undo;
mod wrap;

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tollgate_shared::api::SignIn;
use tollgate_shared::secret::find_in;
use tollgate_shared::time::Timestamp;

pub(crate) use self::help::WORDS;
use self::keyboard::{Ready, Unbuffered};
use self::kinds::Kind;
use self::line::Command;
use self::list::List;
use self::marks::Marked;
use self::news::News;
use self::wrap::Wrapped;
use crate::app::lock::SIGNED_IN_SECS;
use crate::app::{Model, Msg, Net};
use crate::cli::shell_words::{Meta, split};
use crate::cli::{self, ConsoleArgs, Exit, Io, Lines, Way};
use crate::client::{Client, ClientError, Ticket};

/// Columns that a line takes at most.
const WIDTH: usize = 78;
/// A longer line is nobody's command.
const LINE_BYTES_MAX: u64 = 16 * 1_024;
const PROMPT: &str = "tollgate> ";

/// One who works line by line.
struct Desk {
    io: Io,
    way: Way,
    /// What is marked, and who asks: what the tables of the console decide by.
    model: Model,
    list: List,
    marked: Marked,
    /// Lists for which an order was chosen.
    sorted: Vec<Kind>,
    news: News,
    ready: Ready,
    /// What is written now is for a machine: no line of it is broken.
    as_it_is: Rc<Cell<bool>>,
    clock: fn() -> Timestamp,
    /// Who signed in on a shared account is not taken for the next one who sits down.
    idle: Duration,
}

/// Works until the end of the input or `quit`.
pub async fn run(args: &ConsoleArgs, io: Io) -> Exit {
    let io = Io { input: Box::new(Unbuffered::stdin()), ..io };
    Desk::new(args, io, Ready::Stdin, crate::console::now).work().await
}

impl Desk {
    fn new(args: &ConsoleArgs, io: Io, ready: Ready, clock: fn() -> Timestamp) -> Self {
        let as_it_is = Rc::new(Cell::new(false));
        let lines = if io.out_is_tty { Lines::Kept } else { Lines::Piped };
        let wrapped = |out| Box::new(Wrapped::new(out, WIDTH, Rc::clone(&as_it_is), io.in_is_tty));
        let io = Io {
            out: wrapped(io.out),
            err: wrapped(io.err),
            // A person reads, also where another program hands it to him.
            out_is_tty: true,
            err_is_tty: false,
            is_dumb: true,
            width: WIDTH,
            lines: Some(lines),
            ..io
        };
        let way = Way { sockets: args.sockets.clone(), named: args.named.clone(), ticket: None, forced: args.forced };
        let (list, news, marked, sorted) = (List::default(), News::default(), Marked::default(), Vec::new());
        let idle = Duration::from_secs(args.lock_after_secs.unwrap_or(SIGNED_IN_SECS).into());
        Self { io, way, model: Model::new(clock(), 80, 24), list, marked, sorted, news, ready, as_it_is, clock, idle }
    }

    async fn work(mut self) -> Exit {
        // Whoever writes a script knows what he asked for.
        let is_asked = self.io.in_is_tty;
        // Questions of commands are answered by the next line, whoever types it.
        self.io.in_is_tty = true;
        if self.greet().await.is_err() {
            return Exit::Ok;
        }
        loop {
            self.tell_news().await;
            if is_asked && self.prompt().is_err() {
                return Exit::Ok;
            }
            match self.read().await {
                Ok(Some(line)) if self.obey(&line).await => {}
                // The reader or the writer is gone, or has said enough.
                Ok(_) | Err(_) => break,
            }
        }
        self.io.out.flush().ok();
        Exit::Ok
    }

    async fn greet(&mut self) -> io::Result<()> {
        self.say("Tollgate, line by line. help lists what can be typed, quit leaves.")?;
        match self.look_around().await {
            Ok(_) => self.say_where(),
            Err(error) => self.say_error(error),
        }
    }

    fn say_where(&mut self) -> io::Result<()> {
        let Some(status) = &self.model.status else { return Ok(()) };
        let may = self.model.me.as_ref().map_or(Ok(()), crate::app::rights::Me::may_change);
        let is_empty = status.teams == 0;
        let listens = format!("daemon {} on {}, listens on {}", status.version, status.host, status.listen);
        let who = format!("you are {}, {}", status.caller, status.caller_role);
        self.say(&listens)?;
        self.say(&who)?;
        if is_empty {
            self.say("nothing is set up yet: status lists the commands that do it")?;
        }
        may.map_or_else(|why| self.say(&format!("you may look only: {why}")), |()| Ok(()))
    }

    fn prompt(&mut self) -> io::Result<()> {
        self.io.out.write_all(PROMPT.as_bytes())?;
        self.io.out.flush()
    }

    /// One line; `None` at the end of the input. ctrl-c gives up what was typed, no more.
    async fn read(&mut self) -> io::Result<Option<String>> {
        loop {
            let idle = tokio::time::sleep(self.idle);
            tokio::select! {
                biased;
                () = self.ready.wait() => break,
                () = idle, if self.way.ticket.is_some() => {
                    self.say("")?;
                    self.say("nothing was typed for a while:")?;
                    self.sign_out().await?;
                    self.prompt()?;
                }
                _ = tokio::signal::ctrl_c() => {
                    self.say("")?;
                    self.say("ctrl-c: the line is given up; quit leaves")?;
                    self.prompt()?;
                }
            }
        }
        let mut bytes = Vec::new();
        let read = io::BufRead::read_until(&mut io::Read::take(&mut self.io.input, LINE_BYTES_MAX), b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&bytes).trim().to_owned()))
    }

    /// Does what a line says. False where it says that it is over.
    async fn obey(&mut self, line: &str) -> bool {
        if !find_in(line).is_empty() {
            return self.say("that holds a token's secret: it was not sent. token identify asks for one").is_ok();
        }
        let done = match line::read(line) {
            Command::Nothing => self.say_news().await,
            Command::Quit => return false,
            Command::Help(word) => self.help(&word).await,
            Command::Open(kind) => self.open(kind).await,
            Command::Filter(query) => self.filter(&query).await,
            Command::Sort(words) => self.sort(&words).await,
            Command::Next => self.turn(true).await,
            Command::Previous => self.turn(false).await,
            Command::Again => self.again().await,
            Command::Show(number) => self.show(number).await,
            Command::Actions(number) => self.actions(number).await,
            Command::Follow(query) => self.follow(&query).await,
            Command::Mark(picked) => self.mark(picked, true).await,
            Command::Unmark(picked) => self.mark(picked, false).await,
            Command::Marks => self.say_marked().await,
            Command::Undo(number) => self.undo(number).await,
            Command::UndoList => self.undo_list(),
            Command::History => self.history(),
            Command::Act(action, words) => self.act(action, words).await,
            Command::Look(action, words) => self.look(action, &words).await,
            Command::SignIn(name) => self.sign_in(name).await,
            Command::SignOut => self.sign_out().await,
            Command::Verb(words) => self.command(&words).await,
            Command::Wrong(why) => self.say(&why),
        };
        done.is_ok()
    }

    /// One line.
    fn say(&mut self, text: &str) -> io::Result<()> {
        self.io.line(text)
    }

    /// What went wrong, and what to do.
    fn say_error(&mut self, error: ClientError) -> io::Result<()> {
        cli::error_lines(error).iter().try_for_each(|line| self.io.line(line))
    }

    async fn client(&self) -> Result<Client, ClientError> {
        Client::open_as(&self.way.sockets, self.way.ticket.clone()).await
    }

    /// Status and role as they are now.
    async fn look_around(&mut self) -> Result<Client, ClientError> {
        let client = self.client().await?;
        let status = client.status().await?;
        self.hear(Net::Connected(Box::new(status)));
        let me = crate::console::me(&client).await?;
        self.hear(Net::Me(Box::new(me)));
        Ok(client)
    }

    /// Hands the model what the daemon said, as the console's loop does. What follows from it for a screen is not done.
    fn hear(&mut self, net: Net) {
        crate::app::update::update(&mut self.model, Msg::Net(net), (self.clock)());
    }

    /// A command, in this process.
    async fn verb(&mut self, words: &[String]) -> io::Result<()> {
        self.verb_done(words).await.map(drop)
    }

    /// A command, and whether it was done.
    async fn verb_done(&mut self, words: &[String]) -> io::Result<bool> {
        self.as_it_is.set(line::is_for_machines(words));
        let exit = tokio::select! {
            exit = cli::within(words, &mut self.io, &self.way) => Some(exit),
            _ = tokio::signal::ctrl_c() => None,
        };
        self.as_it_is.set(false);
        match exit {
            Some(Exit::Attention) => self.say("done; something wants attention (2)")?,
            Some(_) => {}
            None => self.say("interrupted; look whether it was done before you repeat it")?,
        }
        Ok(matches!(exit, Some(Exit::Ok | Exit::Attention)))
    }

    /// A command as it stands in the console's log of commands.
    async fn verb_line(&mut self, line: &str, more: &[&str]) -> io::Result<bool> {
        match split(line, Meta::Text) {
            Ok(words) => {
                let more = more.iter().map(|word| (*word).to_owned()).filter(|word| !words.contains(word));
                let words: Vec<String> = words.iter().skip(1).cloned().chain(more).collect();
                self.verb_done(&words).await
            }
            Err(error) => self.say(&error.to_string()).map(|()| false),
        }
    }

    async fn sign_in(&mut self, name: String) -> io::Result<()> {
        if name.is_empty() {
            return self.say("say as whom:  sign-in NAME");
        }
        let Some(passphrase) = self.io.ask_hidden("passphrase (it is not shown):")? else {
            return self.say("nobody is signed in");
        };
        let sign_in = SignIn { operator: name, passphrase: passphrase.to_string(), ticket: None };
        let signed = async { Client::open(&self.way.sockets).await?.sign_in(&sign_in).await };
        match signed.await {
            Ok(ticket) => self.be(Some(Arc::new(ticket))).await,
            Err(error) => self.say_error(error),
        }
    }

    async fn sign_out(&mut self) -> io::Result<()> {
        if self.way.ticket.is_none() {
            return self.say("nobody is signed in: your unix account is who you are");
        }
        self.say("signed out")?;
        if let Ok(client) = self.client().await {
            // It ends here in any case; the daemon is told as well.
            client.sign_out().await.ok();
        }
        self.be(None).await
    }

    async fn be(&mut self, ticket: Option<Arc<Ticket>>) -> io::Result<()> {
        self.way.ticket = ticket;
        match self.look_around().await {
            Ok(_) => self.say_where(),
            Err(error) => self.say_error(error),
        }
    }
}
