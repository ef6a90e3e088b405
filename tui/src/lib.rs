#![doc = include_str!("../README.md")]

pub mod app;
pub mod cli;
pub mod client;
pub mod console;
pub mod demo;
pub mod safe_text;
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
        Ran::Console(args) if io.out_is_tty && io.in_is_tty => {
            drop(runtime);
            return console(args, &mut io);
        }
        Ran::Console(_) => cli::refuse_without_command(&mut io),
        Ran::Demo(args, console) => demo::run(&args, &console, &mut io, &runtime),
    };
    ExitCode::from(exit as u8)
}

fn console(args: cli::ConsoleArgs, io: &mut Io) -> ExitCode {
    let cli::ConsoleArgs { sockets, look, lock_after_secs } = args;
    let options = console::ConsoleOptions { sockets, look, lock_after_secs };
    match console::run(&options) {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(Exit::Failure as u8)),
        Err(error) => {
            // There is nobody else to tell if this cannot be written.
            std::io::Write::write_fmt(&mut io.err, format_args!("tollgate: the console cannot start: {error}\n")).ok();
            ExitCode::from(Exit::Failure as u8)
        }
    }
}
