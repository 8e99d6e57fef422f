//! The checker itself: sources that break a rule, and their neighbours that do not.

use std::collections::BTreeSet;

use super::*;

/// What is wrong with these sources (file, text). `lib.rs` and the parents that are left out declare what lies below them.
fn broken(sources: &[(&str, &str)]) -> Vec<String> {
    let mut files: graph::Files = sources.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
    let rooms: BTreeSet<String> = files
        .keys()
        .filter(|file| *file != "main.rs")
        .filter_map(|file| file.split(['/', '.']).next().map(str::to_owned))
        .collect();
    for room in &rooms {
        let below = format!("{room}/");
        let children: String = files
            .keys()
            .filter_map(|file| file.strip_prefix(&below)?.strip_suffix(".rs"))
            .filter(|rest| !rest.contains('/'))
            .map(|child| format!("pub mod {child};"))
            .collect();
        files.entry(format!("{room}.rs")).or_insert(children);
    }
    files.insert("lib.rs".into(), rooms.iter().map(|room| format!("pub mod {room};")).collect());
    let crates = ["tokio", "kube", "k8s_openapi", "ratatui", "crossterm", "axum", "hyper", "jiff", "fastrand"];
    check(&files, &crates.map(str::to_owned))
}

/// `expect` is part of each complaint about `text` in `file`; empty where there is none.
#[track_caller]
fn check_one(file: &str, text: &str, expect: &str) {
    let found = broken(&[(file, text)]);
    if expect.is_empty() {
        assert!(found.is_empty(), "{file}: {text}\n{found:#?}");
    } else {
        assert!(!found.is_empty() && found.iter().all(|line| line.contains(expect)), "{file}: {text}\n{found:#?}");
        assert!(found.iter().all(|line| line.starts_with(&format!("src/{file}:1: "))), "{found:#?}");
    }
}

#[test]
fn pure_rooms_do_no_io_and_know_no_time() {
    let pure = "is pure";
    check_one("fleet.rs", "use std::fs;", pure);
    check_one("fleet.rs", "use std::{collections::BTreeMap, fs::File};", pure);
    check_one("index.rs", "fn f() { let _ = ::std::env::var(\"HOME\"); }", pure);
    check_one("plan.rs", "use std::time::Instant; fn f(at: Instant) {}", pure);
    check_one("plan.rs", "use std::time as t; fn f() -> t::SystemTime { g() }", pure);
    check_one("plan.rs", "use std::time::Duration;", "");
    check_one("diagnose.rs", "use jiff::Timestamp; fn f() { Timestamp::now(); }", pure);
    check_one("diagnose.rs", "use jiff::Timestamp; fn f(now: Timestamp) -> Timestamp { now }", "");
    check_one("diagnose.rs", "use jiff::Timestamp; type When = Timestamp; fn f() -> When { When::now() }", pure);
    check_one("manifest.rs", "fn f() { k8s_openapi::jiff::Timestamp::now(); }", pure);
    check_one("manifest.rs", "use fastrand as dice; fn f() -> u8 { dice::u8(..) }", pure);
    check_one("index/digest.rs", "async fn f() { tokio::time::sleep(d).await; }", pure);
    check_one("fleet.rs", "#[tokio::main] async fn f() {}", pure);
    check_one("fleet.rs", "fn f() { println!(\"{}\", std::process::id()); }", pure);
    check_one("fleet.rs", "fn f() { dbg!(vec![std::fs::read(\"x\")]); }", pure);
    check_one("fleet.rs", "macro_rules! m { () => { use std::{fs, io}; } }", pure);
    check_one("fleet.rs", "use std::*;", pure);
    check_one("fleet.rs", "use std::net; fn f() { net::TcpStream::connect(a); }", pure);
    check_one("fleet.rs", "use std::net::IpAddr;", "");
    check_one("fleet.rs", "use kube::Api;", pure);
    check_one("fleet.rs", "fn fs() {} fn f() { fs(); let kube = 1; g(kube); }", "");
    check_one("engine.rs", "use std::time::Instant; use std::process::Command; use tokio::sync::mpsc;", "");
}

