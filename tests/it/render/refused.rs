//! What is wrong with a tree or a spec is said with its place, and nothing unknown is ignored.

use super::{base, plain};
use fleetdeck::manifest::{Base, Defaults, ManifestError, TenantDraft, overlay, render};

/// Renders a tenant from the embedded tree with one text exchanged for another in one file.
fn with(file: &str, old: &str, new: &str) -> Result<(), ManifestError> {
    let spec = plain("maria-k", "pro", &[]);
    let mut files = overlay(&base(), &spec)?;
    let (_, text) = files.iter_mut().find(|(path, _)| path == file).unwrap_or_else(|| panic!("no {file}"));
    assert!(text.contains(old), "{file} has no {old:?}");
    *text = text.replacen(old, new, 1);
    let tree = Base::load(files.iter().map(|(path, text)| (path.as_str(), text.as_str())))?;
    render(&tree, &spec).map(|_| ())
}

fn check(file: &str, old: &str, new: &str, expect: &str) {
    let error = with(file, old, new).expect_err(new).to_string();
    assert!(error.contains(expect), "{new:?}\nsays      {error}\nexpected  {expect}");
}

const BASE: &str = "base/kustomization.yaml";
const TIER: &str = "tiers/pro/kustomization.yaml";

/// The line of `base/kustomization.yaml` on which `resources:` stands.
fn line(file: &str, text: &str) -> usize {
    let files = overlay(&base(), &plain("maria-k", "pro", &[])).unwrap();
    let content = &files.iter().find(|(path, _)| path == file).unwrap().1;
    content.lines().position(|line| line == text).unwrap() + 1
}

#[test]
fn kustomize_features_that_the_renderer_does_not_know() {
    let at = line(BASE, "resources:");
    for feature in [
        "commonLabels: {a: b}",
        "commonAnnotations: {a: b}",
        "namePrefix: x-",
        "helmCharts: []",
        "replacements: []",
        "patchesStrategicMerge: []",
        "secretGenerator: []",
        "vars: []",
        "generators: []",
        "openapi: {}",
        "buildMetadata: []",
    ] {
        let name = feature.split(':').next().unwrap();
        let place = format!("{BASE}:{at}: ");
        check(BASE, "resources:\n", &format!("{feature}\nresources:\n"), &place);
        check(BASE, "resources:\n", &format!("{feature}\nresources:\n"), name);
    }
    let name = line(BASE, "- name: openclaw-stages");
    check(
        BASE,
        "- name: openclaw-stages\n",
        "- name: openclaw-stages\n  envs: [a]\n",
        &format!("{BASE}:{}: ", name + 1),
    );
    let patch = line(TIER, "- path: resourcequota-tenant.yaml");
    let target = "- path: resourcequota-tenant.yaml\n  target: {labelSelector: a=b}\n";
    check(TIER, "- path: resourcequota-tenant.yaml\n", target, &format!("{TIER}:{}: ", patch + 1));
    let target = "- path: resourcequota-tenant.yaml\n  target: {kind: ResourceQuota, name: ten.*}\n";
    check(
        TIER,
        "- path: resourcequota-tenant.yaml\n",
        target,
        &format!("{TIER}:{patch}: target \"ten.*\": Kustomize would read '*'"),
    );
    let option = "- path: resourcequota-tenant.yaml\n  options: {allowKindChange: true}\n";
    check(TIER, "- path: resourcequota-tenant.yaml\n", option, "allowKindChange");
}

#[test]
fn what_a_tree_lists_and_does_not_have() {
    let at = line(BASE, "- namespace.yaml");
    check(
        BASE,
        "- namespace.yaml\n",
        "- namespaces.yaml\n",
        &format!("{BASE}:{at}: base/namespaces.yaml is not in the manifest tree"),
    );
    check(
        BASE,
        "- namespace.yaml\n",
        "- ../../x.yaml\n",
        &format!("{BASE}:{at}: ../../x.yaml leads out of the manifest tree"),
    );
    check(
        BASE,
        "- namespace.yaml\n",
        "- https://example.com/x.yaml\n",
        &format!("{BASE}:{at}: https://example.com/x.yaml: the renderer loads nothing"),
    );
    check(BASE, "- namespace.yaml\n", "- ../base\n", "base includes itself");
    check(BASE, "- namespace.yaml\n", "- ../tiers/pro\n", "tiers/pro is a Component; list it under `components`");
    check(
        BASE,
        "- namespace.yaml\n",
        "- namespace.yaml\n- namespace.yaml\n",
        "Namespace tenant is already given at base/namespace.yaml:3",
    );
    check(BASE, "- namespace.yaml\n", "", "the base needs exactly one Namespace");
    check(BASE, "- ingress.yaml\n", "", "the base has no Ingress openclaw");
    check(
        BASE,
        "  - stages/lib.sh\n",
        "  - stages/lob.sh\n",
        &format!("{BASE}:{}: stages/lob.sh is not", line(BASE, "  - stages/lib.sh")),
    );
    check(
        TIER,
        "- path: resourcequota-tenant.yaml\n",
        "- path: nothing.yaml\n",
        "nothing.yaml is not in the manifest tree",
    );
}

