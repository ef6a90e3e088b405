//! The local socket asks the kernel who calls: only root and the daemon's own user have a role.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;

use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_res_gid, set_thread_res_uid};
use serde_json::json;
use tollgate_daemon::local::ROUTES;
use tollgate_tests::daemon::{Daemon, clean_command};
use tollgate_tests::http::{Answer, Connection};
use tollgate_tests::process::run;
use tollgate_tests::{binaries, skipped};

use crate::support::{counts, text, with_alertmanager};

/// Uids without a role: the smallest, a person's, a service's.
const STRANGERS: [u32; 3] = [1, 1000, 65_533];
/// What the kernel shows for a uid that is not mapped: it could be anybody.
const UNMAPPED: u32 = 65_534;

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("the mode can be set");
}

/// A daemon whose socket every user of the host can reach, so that only the daemon itself stands in the way.
fn reachable_by_all() -> Daemon {
    let daemon = with_alertmanager();
    chmod(daemon.home(), 0o755);
    chmod(&daemon.socket(), 0o666);
    daemon
}

/// Does something on a thread of its own that has this uid for good.
fn as_uid<T: Send>(uid: u32, work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let (gid, uid) = (Gid::from_raw(uid), Uid::from_raw(uid));
            set_thread_res_gid(gid, gid, gid).expect("root may change its group");
            set_thread_res_uid(uid, uid, uid).expect("root may change its uid");
            work()
        });
        thread.join().expect("the thread ends")
    })
}

fn ask(socket: &Path, method: &str, path: &str) -> std::io::Result<Answer> {
    let target = path.replace(['{', '}'], "");
    Connection::unix(socket)?.request(method, &target, &[("content-type", "application/json")], b"{}")
}

#[test]
fn every_route_is_refused_for_everyone_without_a_role_and_names_his_uid() {
    if !geteuid().is_root() {
        skipped("every_route_is_refused_for_everyone_without_a_role_and_names_his_uid", "only root can be others");
        return;
    }
    let daemon = reachable_by_all();
    let before = counts(&daemon);
    let socket = daemon.socket();
    for uid in STRANGERS {
        as_uid(uid, || {
            for (method, path, _) in ROUTES {
                let answer = ask(&socket, method.as_str(), path).expect("an answer");
                assert_eq!((answer.status, answer.slug().as_str()), (403, "unknown-operator"), "{uid} {method} {path}");
                let detail = answer.json();
                assert!(text(&detail, "/detail").contains(&uid.to_string()), "{uid} {method} {path}: {detail}");
            }
        });
    }
    as_uid(UNMAPPED, || {
        for (method, path, _) in ROUTES {
            let answered = ask(&socket, method.as_str(), path);
            assert!(answered.is_err(), "nobody in particular gets no answer: {method} {path}: {answered:?}");
        }
    });
    // The refusals themselves are audited; nothing else has changed.
    assert_eq!(counts(&daemon)[..5], before[..5]);
    assert_eq!(daemon.get("/v1/status")["caller_role"], json!("admin"), "root is served all the same");
}

#[test]
fn command_line_of_another_user_says_who_he_is_and_exits_77() {
    if !geteuid().is_root() {
        skipped("command_line_of_another_user_says_who_he_is_and_exits_77", "only root can be others");
        return;
    }
    let daemon = reachable_by_all();
    // A copy: the build directory may be closed to others.
    let program = daemon.home().join("tollgate");
    std::fs::copy(binaries::tollgate(), &program).expect("the program can be copied");
    chmod(&program, 0o755);
    let mut command = clean_command(&program, daemon.home());
    let ran = run(command.uid(65_533).gid(65_533).arg("--socket").arg(daemon.socket()).args(["token", "list"]), b"");
    let ran = ran.expect(77);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("65533"), "{ran:?}");
    chmod(&daemon.socket(), 0o600);
    let mut command = clean_command(&program, daemon.home());
    let ran = run(command.uid(65_533).gid(65_533).arg("--socket").arg(daemon.socket()).args(["token", "list"]), b"");
    assert!(ran.expect(77).stderr.contains("admin.sock"), "a closed socket is named too");
}