#[test]
fn kubernetes_structs_are_data_of_two_pure_rooms() {
    let why = "only `index::digest` and `manifest`";
    check_one("index/digest.rs", "use k8s_openapi::api::core::v1::Pod;", "");
    check_one("manifest/load.rs", "use k8s_openapi::api::core::v1::Pod;", "");
    check_one("index/delta.rs", "use k8s_openapi::api::core::v1::Pod;", why);
    check_one("plan.rs", "fn f(pod: &k8s_openapi::api::core::v1::Pod) {}", why);
    check_one("cluster.rs", "use k8s_openapi::api::core::v1::Pod;", "");
}

#[test]
fn one_room_per_outside_world() {
    check_one("cluster/watch.rs", "use kube::{self, Api};", "");
    check_one("engine.rs", "use kube::{self, Api};", "only `cluster` talks");
    check_one("engine.rs", "use kube;", "only `cluster` talks");
    check_one("sim.rs", "extern crate kube as k;", "only `cluster` talks");
    check_one("tui/view.rs", "use ratatui::Frame; use crossterm::event;", "");
    check_one("cli.rs", "fn f(frame: &mut ratatui::Frame<'_>) {}", "only `tui` draws");
    check_one("cli.rs", "fn f<T: crossterm::Command>() {}", "only `tui` draws");
    check_one("sim/serve.rs", "use axum::Router; use hyper::server::conn::http1;", "");
    check_one("cluster.rs", "use axum::Router;", "only `sim` serves");
    check_one("cluster.rs", "use hyper::server::conn::http1;", "only `sim` serves");
    check_one("cluster.rs", "use hyper::client::conn::http1;", "");
    check_one("config/files.rs", "use std::fs;", "");
    check_one("config/theme.rs", "fn f() { std::fs::read(\"x\"); }", "only `config::files`");
    check_one("cluster.rs", "async fn f() { tokio::fs::read(\"x\").await; }", "only `config::files`");
}

#[test]
fn dependencies_point_down() {
    let with = |from: &str, to: &str| {
        let text = format!("use crate::{to}::X;");
        broken(&[(from, &text), (&format!("{to}.rs"), "pub struct X;")])
    };
    for (from, to) in [
        ("index.rs", "fleet"),
        ("diagnose.rs", "manifest"),
        ("plan.rs", "diagnose"),
        ("cluster.rs", "index"),
        ("engine.rs", "cluster"),
        ("engine.rs", "config"),
        ("tui.rs", "engine"),
        ("cli.rs", "fleet"),
        ("cluster/connect.rs", "sim"),
        ("cli/sim.rs", "sim"),
    ] {
        assert_eq!(with(from, to), [""; 0], "{from} -> {to}");
    }
    for (from, to) in [
        ("fleet.rs", "index"),
        ("index.rs", "diagnose"),
        ("index.rs", "manifest"),
        ("plan.rs", "engine"),
        ("cluster.rs", "plan"),
        ("engine.rs", "tui"),
        ("cli.rs", "tui"),
        ("sim.rs", "manifest"),
        ("sim/store.rs", "fleet"),
        ("config.rs", "cli"),
        ("cluster/watch.rs", "sim"),
        ("cli/ls.rs", "sim"),
        ("manifest.rs", "config"),
    ] {
        let found = with(from, to);
        assert!(found.len() == 1 && found[0].contains(&format!("may not use `{to}`")), "{from} -> {to}: {found:?}");
    }
    check_one("cluster.rs", "use crate::Anything;", "holds rooms only");
}

