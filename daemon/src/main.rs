//! `tollgated`: see the crate documentation.

fn main() -> std::process::ExitCode {
    tollgate_daemon::cli::exec()
}
