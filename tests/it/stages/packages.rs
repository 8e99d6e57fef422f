//! rehydrate-runtime-apt, download-cli-tools and setup-sudo, against stand-ins for apt, the network and root.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{Bench, Shell, under_both_shells};

under_both_shells!(
    no_packages_no_work,
    packages_are_brought_once,
    another_list_brings_another_tree,
    a_dead_mirror_keeps_the_last_tree,
    a_name_that_is_gone_does_not_cost_the_others,
    what_is_no_name_is_not_given_to_apt,
    sources_are_https,
    a_tool_is_brought_once,
    a_cut_download_goes_on,
    a_wrong_checksum_is_never_used,
    a_tool_from_an_archive,
    what_is_not_https_is_not_fetched,
    sudo_for_the_node_user,
    installed_packages_are_recorded,
);

pub(crate) const TOOL: &str = "#!/bin/sh\necho hello\n";

/// An apt whose packages are text files; it asks for the folders that a real one does, and knows no package `gone`.
pub(crate) fn with_apt(bench: &mut Bench) {
    bench.write("etc/status", "Package: base\n");
    bench.write("etc/apt/sources.list", "deb http://deb.debian.org/debian bookworm main\n");
    bench.write("etc/apt/sources.list.d/debian.sources", "URIs: http://deb.debian.org/debian-security\n");
    bench.set("APT_LOG", bench.at("apt.log").to_str().unwrap());
    let archives = "$(sed -n 's/^Dir::Cache::archives \"\\(.*\\)\";/\\1/p' \"$APT_CONFIG\")";
    bench.shim(
        "apt-get",
        &format!(
            r#"echo "$*" >>"$APT_LOG"
case "$*" in
*update*) cat "$(sed -n 's/^Dir::Etc::sourceparts "\(.*\)";/\1/p' "$APT_CONFIG")"/* >>"$APT_LOG"; exit 0 ;;
esac
for name; do
    case $name in
    -* | install) ;;
    gone) echo "E: Unable to locate package gone" >&2; exit 100 ;;
    *) echo "program $name" >"{archives}/$name.deb" ;;
    esac
done"#
        ),
    );
    bench.shim("dpkg-deb", r#"mkdir -p "$3/usr/bin" && name=${2##*/} && cp "$2" "$3/usr/bin/${name%.deb}""#);
}

fn no_packages_no_work(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    with_apt(&mut bench);
    bench.run("rehydrate-runtime-apt").done();
    bench.write("config/runtime/apt/packages.list", "# none\n\n");
    bench.run("rehydrate-runtime-apt").done();
    assert!(!bench.exists("apt.log") && !bench.exists("config/runtime/apt/trees"));
}

fn packages_are_brought_once(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    with_apt(&mut bench);
    bench.write("config/runtime/apt/packages.list", "hello # why\nworld=1.0");
    bench.run("rehydrate-runtime-apt").done();
    assert_eq!(bench.list("config/runtime/apt/current/usr/bin"), ["hello", "world=1.0"]);
    assert_eq!(bench.list("config/runtime/apt"), ["current", "packages.list", "trees"]);
    let before = (bench.snapshot("config"), bench.read("apt.log"));
    bench.run("rehydrate-runtime-apt").done();
    assert_eq!(before, (bench.snapshot("config"), bench.read("apt.log")));
}

fn another_list_brings_another_tree(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    with_apt(&mut bench);
    bench.write("config/runtime/apt/packages.list", "hello\nworld\n");
    bench.run("rehydrate-runtime-apt").done();
    bench.write("config/runtime/apt/packages.list", "world\n");
    bench.run("rehydrate-runtime-apt").done();
    assert_eq!(bench.list("config/runtime/apt/current/usr/bin"), ["world"]);
    assert_eq!(bench.list("config/runtime/apt/trees").len(), 1);
    // Another image may bring other libraries.
    bench.write("etc/status", "Package: base\nVersion: 2\n");
    bench.run("rehydrate-runtime-apt").done();
    assert_eq!(bench.list("config/runtime/apt/trees").len(), 1);
    bench.write("config/runtime/apt/packages.list", "");
    bench.run("rehydrate-runtime-apt").done();
    assert!(!bench.exists("config/runtime/apt/current") && bench.list("config/runtime/apt/trees").is_empty());
}

