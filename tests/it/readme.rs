//! The README: its key table is the command table's, and what it names is there.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

#[test]
fn the_key_table_is_the_command_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- keys: written by the test `readme` -->\n", "<!-- /keys -->");
    let (before, rest) = readme.split_once(begin).expect("the README marks where the keys begin");
    let (table, after) = rest.split_once(end).expect("the README marks where the keys end");
    let wanted = fleetdeck::tui::key_table_markdown();
    if table != wanted && std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, format!("{before}{begin}{wanted}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(table, wanted, "run the tests with UPDATE_GOLDEN=1 to write the table anew");
}

#[test]
fn whoever_looks_for_a_section_finds_it() {
    let readme = readme();
    let sections: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    for wanted in [
        "For whom",
        "Install",
        "First steps on your own fleet",
        "Safety model",
        "Demo and simulator",
        "Keys",
        "Code map",
        "Where does X go",
        "Tests and figures",
    ] {
        assert!(sections.contains(&wanted), "no section {wanted:?} among {sections:?}");
    }
    // To be tried before anything else is read.
    let first = readme.split_once("## ").unwrap().0;
    assert!(first.contains("cargo run --release -- demo") && first.contains("demo/pictures/fleet.svg"), "{first}");
}

/// Every file below a folder, with what stands in it.
fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|e| e == "rs") {
            all.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn the_safety_model_is_ten_lines_and_each_has_its_test() {
    let readme = readme();
    let (_, rest) = readme.split_once("## Safety model\n").unwrap();
    let (model, _) = rest.split_once("\n## ").unwrap();
    let lines: Vec<&str> = model.lines().filter(|l| l.starts_with(|c: char| c.is_ascii_digit())).collect();
    assert_eq!(lines.len(), 10);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut code = String::new();
    for folder in ["src", "tests/it"] {
        sources(&root.join(folder), &mut code);
    }
    for line in lines {
        let tests: Vec<&str> =
            line.split('`').skip(1).step_by(2).filter(|word| word.matches('_').count() > 2).collect();
        assert!(!tests.is_empty(), "no test stands behind: {line}");
        for test in tests {
            assert!(code.contains(&format!("fn {test}(")), "there is no test {test}");
        }
    }
}

#[test]
fn files_and_folders_that_are_named_are_there() {
    let readme = readme();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let words = readme.split(|c: char| c.is_whitespace() || "`()[]:;,".contains(c));
    let tops = ["src/", "tests/", "manifests/", "demo/", "themes/", ".ci/"];
    let named: BTreeSet<&str> = words.filter(|word| tops.iter().any(|top| word.starts_with(top))).collect();
    assert!(named.len() > 20, "{named:?}");
    for path in named {
        // x stands for whatever is added, and braces for several.
        let is_pattern = path.split(['/', '.']).any(|part| part == "x") || path.contains(['{', '*', '<']);
        assert!(is_pattern || root.join(path).exists(), "README names {path}, which is not there");
    }
}

#[test]
fn commands_that_are_shown_have_their_verbs_and_flags() {
    let readme = readme();
    let fleetdeck = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_fleetdeck")).args(arguments).output().unwrap();
        (done.status.success(), String::from_utf8(done.stdout).unwrap())
    };
    let (_, all) = fleetdeck(&["--help"]);
    let verbs: BTreeSet<&str> =
        all.lines().filter(|l| l.starts_with("  ")).filter_map(|l| l.split_whitespace().next()).collect();
    let mut seen = BTreeSet::new();
    // What stands between fences is code.
    let code = readme.split("\n```").skip(1).step_by(2).flat_map(str::lines);
    for line in code.filter_map(|line| line.strip_prefix("fleetdeck ")) {
        let line = line.split('#').next().unwrap();
        let mut words = line.split_whitespace();
        let Some(verb) = words.next().filter(|verb| verbs.contains(verb)) else {
            assert!(["", "maria-k"].contains(&line.trim()), "no verb, and no tenant to open: {line}");
            continue;
        };
        let (known, help) = fleetdeck(&[verb, "--help"]);
        assert!(known, "{verb}");
        for flag in words.filter(|word| word.starts_with("--")) {
            let flag = flag.split('=').next().unwrap();
            assert!(help.contains(flag), "`{verb}` knows no {flag}: {line}");
        }
        seen.insert(verb);
    }
    assert!(seen.len() > 20, "{seen:?}");
}
