//! write-config: the tenant's file, with the fleet's values in it and nothing else changed.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{Bench, Shell, under_both_shells};

under_both_shells!(
    seeded_then_left_alone,
    values_are_set_in_the_text,
    what_is_not_understood_is_left_as_it_is,
    a_bad_value_of_the_fleet_stops_the_boot,
    an_empty_file_comes_back_from_the_copy,
    a_missing_file_is_seeded_anew,
    a_link_is_followed_and_modes_stay,
    no_secret_is_written_or_said,
);

fn seeded_then_left_alone(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    bench.run("write-config").done();
    assert_eq!(bench.read("config/openclaw.json"), bench.read("source/openclaw.json"));
    let before = bench.snapshot("config");
    bench.run("write-config").done();
    assert_eq!(before, bench.snapshot("config"));
}

/// Only these values, so that a case is short to read.
fn values(bench: &Bench, values: &[(&str, &str)]) {
    for name in bench.list("source").iter().filter(|n| n.starts_with("set.")) {
        fs::remove_file(bench.at("source").join(name)).unwrap();
    }
    for (path, value) in values {
        bench.write(&format!("source/set.{path}"), value);
    }
}

fn values_are_set_in_the_text(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    let check = |value: (&str, &str), input: &str, expect: &str| {
        values(&bench, &[value]);
        bench.write("config/openclaw.json", input);
        bench.run("write-config").done();
        assert_eq!(bench.read("config/openclaw.json"), expect, "{value:?} into {input:?}");
        let again = bench.run("write-config").done();
        assert!(again.out.contains("nothing to change"), "{again:?}");
        // Whatever changed, the text before is beside it.
        if input != expect {
            assert_eq!(bench.read("config/openclaw.json.before-boot"), input);
        }
    };
    let bind = ("gateway.bind", "\"lan\"");
    // Exchanged where it stands, by whatever name and quotes.
    check(
        bind,
        "{\"gateway\": {\"bind\": \"auto\", \"port\": 1}}\n",
        "{\"gateway\": {\"bind\": \"lan\", \"port\": 1}}\n",
    );
    check(bind, "{ gateway: { 'bind': 'auto', }, }\n", "{ gateway: { 'bind': \"lan\", }, }\n");
    check(bind, "{\"gateway\": {\"bind\": {\"a\": [1, {\"bind\": 2}]}}}\n", "{\"gateway\": {\"bind\": \"lan\"}}\n");
    // Comments and layout stay; what looks like the key elsewhere is not it.
    check(
        bind,
        "// \"gateway\": {\"bind\": 1}\n{\n  /* bind: } */ \"a\": \"gateway: { bind\", // x\n  \"gateway\": { // mine\n    \"bind\": \"auto\" // why\n  }\n}\n",
        "// \"gateway\": {\"bind\": 1}\n{\n  /* bind: } */ \"a\": \"gateway: { bind\", // x\n  \"gateway\": { // mine\n    \"bind\": \"lan\" // why\n  }\n}\n",
    );
    check(
        bind,
        "{\"list\": [{\"gateway\": {\"bind\": 1}}], \"gateway\": {\"bind\": \"lan\"}}\n",
        "{\"list\": [{\"gateway\": {\"bind\": 1}}], \"gateway\": {\"bind\": \"lan\"}}\n",
    );
    // Missing keys come first in their object.
    check(bind, "{}\n", "{\n  \"gateway\": { \"bind\": \"lan\" }\n}\n");
    check(bind, "{\"gateway\": {\"port\": 1}}\n", "{\"gateway\": {\n    \"bind\": \"lan\",\"port\": 1}}\n");
    check(bind, "{ // none yet\n}\n", "{\n  \"gateway\": { \"bind\": \"lan\" }\n // none yet\n}\n");
    check(bind, "{\"gateway\": null}\n", "{\"gateway\": { \"bind\": \"lan\" }}\n");
    // The last of two equal keys is the one that counts.
    check(
        bind,
        "{\"gateway\": {\"bind\": \"auto\"}, \"gateway\": {\"bind\": \"loopback\"}}\n",
        "{\"gateway\": {\"bind\": \"auto\"}, \"gateway\": {\"bind\": \"lan\"}}\n",
    );
    // Equal but for layout is equal.
    let proxies = ("gateway.trustedProxies", "[\"10.0.0.1\", \"10.0.0.2\"]");
    check(
        proxies,
        "{\"gateway\": {\"trustedProxies\": [\n '10.0.0.1',\n \"10.0.0.2\",\n]}}\n",
        "{\"gateway\": {\"trustedProxies\": [\n '10.0.0.1',\n \"10.0.0.2\",\n]}}\n",
    );
    check(
        proxies,
        "{\"gateway\": {\"trustedProxies\": []}}\n",
        "{\"gateway\": {\"trustedProxies\": [\"10.0.0.1\", \"10.0.0.2\"]}}\n",
    );
    // An empty value sets nothing.
    check(
        ("gateway.trustedProxies", ""),
        "{\"gateway\": {\"trustedProxies\": [1]}}\n",
        "{\"gateway\": {\"trustedProxies\": [1]}}\n",
    );
    // Escapes and odd characters in strings.
    check(
        bind,
        "{\"a\": \"\\\"gateway\\\": { \\\\\", \"b\": 'it\\'s', \"c\": \"é &\\u0041\"}\n",
        "{\n  \"gateway\": { \"bind\": \"lan\" },\"a\": \"\\\"gateway\\\": { \\\\\", \"b\": 'it\\'s', \"c\": \"é &\\u0041\"}\n",
    );
    check(("a.b", "\"x & \\\\ y\""), "{\"a\": {\"b\": 1}}\n", "{\"a\": {\"b\": \"x & \\\\ y\"}}\n");
    check(
        bind,
        "{\r\n  \"gateway\": {\r\n    \"bind\": \"auto\"\r\n  }\r\n}\r\n",
        "{\r\n  \"gateway\": {\r\n    \"bind\": \"lan\"\r\n  }\r\n}\r\n",
    );
}