fn a_dead_mirror_keeps_the_last_tree(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    with_apt(&mut bench);
    bench.write("config/runtime/apt/packages.list", "hello\n");
    bench.run("rehydrate-runtime-apt").done();
    bench.write("config/runtime/apt/packages.list", "hello\nworld\n");
    bench.shim("apt-get", "echo 'E: Failed to fetch https://deb.debian.org/debian' >&2; exit 100");
    bench.run("rehydrate-runtime-apt").warned("Failed to fetch").warned("an earlier boot").done();
    assert_eq!(bench.list("config/runtime/apt/current/usr/bin"), ["hello"]);
    // And one that hangs: the call is cut.
    bench.set("STAGE_APT_SECONDS", "1");
    bench.shim("apt-get", "exec sleep 30");
    bench.run("rehydrate-runtime-apt").warned("not done after 1 seconds").done();
    assert_eq!(bench.list("config/runtime/apt/current/usr/bin"), ["hello"]);
}

fn a_name_that_is_gone_does_not_cost_the_others(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    with_apt(&mut bench);
    bench.write("config/runtime/apt/packages.list", "hello\ngone\nworld\n");
    for _ in 0..2 {
        // At every boot anew: it may be back.
        bench.run("rehydrate-runtime-apt").warned("gone").done();
        assert_eq!(bench.list("config/runtime/apt/current/usr/bin"), ["hello", "world"]);
        assert_eq!(bench.list("config/runtime/apt/trees").len(), 1);
    }
}

fn what_is_no_name_is_not_given_to_apt(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    with_apt(&mut bench);
    bench.write("config/runtime/apt/packages.list", "-oDir::Etc=/x\n$(touch x)\n../x\n*\n\u{1b}[2Jx\nhello\n");
    let run = bench.run("rehydrate-runtime-apt").warned("-oDir::Etc=").warned("no package name").done();
    assert!(!run.err.contains('\u{1b}') && !run.message.contains('\u{1b}'), "{run:?}");
    assert_eq!(bench.list("config/runtime/apt/current/usr/bin"), ["hello"]);
    assert!(!bench.read("apt.log").contains("Dir::Etc"));
}

fn sources_are_https(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    with_apt(&mut bench);
    bench.write("config/runtime/apt/packages.list", "hello\n");
    bench.run("rehydrate-runtime-apt").done();
    let log = bench.read("apt.log");
    assert!(
        log.contains("deb https://deb.debian.org/debian bookworm")
            && log.contains("URIs: https://deb.debian.org/debian-security"),
        "{log}"
    );
    assert!(!log.contains("http://"), "{log}");
}

fn arch() -> &'static str {
    std::env::consts::ARCH
}

/// A list with one tool, and a curl that gives it, from where the file given by --output ends.
pub(crate) fn with_tool(bench: &mut Bench) {
    use sha2::Digest;
    let sum: String = sha2::Sha256::digest(TOOL).iter().map(|b| format!("{b:02x}")).collect();
    bench.write("served", TOOL);
    bench.write(
        "source/cli-tools.list",
        &format!(
            "# tools\ngreet {} https://tools.test/greet {sum}\nother sparc https://tools.test/other {sum}\n",
            arch()
        ),
    );
    bench.set("SERVED", bench.at("served").to_str().unwrap());
    bench.set("CURL_LOG", bench.at("curl.log").to_str().unwrap());
    bench.shim(
        "curl",
        r#"echo "$*" >>"$CURL_LOG"
while [ "$1" != --output ]; do shift; done
have=0
[ ! -e "$2" ] || have=$(wc -c <"$2")
tail -c +$((have + 1)) "$SERVED" >>"$2""#,
    );
}

fn a_tool_is_brought_once(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    with_tool(&mut bench);
    let run = bench.run("download-cli-tools").done();
    assert!(run.out.contains("1 tools"), "{run:?}");
    assert_eq!(bench.read("config/runtime/bin/greet"), TOOL);
    assert_eq!(fs::metadata(bench.at("config/runtime/bin/greet")).unwrap().permissions().mode() & 0o111, 0o111);
    let before = (bench.snapshot("config"), bench.read("curl.log"));
    bench.run("download-cli-tools").done();
    assert_eq!(before, (bench.snapshot("config"), bench.read("curl.log")));
}

fn a_cut_download_goes_on(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    with_tool(&mut bench);
    let curl = bench.read("shims/curl");
    bench.shim("curl", "while [ \"$1\" != --output ]; do shift; done; head -c 4 \"$SERVED\" >\"$2\"; echo 'curl: (28) timed out' >&2; exit 28");
    bench.run("download-cli-tools").warned("timed out").done();
    assert!(!bench.exists("config/runtime/bin/greet"));
    // The rest only: were the start fetched again, the checksum would be wrong.
    bench.shim("curl", curl.trim_start_matches("#!/bin/sh\n"));
    bench.run("download-cli-tools").done();
    assert_eq!(bench.read("config/runtime/bin/greet"), TOOL);
    assert_eq!(bench.read("curl.log").lines().count(), 1);
}