#[test]
fn objects_that_are_no_objects_of_a_tenant() {
    let check = |old: &str, new: &str, expect: &str| check("base/service.yaml", old, new, expect);
    check("kind: Service", "kind: Secret", "base/service.yaml:2: a Secret is never kept in a file");
    check("kind: Service", "kind: ClusterRole", "base/service.yaml:2: kind ClusterRole is not known");
    check("apiVersion: v1", "apiVersion: apps/v1", "base/service.yaml:2: kind Service is not known");
    check("  name: openclaw", "  named: openclaw", "base/service.yaml:2: this object has no metadata.name");
    check("  type: ClusterIP", "  type: ~", "base/service.yaml:2: spec.type is null");
    check("  type: ClusterIP", "  type: [", "base/service.yaml:");
    check(
        "  type: ClusterIP",
        "  type: ClusterIP\n  type: ClusterIP",
        "base/service.yaml:8: duplicate mapping key: type",
    );
    check("  type: ClusterIP", "  type: !x ClusterIP", "base/service.yaml:7: ");
}

#[test]
fn patches_that_do_not_fit() {
    let check = |old: &str, new: &str, expect: &str| check("tiers/pro/resourcequota-tenant.yaml", old, new, expect);
    let at = "tiers/pro/resourcequota-tenant.yaml:1: ";
    check("  name: tenant", "  name: tenants", &format!("{at}there is no ResourceQuota tenants of v1 to patch"));
    check(
        "  hard:",
        "  hard: 1\n  soft:",
        &format!("{at}ResourceQuota patch, spec.hard: the object has a mapping there, the patch a plain value"),
    );
    check(
        "spec:",
        "spec:\n  $setElementOrder/x: []",
        &format!("{at}ResourceQuota patch, spec: the directive $setElementOrder/x is not one"),
    );
    check("spec:", "spec:\n  $patch: join", "merge, replace or delete");
    check("kind: ResourceQuota", "kind: ResourceQuota\n---\na: b", "a patch is one document, this has 2");
}

#[test]
fn a_base_without_a_place_for_what_the_spec_sets() {
    let missing = "NetworkPolicy tenant of the base has no namespace \"control.invalid\"";
    check("base/networkpolicy.yaml", "name: control.invalid", "name: bots", missing);
    let missing = "ConfigMap openclaw-config of the base has no key set.models.providers.litellm.baseUrl";
    check("base/configmap.yaml", "  set.models.providers.litellm.baseUrl:", "  models.baseUrl:", missing);
    check(
        "base/statefulset.yaml",
        "          image: browser\n",
        "          image: chrome\n",
        "StatefulSet openclaw, container browser: \"chrome\" is pinned to nothing",
    );
}

#[test]
fn specs_name_every_field_that_is_wrong() {
    let draft = TenantDraft {
        id: "Maria".to_owned(),
        tier: "pro".to_owned(),
        image: "2026.8.2".to_owned(),
        host: Some("*.example.com".to_owned()),
        app_size_gi: Some(5),
        config_claim: Some("app-data".to_owned()),
        labels: [("openclaw.ai/tier".to_owned(), "max".to_owned()), ("5".to_owned(), "x".to_owned())].into(),
        ..TenantDraft::default()
    };
    let ManifestError::Spec(errors) = draft.resolve(&Defaults::default()).unwrap_err() else { panic!("a spec error") };
    let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
    let expected = [
        "id",
        "host",
        "volumes.app.sizeGi",
        "volumes.config.name",
        "volumes.config.name",
        "labels.5",
        "labels.openclaw.ai/tier",
    ];
    assert_eq!(fields, expected, "{errors:#?}");
    let missing =
        TenantDraft { id: "a".to_owned(), tier: "pro".to_owned(), image: "x:1".to_owned(), ..TenantDraft::default() };
    let error = missing.resolve(&Defaults::default()).unwrap_err().to_string();
    assert_eq!(error, "host: give a host, or set the fleet's `domain` in the config file");
    let worse =
        TenantDraft { id: "A_b".to_owned(), tier: "pro".to_owned(), image: "x:1".to_owned(), ..TenantDraft::default() };
    let error = worse.resolve(&Defaults::default()).unwrap_err().to_string();
    assert!(error.contains("id: ") && error.contains("A_b") && error.contains("host: give a host"), "{error}");
}

#[test]
fn tiers_and_options_are_those_of_the_base() {
    let mut spec = plain("maria-k", "pro", &[]);
    spec.tier = "gold".to_owned();
    assert_eq!(render(&base(), &spec).unwrap_err().to_string(), "tier: the base has no \"gold\"; it has max, pro");
    let mut spec = plain("maria-k", "pro", &[]);
    spec.options = ["turbo".to_owned()].into();
    assert_eq!(render(&base(), &spec).unwrap_err().to_string(), "options: the base has no \"turbo\"; it has stand-in");
}
