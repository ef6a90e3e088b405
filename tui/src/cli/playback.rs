//! `tollgate playback --print`: the last screen of a recording as text. On a terminal it is [`crate::console::playback`]'s.

use std::io::BufReader;

use super::args::{Format, PlaybackArgs};
use super::context::Done;
use super::exit::{CliError, Exit};
use super::io::Io;
use crate::session::play::{PlayError, Player, screen};
use crate::term::caps::Caps;
use crate::view::Theme;

pub(super) fn print(io: &mut Io, args: &PlaybackArgs, format: Format) -> Done {
    let mut player = open(args)?;
    let ended = player.to_end().map_err(|error| wrong(&error))?;
    let caps = Caps::from_env(&crate::term::process_env(), false);
    let lines = screen(&player.model, &Theme::of(&caps));
    match format {
        Format::Table | Format::Csv | Format::Har => {
            // The cells of a screen are safe already.
            lines.iter().try_for_each(|line| writeln!(io.out, "{line}"))?;
        }
        Format::Json => io.json(&lines, true)?,
        Format::Jsonl => lines.iter().try_for_each(|line| io.json(line, false))?,
    }
    ended.into_iter().for_each(|why| io.note(&why));
    Ok(Exit::Ok)
}

fn open(args: &PlaybackArgs) -> Result<Player<BufReader<std::fs::File>>, CliError> {
    let file = std::fs::File::open(&args.file);
    let file = file.map_err(|error| {
        CliError::input(format!("{} cannot be read: {error}", args.file.display()), "name a file of --record")
    })?;
    Player::open(BufReader::new(file)).map_err(|error| wrong(&error))
}

pub(super) fn wrong(error: &PlayError) -> CliError {
    let next = match error {
        PlayError::Read(source) => source.to_string(),
        _ => "make one with:  tollgate --record FILE".to_owned(),
    };
    CliError::input(error.to_string(), next)
}
