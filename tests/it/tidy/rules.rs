//! What a room may name.

/// No IO, no clock, no randomness, no screen, no cluster.
const PURE: [&str; 5] = ["fleet", "index", "diagnose", "manifest", "plan"];

/// Every room, and the rooms that it may name. A room may name itself.
const ROOMS: [(&str, &[&str]); 11] = [
    ("fleet", &[]),
    ("index", &["fleet"]),
    ("manifest", &["fleet"]),
    ("diagnose", &["index", "manifest", "fleet"]),
    ("plan", &["diagnose", "index", "manifest", "fleet"]),
    ("cluster", &["index", "manifest", "fleet"]),
    ("engine", &["plan", "diagnose", "cluster", "index", "manifest", "fleet", "config"]),
    ("tui", &["engine", "plan", "diagnose", "cluster", "index", "manifest", "fleet", "config"]),
    ("cli", &["engine", "plan", "diagnose", "cluster", "index", "manifest", "fleet", "config"]),
    ("config", &["index", "manifest", "fleet"]),
    ("sim", &[]),
];

/// Single doors between rooms that otherwise do not know each other: a module and what lies below it, and a target.
const DOORS: [(&str, &str); 8] = [
    ("cluster::connect", "sim"),
    ("cli::sim", "sim"),
    // The demo is played on the simulator; it and the bare command open the console, and a shell is lent the terminal.
    ("cli::demo", "sim"),
    ("cli::console", "tui"),
    ("cli::shell", "tui"),
    // The one module that touches files serves every room that does IO.
    ("cluster", "config::files"),
    ("sim", "config::files"),
    ("main", ""),
];

/// Only these modules may name these paths (a path and what lies below it).
const RESERVED: [(&str, &[&str], &str); 4] = [
    ("cluster", &["kube", "kube_client", "kube_core", "kube_runtime"], "only `cluster` talks to Kubernetes"),
    (
        "tui",
        &[
            "ratatui",
            "ratatui_core",
            "ratatui_widgets",
            "ratatui_crossterm",
            "crossterm",
            "tui_textarea",
            "ratatui_textarea",
        ],
        "only `tui` draws",
    ),
    ("sim", &["axum", "hyper::server", "hyper_util::server"], "only `sim` serves HTTP"),
    ("config::files", &["std::fs", "tokio::fs"], "only `config::files` touches files"),
];

/// Addresses (`std::net::IpAddr`) are data, sockets are not.
const IMPURE: [&str; 21] = [
    "tokio",
    "kube",
    "std::fs",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::process",
    "std::env",
    "std::thread",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::time::Instant",
    "std::time::SystemTime",
    "fastrand",
    "rand",
    "getrandom",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
    "jiff::tz::TimeZone::system",
];

/// Why `module` may not name `path`, if so.
pub(super) fn broken_by(module: &[String], path: &[String]) -> Option<String> {
    let module = module.join("::");
    let room = module.split("::").next().unwrap_or_default();
    let path = canonical(path);
    if let Some(target) = path.strip_prefix("crate::") {
        return (!may_enter(&module, room, target)).then(|| {
            if is_room(target) || target == "*" {
                format!("`{}` may not use `{}`", or_root(room), first(target))
            } else {
                format!("`{}` names something at the crate's root, which holds rooms only", or_root(room))
            }
        });
    }
    let purity = PURE.contains(&room).then(|| pure(&module, room, &path)).flatten();
    purity.or_else(|| {
        let reserved =
            RESERVED.iter().find(|(owner, paths, _)| !is_in(&module, owner) && paths.iter().any(|p| meets(&path, p)));
        reserved.map(|(_, _, why)| (*why).to_owned())
    })
}

fn pure(module: &str, room: &str, path: &str) -> Option<String> {
    if IMPURE.iter().any(|impure| meets(path, impure)) {
        return Some(format!("`{room}` is pure: no IO, clock or randomness"));
    }
    let data = is_in(module, "index::digest") || is_in(module, "manifest");
    (meets(path, "k8s_openapi") && !data).then(|| "only `index::digest` and `manifest` may use k8s_openapi here".into())
}

fn may_enter(module: &str, room: &str, target: &str) -> bool {
    if room.is_empty() {
        return true; // lib.rs declares the rooms
    }
    let entered = first(target);
    if entered == room {
        return true;
    }
    if meets(target, "config::telemetry") && !["main", "cli"].contains(&room) {
        return false;
    }
    let below = ROOMS.iter().find(|(name, _)| *name == room).is_some_and(|(_, below)| below.contains(&entered));
    below || DOORS.iter().any(|(from, to)| is_in(module, from) && is_room(target) && is_in(target, to))
}

fn first(path: &str) -> &str {
    path.split("::").next().unwrap_or(path)
}

/// Whether `target` lies in a room.
pub(super) fn is_room(target: &str) -> bool {
    ROOMS.iter().any(|(name, _)| *name == first(target))
}

fn or_root(room: &str) -> &str {
    if room.is_empty() { "lib.rs" } else { room }
}

/// Whether `path` is `outer` or lies below it.
fn is_in(path: &str, outer: &str) -> bool {
    outer.is_empty() || path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Whether `path` is in `outer`, or a glob that may bring `outer` in unseen.
fn meets(path: &str, outer: &str) -> bool {
    is_in(path, outer) || path.strip_suffix('*').is_some_and(|prefix| outer.starts_with(prefix))
}

/// One name per thing: re-exports that the ecosystem uses are followed.
fn canonical(path: &[String]) -> String {
    let path = path.join("::");
    match path.strip_prefix("k8s_openapi::jiff") {
        Some(rest) => format!("jiff{rest}"),
        None => path,
    }
}