#[test]
fn no_other_way_of_writing_a_path_gets_through() {
    let refused = |text: &str| {
        let found = broken(&[("index/fleet.rs", text), ("plan.rs", "pub struct X;")]);
        assert!(found.iter().any(|line| line.contains("may not use `plan`")), "{text}: {found:?}");
    };
    refused("fn f(x: crate::plan::X) {}");
    refused("use super::super::plan;");
    refused("fn f(x: super::super::plan::X) {}");
    refused("use {crate::plan as later}; fn f(x: later::X) {}");
    refused("fn f() { vec![crate::plan::X]; }");
    refused("macro_rules! m { () => { $crate::plan::X } }");
    refused("mod inner { fn f() -> super::super::super::plan::X { g() } }");
    refused("impl crate::plan::Trait for u8 {}");
    refused("#[derive(crate::plan::Derive)] struct Y;");
    refused("pub(crate) use crate::plan::*;");
    refused("fn f() { use crate::plan::X; }");

    // Names that came by a glob, from a parent or from another file.
    let clock = |text: &str| {
        broken(&[("index.rs", "use jiff::Timestamp; mod a; mod b;"), ("index/a.rs", text), ("index/b.rs", "")])
    };
    assert_eq!(clock("use super::*; fn f(now: Timestamp) {}"), [""; 0]);
    assert!(clock("use super::*; fn f() { Timestamp::now(); }")[0].contains("src/index/a.rs:1: jiff::Timestamp::now"));
    assert!(clock("mod c { use super::super::*; fn f() { Timestamp::now(); } }")[0].contains("jiff::Timestamp::now"));
    assert!(
        clock("mod d { pub use jiff::Timestamp; } use d::*; fn f() { Timestamp::now(); }")[0]
            .contains("Timestamp::now")
    );
    // A child module that is named like a crate is no crate.
    assert_eq!(broken(&[("plan.rs", "mod kube; use kube::X;"), ("plan/kube.rs", "pub struct X;")]), [""; 0]);
}

#[test]
fn the_binary_may_use_all_rooms_and_the_outside_of_none() {
    let rooms = [("cli.rs", "pub fn run() {}"), ("tui.rs", ""), ("config/telemetry.rs", "pub fn start() {}")];
    let all = |main: &'static str| broken(&[&rooms[..], &[("main.rs", main)]].concat());
    assert_eq!(
        all("use fleetdeck::{cli, tui}; fn main() { fleetdeck::config::telemetry::start(); cli::run() }"),
        [""; 0]
    );
    assert!(all("fn main() { kube::Client::try_default(); }")[0].contains("only `cluster` talks"));
    let telemetry = |file| broken(&[(file, "use crate::config::telemetry;"), rooms[2]]);
    assert_eq!(telemetry("cli.rs"), [""; 0]);
    assert!(telemetry("tui.rs")[0].contains("may not use `config`"));
}

#[test]
fn tests_are_exempt_but_only_tests() {
    check_one("fleet.rs", "#[cfg(test)] mod tests { use std::fs; use tokio::fs::File; }", "");
    check_one("fleet.rs", "#[test] fn f() { std::fs::read(\"x\"); }", "");
    check_one("fleet.rs", "#[cfg(not(test))] use std::fs;", "is pure");
    check_one("fleet.rs", "#[cfg(any(test, feature = \"x\"))] use std::fs;", "is pure");
    let apart = [("fleet.rs", "#[cfg(test)] mod tests;"), ("fleet/tests.rs", "use std::fs;")];
    assert_eq!(broken(&apart), [""; 0]);
}

#[test]
fn files_lie_where_the_design_says() {
    let found = broken(&[("fleet.rs", "mod tier;"), ("fleet/tier/mod.rs", "")]);
    assert!(found.iter().any(|line| line.contains("never in x/mod.rs")), "{found:?}");
    assert!(broken(&[("fleet.rs", ""), ("fleet/tier.rs", "")])[0].contains("no `mod` declaration leads here"));
    assert!(broken(&[("fleet.rs", "mod tier;")])[0].contains("no such file"));
    assert!(broken(&[("fleet.rs", "fn {")])[0].starts_with("src/fleet.rs: "));
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(tree::check_top_level(&names(&["Cargo.toml", ".ci", "src", "target"])), [""; 0]);
    assert_eq!(tree::check_top_level(&names(&["docs", "src"])), ["docs: the design's top level has no such entry"]);
    assert_eq!(tree::check_source_folder(&names(&["fleet", "fleet.rs", "lib.rs", "main.rs"])), [""; 0]);
    assert_eq!(tree::check_source_folder(&names(&["util.rs"])), ["src/util.rs: the design has no such room"]);
}
