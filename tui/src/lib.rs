#![doc = include_str!("../README.md")]

pub mod app;
pub mod cli;
pub mod client;
pub mod console;
pub mod demo;
#[cfg(test)]
pub(crate) mod hostile;
pub mod linear;
pub mod safe_text;
pub mod session;
pub mod term;
pub mod view;

use std::process::ExitCode;

use cli::{Exit, Io, Ran};

/// The program `tollgate`.
pub fn main() -> ExitCode {
    let mut io = Io::of_process();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            // There is nobody else to tell if this cannot be written.
            std::io::Write::write_fmt(&mut io.err, format_args!("tollgate: cannot start: {error}\n")).ok();
            return ExitCode::from(Exit::Failure as u8);
        }
    };
    let argv = std::env::args_os().collect();
    let exit = match runtime.block_on(cli::run(argv, &mut io, |name| std::env::var_os(name))) {
        Ran::Command(exit) => exit,
        Ran::Console(args) if args.linear || (args.plain_terminal && io.out_is_tty && io.in_is_tty) => {
            if args.resume.is_some() {
                io.note("tollgate: --resume is of the console on a screen; line by line no place is read or kept");
            }
            let exit = runtime.block_on(linear::run(&args, io));
            // Whoever still waits for a line is not waited for.
            runtime.shutdown_background();
            exit
        }
        Ran::Console(args) if io.out_is_tty && io.in_is_tty => {
            drop(runtime);
            return console(args, &mut io);
        }
        Ran::Console(_) => cli::refuse_without_command(&mut io),
        Ran::Playback(options) => {
            drop(runtime);
            return match console::playback::run(&options) {
                Ok(Ok(code)) => ended(code),
                Ok(Err(error)) => ExitCode::from(cli::refuse_recording(&mut io, &error) as u8),
                Err(error) => refused(&mut io, &error),
            };
        }
        Ran::Demo(args, console) => demo::run(&args, &console, &mut io, &runtime),
    };
    ExitCode::from(exit as u8)
}

fn console(args: cli::ConsoleArgs, io: &mut Io) -> ExitCode {
    let options = console::ConsoleOptions::from(args);
    match console::run(&options) {
        Ok(code) => ended(code),
        Err(error) => refused(io, &error),
    }
}

fn ended(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(Exit::Failure as u8))
}

/// The terminal cannot be had, or a recording's file is there already.
fn refused(io: &mut Io, error: &std::io::Error) -> ExitCode {
    // There is nobody else to tell if this cannot be written.
    std::io::Write::write_fmt(&mut io.err, format_args!("tollgate: the console cannot start: {error}\n")).ok();
    let is_there = error.kind() == std::io::ErrorKind::AlreadyExists;
    ExitCode::from(if is_there { Exit::BadInput } else { Exit::Failure } as u8)
}
