//! What is delivered beside the source: the container image, the release checklist's words, and `manifests/in-cluster`.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::{controlplane::ControlPlane, skip};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn in_cluster(kubectl: &Path) -> String {
    let folder = root().join("manifests/in-cluster");
    let output = Command::new(kubectl).arg("kustomize").arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", words(&output.stderr));
    words(&output.stdout)
}

fn documents(yaml: &str) -> Vec<Value> {
    yaml.split("\n---\n").map(|text| serde_saphyr::from_str::<Value>(text).unwrap()).collect()
}

#[test]
fn pods_in_the_cluster_hold_no_more_than_a_reader_s_rights_and_write_nothing() {
    let Some(kubectl) = skip::kubectl("manifests/in-cluster is not rendered") else { return };
    let all = documents(&in_cluster(&kubectl));
    let of = |kind: &str| all.iter().filter(|o| o["kind"] == kind).collect::<Vec<_>>();
    let bound = of("ClusterRoleBinding");
    assert_eq!(bound.len(), 1);
    assert_eq!(bound[0]["roleRef"]["name"], "fleetdeck-reader");
    assert!(of("ClusterRole").iter().any(|role| role["metadata"]["name"] == "fleetdeck-reader"), "it brings the role");
    let account = &of("ServiceAccount")[0]["metadata"];
    assert_eq!(bound[0]["subjects"][0]["name"], account["name"]);
    assert_eq!(
        (&bound[0]["subjects"][0]["namespace"], &account["namespace"]),
        (&"fleetdeck".into(), &"fleetdeck".into())
    );
    assert!(of("RoleBinding").is_empty(), "runs are nobody's there");

    let version = env!("CARGO_PKG_VERSION");
    let config = &of("ConfigMap")[0];
    let workloads = [of("Deployment"), of("CronJob")].concat();
    assert_eq!(workloads.len(), 2);
    for workload in workloads {
        let template = workload.pointer("/spec/jobTemplate/spec/template").unwrap_or(&workload["spec"]["template"]);
        let pod = &template["spec"];
        assert_eq!(pod["serviceAccountName"], account["name"]);
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        // Nothing is mounted but its configuration, under a name that changes with what is in it.
        assert_eq!(pod["volumes"].as_array().unwrap().len(), 1);
        assert_eq!(pod["volumes"][0]["configMap"]["name"], config["metadata"]["name"]);
        let container = &pod["containers"][0];
        assert_eq!(container["image"], format!("ghcr.io/fleetdeck/fleetdeck:{version}"));
        assert_eq!(container["env"][0]["value"], "/etc/fleetdeck/config.toml");
        let context = &container["securityContext"];
        assert_eq!(context["readOnlyRootFilesystem"], true);
        assert_eq!(context["allowPrivilegeEscalation"], false);
        assert_eq!(context["capabilities"]["drop"][0], "ALL");
        // What it runs is a verb that the program knows.
        let arguments: Vec<&str> = container["args"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
        let help = Command::new(env!("CARGO_BIN_EXE_fleetdeck")).args(&arguments).arg("--help").output().unwrap();
        assert!(help.status.success(), "{arguments:?}: {}", words(&help.stderr));
    }
}

/// What is shipped for the pods is a configuration, and so is what its comment proposes.
#[test]
fn the_pods_configuration_is_one_that_the_program_reads() {
    let text = fs::read_to_string(root().join("manifests/in-cluster/config.toml")).unwrap();
    let (_, proposed) = text.split_once("wants these:").unwrap();
    let proposed: String = proposed.lines().map(|line| line.trim_start_matches(['#', ' ']).to_owned() + "\n").collect();
    assert!(proposed.contains("[labels]"), "{proposed}");
    let home = tempfile::tempdir().unwrap();
    for config in [&text, &proposed] {
        let file = home.path().join("config.toml");
        fs::write(&file, config).unwrap();
        let mut show = Command::new(env!("CARGO_BIN_EXE_fleetdeck"));
        show.env_clear().env("HOME", home.path()).args(["config", "show", "--config"]).arg(&file);
        let shown = show.output().unwrap();
        assert!(shown.status.success(), "{}", words(&shown.stderr));
    }
}

#[test]
fn on_control_plane_the_server_takes_it_under_its_strictest_pod_security() {
    let Some(plane) = ControlPlane::shared() else { return };
    let run = |arguments: &[&str], input: &str| {
        let mut child = Command::new(plane.kubectl())
            .args(["--kubeconfig".as_ref(), plane.kubeconfig_path().as_os_str()])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = words(&output.stderr);
        // A pod that the strictest level would refuse is a warning on its workload.
        assert!(output.status.success() && !said.contains("Warning"), "kubectl {arguments:?}: {said}");
        words(&output.stdout)
    };
    // A namespace of the test's own: others want `fleetdeck` as it is.
    let name = "in-cluster-dry";
    run(&["create", "namespace", name], "");
    run(&["label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted"], "");
    run(&["label", "namespace", name, "pod-security.kubernetes.io/warn=restricted"], "");
    let yaml = in_cluster(&plane.kubectl());
    let count = documents(&yaml).len();
    let yaml = yaml.replace("namespace: fleetdeck\n", &format!("namespace: {name}\n"));
    let said = run(&["apply", "--server-side", "--validate=strict", "--dry-run=server", "-f", "-"], &yaml);
    assert_eq!(said.matches("serverside-applied (server dry run)").count(), count, "{said}");
    run(&["delete", "namespace", name, "--wait=false"], "");
}

fn image(arguments: &[&str]) -> Output {
    Command::new("python3").arg(root().join(".ci/delivery/image.py")).args(arguments).output().unwrap()
}

fn make(folder: &Path, name: &str) -> PathBuf {
    let at = |name: &str| folder.join(name).display().to_string();
    fs::write(folder.join("binary"), b"#!/bin/none\n").unwrap();
    fs::write(folder.join("certificates"), b"-----BEGIN CERTIFICATE-----\n").unwrap();
    let (binary, certificates, out) = (at("binary"), at("certificates"), at(name));
    let made = image(&[
        "make",
        "--binary",
        &binary,
        "--certificates",
        &certificates,
        "--version",
        "1.2.3",
        "--commit",
        "0123456789ab",
        "--epoch",
        "1700000000",
        "--arch",
        "amd64",
        "--name",
        "example.com/fleetdeck",
        &out,
    ]);
    assert!(made.status.success(), "{}", words(&made.stderr));
    out.into()
}

#[test]
fn the_image_is_an_oci_layout_of_one_layer_and_nobody_s_user() {
    if Command::new("python3").arg("--version").output().is_err() {
        return skip::without("python3", "the container image is not made");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = make(folder.path(), "image.tar");
    assert_eq!(fs::read(&file).unwrap(), fs::read(make(folder.path(), "again.tar")).unwrap(), "the same bytes again");
    let check = |file: &Path| image(&["check", &file.display().to_string()]);
    assert!(check(&file).status.success());

    // Read by another hand, as the specification has it.
    let unpacked = folder.path().join("layout");
    fs::create_dir(&unpacked).unwrap();
    let tar = |file: &Path, into: &Path| {
        let done = Command::new("tar").arg("-xf").arg(file).arg("-C").arg(into).status().unwrap();
        assert!(done.success());
    };
    tar(&file, &unpacked);
    let json = |path: PathBuf| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let blob = |descriptor: &Value| {
        let path = unpacked.join("blobs").join(descriptor["digest"].as_str().unwrap().replace(':', "/"));
        assert_eq!(fs::metadata(&path).unwrap().len(), descriptor["size"].as_u64().unwrap());
        path
    };
    assert_eq!(json(unpacked.join("oci-layout"))["imageLayoutVersion"], "1.0.0");
    let entry = json(unpacked.join("index.json"))["manifests"][0].clone();
    assert_eq!(entry["annotations"]["io.containerd.image.name"], "example.com/fleetdeck:1.2.3");
    let manifest = json(blob(&entry));
    let config = json(blob(&manifest["config"]));
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["config"]["Entrypoint"][0], "/fleetdeck");
    let layer = folder.path().join("layer");
    fs::create_dir(&layer).unwrap();
    tar(&blob(&manifest["layers"][0]), &layer);
    for name in ["fleetdeck", "etc/ssl/certs/ca-certificates.crt", "etc/passwd", "tmp"] {
        assert!(layer.join(name).exists(), "{name}");
    }

    // A byte that is not what its digest says.
    let mut bytes = fs::read(&file).unwrap();
    let place = bytes.windows(11).position(|w| w == b"65532:65532").unwrap();
    bytes[place] = b'7';
    let broken = folder.path().join("broken.tar");
    fs::write(&broken, bytes).unwrap();
    let refused = check(&broken);
    assert!(!refused.status.success() && words(&refused.stderr).contains("digest"), "{}", words(&refused.stderr));
}

#[test]
fn version_changelog_lock_file_and_manifests_agree() {
    let run = |folder: &Path| {
        let output =
            Command::new("bash").arg(folder.join(".ci/release")).args(["--rehearse", "agree"]).output().unwrap();
        (output.status.code().unwrap(), words(&output.stdout) + &words(&output.stderr))
    };
    if !root().join(".git").exists() {
        return skip::without("git repository", "the release checklist has no commit to speak of");
    }
    let (code, said) = run(root());
    assert!(code == 0 && said.contains(env!("CARGO_PKG_VERSION")), "{said}");
}