fn a_wrong_checksum_is_never_used(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    with_tool(&mut bench);
    bench.run("download-cli-tools").done();
    let list = bench.read("source/cli-tools.list").replace("greet ", "greet2 ");
    bench.write("source/cli-tools.list", &list);
    bench.write("served", "#!/bin/sh\nevil\n");
    bench.run("download-cli-tools").warned("does not have the listed checksum").done();
    assert!(!bench.exists("config/runtime/bin/greet2"));
    assert_eq!(bench.read("config/runtime/bin/greet"), TOOL);
    assert!(bench.list("config/runtime/tools").iter().all(|name| name.starts_with("greet-")));
}

fn a_tool_from_an_archive(shell: Shell) {
    use sha2::Digest;
    let Some(mut bench) = Bench::new(shell) else { return };
    with_tool(&mut bench);
    bench.write("pack/package/bin/rg", TOOL);
    let made = std::process::Command::new("tar")
        .current_dir(bench.at("pack"))
        .args(["-czf", "../served", "package"])
        .status()
        .unwrap();
    assert!(made.success());
    let sum: String =
        sha2::Sha256::digest(fs::read(bench.at("served")).unwrap()).iter().map(|b| format!("{b:02x}")).collect();
    bench.write(
        "source/cli-tools.list",
        &format!(
            "rg {} https://tools.test/rg.tgz {sum} package/bin/rg\nbad {} https://tools.test/x {sum} ../../x\n",
            arch(),
            arch()
        ),
    );
    bench.run("download-cli-tools").warned("a bad name").done();
    assert_eq!(bench.read("config/runtime/bin/rg"), TOOL);
    assert!(!bench.exists("config/runtime/bin/bad"));
}

fn what_is_not_https_is_not_fetched(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    with_tool(&mut bench);
    let list = bench.read("source/cli-tools.list").replace("https:", "http:");
    bench.write("source/cli-tools.list", &list);
    bench.run("download-cli-tools").warned("only https").done();
    assert!(!bench.exists("curl.log"));
}

/// As root, without being it.
pub(crate) fn with_root(bench: &mut Bench) {
    bench.shim("id", "echo 0");
    bench.shim("chown", "exit 0");
    bench.shim("apt-mark", "printf 'base\\n'");
    bench.write("etc/sudoers.d/README", "# the image's own\n");
    bench.write("etc/apt/sources.list", "deb http://deb.debian.org/debian bookworm main\n");
}

fn sudo_for_the_node_user(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    bench.shim("id", "echo 1000");
    bench.run("setup-sudo").failed(78, "as root");
    with_root(&mut bench);
    for _ in 0..2 {
        bench.run("setup-sudo").done();
        assert_eq!(bench.list("system"), ["openclaw", "sudoers.d"]);
        assert_eq!(bench.list("system/sudoers.d"), ["README", "openclaw"]);
        assert!(bench.read("system/sudoers.d/openclaw").contains("#1000 ALL=(ALL:ALL) NOPASSWD: ALL"));
        assert_eq!(fs::metadata(bench.at("system/sudoers.d/openclaw")).unwrap().permissions().mode() & 0o7777, 0o440);
        assert_eq!(fs::metadata(bench.at("system/sudoers.d")).unwrap().permissions().mode() & 0o7777, 0o755);
        assert!(bench.read("system/openclaw/sources.list.d/image.list").contains("https://deb.debian.org"));
        assert_eq!(bench.read("system/openclaw/apt-manual"), "base\n");
    }
    // A rule that the image's sudo refuses would break sudo altogether.
    bench.shim("visudo", "echo 'syntax error' >&2; exit 1");
    bench.run("setup-sudo").warned("syntax error").done();
    assert_eq!(bench.list("system/sudoers.d"), ["README"]);
}

fn installed_packages_are_recorded(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    bench.set("STAGE_SYSTEM", bench.at("system/openclaw").to_str().unwrap());
    bench.write("system/openclaw/apt-manual", "base\n");
    bench.write("config/runtime/apt/packages.list", "hello\n");
    bench.shim("chown", "exit 0");
    bench.shim("apt-mark", "printf 'base\\nhello\\nworld\\n'");
    for _ in 0..2 {
        let run = bench.run("record-apt");
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(bench.read("config/runtime/apt/packages.list"), "hello\nworld\n");
    }
}