fn what_is_not_understood_is_left_as_it_is(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    for broken in [
        "{\"gateway\": {",
        "{\"gateway\" 1}",
        "{\"a\": sk-secret-1}",
        "{sk-secret-2}",
        "{\"a\": \"sk-secret-3\n}",
        "[1]",
        "{} more",
        "{\"a\": 1 \"b\": 2}",
        "{\"a\": [1 2]}",
        "/* {}",
        "   \n",
        "not json at all: sk-secret-4",
    ] {
        bench.write("config/openclaw.json", broken);
        let before = bench.snapshot("config");
        let run = bench.run("write-config").warned("left as it is");
        assert_eq!((run.code, bench.snapshot("config")), (Some(0), before), "{broken:?}");
        assert!(!format!("{run:?}").contains("sk-secret"), "{run:?}");
    }
}

fn a_bad_value_of_the_fleet_stops_the_boot(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    values(&bench, &[("gateway.bind", "lan"), ("gateway.mode", "\"local\"")]);
    bench.write("config/openclaw.json", "{}\n");
    bench.run("write-config").failed(65, "set.gateway.bind");
    assert_eq!(bench.read("config/openclaw.json"), "{}\n");
}

fn an_empty_file_comes_back_from_the_copy(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    bench.write("config/openclaw.json", "{\"mine\": 1}\n");
    bench.run("write-config").done();
    bench.write("config/openclaw.json", "");
    bench.run("write-config").done();
    assert!(bench.read("config/openclaw.json").contains("\"mine\": 1"));
    assert!(bench.read("config/openclaw.json").contains("\"lan\""));
}

fn a_missing_file_is_seeded_anew(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    bench.write("config/openclaw.json.before-boot", "{\"mine\": 1}\n");
    bench.run("write-config").done();
    assert_eq!(bench.read("config/openclaw.json"), bench.read("source/openclaw.json"));
}

fn a_link_is_followed_and_modes_stay(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    bench.write("config/dotfiles/claw.json5", "{ /* mine */ }\n");
    fs::set_permissions(bench.at("config/dotfiles/claw.json5"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("dotfiles/claw.json5", bench.at("config/openclaw.json")).unwrap();
    bench.run("write-config").done();
    assert!(bench.at("config/openclaw.json").is_symlink());
    let text = bench.read("config/dotfiles/claw.json5");
    assert!(text.contains("/* mine */") && text.contains("\"lan\""), "{text}");
    assert_eq!(fs::metadata(bench.at("config/dotfiles/claw.json5")).unwrap().permissions().mode() & 0o777, 0o640);
    // A new file is for its owner only.
    fs::remove_file(bench.at("config/openclaw.json")).unwrap();
    bench.run("write-config").done();
    assert_eq!(fs::metadata(bench.at("config/openclaw.json")).unwrap().permissions().mode() & 0o777, 0o600);
}

fn no_secret_is_written_or_said(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    bench.set("OPENCLAW_GATEWAY_TOKEN", "tok-secret");
    bench.set("LITELLM_API_KEY", "sk-secret");
    bench.write("config/openclaw.json", "{\"channels\": {\"botToken\": \"own-secret\"}}\n");
    for stage in ["seed-app", "create-workspace", "write-config", "copy-chrome-cdp"] {
        let run = bench.run(stage).done();
        assert!(!format!("{run:?}").contains("secret"), "{run:?}");
    }
    let disk = format!("{:?}{:?}", bench.snapshot("app"), bench.snapshot("config"));
    assert!(!disk.contains("tok-secret") && !disk.contains("sk-secret"));
    assert!(disk.contains("${LITELLM_API_KEY}") && disk.contains("own-secret"));
}
