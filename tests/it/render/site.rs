//! A site's own tree, which uses every Kustomize feature that the renderer knows: our objects are still Kustomize's.

use super::kustomize::compare_alone;
use super::{base, kubectl, plain};
use fleetdeck::manifest::{Base, overlay};

const EXTRA: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: helper, finalizers: [b.example.com/x]}
spec:
  selector: {matchLabels: {role: helper}}
  template:
    metadata: {labels: {role: helper}}
    spec:
      topologySpreadConstraints:
      - {topologyKey: zone, maxSkew: 1, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {role: helper}}}
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
          - {topologyKey: host, labelSelector: {matchLabels: {role: helper}}}
      containers:
      - name: one
        image: helper:2
        ports: [{containerPort: 80, protocol: TCP}, {containerPort: 81, protocol: TCP}]
        envFrom: [{configMapRef: {name: settings}}]
        env:
        - {name: A, valueFrom: {configMapKeyRef: {name: settings, key: a}}}
        - {name: B, value: "0644"}
      - {name: two, image: "helper@sha256:00"}
      - {name: three, image: "registry.example.com/helper:1"}
      volumes:
      - {name: both, projected: {sources: [{configMap: {name: settings}}, {configMap: {name: openclaw-stages}}]}}
      - {name: mode, configMap: {name: openclaw-config, defaultMode: 0640}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: tidy}
spec:
  schedule: "5 4 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: tidy, image: "docker.io/library/busybox:1.36", command: [sh, -c, "true"]}]
          volumes: [{name: d, persistentVolumeClaim: {claimName: app-data}}, {name: s, configMap: {name: settings}}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: one}
spec: {maxUnavailable: 1, selector: {matchLabels: {app.kubernetes.io/name: openclaw}}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: own}
spec: {secretName: own-tls, dnsNames: [a.example.org, b.example.org], selector: {matchLabels: {a: b}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: doomed}
data: {x: "y"}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: extra}
spec:
  podSelector: {matchLabels: {role: helper}}
  ingress: [{from: [{podSelector: {matchLabels: {role: caller}}}, {podSelector: {}}]}]
"#;

const NESTED: &str = "
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
labels:
- pairs: {site: north}
- {pairs: {layer: helper}, includeTemplates: true}
images:
- {name: helper, newName: registry.example.com/tools/helper, newTag: '7'}
configMapGenerator:
- name: settings
  behavior: merge
  literals: [b=over, 'c=x=y z']
  options: {labels: {from: nested}, annotations: {note: 'yes'}}
- name: plain
  options: {disableNameSuffixHash: true}
  literals: [k=v]
patches:
- patch: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: doomed}
    $patch: delete
- target: {kind: Deployment, name: helper}
  patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: whatever, finalizers: [a.example.com/x], annotations: {on: 'off'}}
    spec:
      replicas: 2
      template:
        spec:
          nodeSelector: {disk: ssd}
          topologySpreadConstraints:
          - {topologyKey: zone, whenUnsatisfiable: DoNotSchedule, maxSkew: 3}
          - {topologyKey: host, whenUnsatisfiable: ScheduleAnyway, maxSkew: 1}
          containers:
          - name: one
            ports: [{containerPort: 81, protocol: TCP, name: web}, {containerPort: 82, protocol: UDP}]
            env: [{name: B, $patch: delete}, {name: C, value: 'null'}]
            command: [run, --fast]
          - {name: two, $patch: delete}
          - {name: four, image: 'docker.io/library/busybox:1.36', securityContext: {runAsUser: 1, runAsGroup: null}}
          volumes:
          - {name: mode, configMap: {defaultMode: 0444}}
          - {name: tmp, emptyDir: {}}
- target: {group: cert-manager.io, version: v1, kind: Certificate}
  patch: |
    apiVersion: cert-manager.io/v1
    kind: Certificate
    metadata: {name: own}
    spec: {dnsNames: [c.example.org], selector: null}
- target: {kind: CronJob}
  patch: |-
    - {op: test, path: /spec/schedule, value: 5 4 * * *}
    - {op: replace, path: /spec/schedule, value: 6 4 * * *}
    - {op: add, path: /metadata/annotations, value: {}}
    - {op: add, path: /metadata/annotations/a~1b, value: '1'}
    - {op: add, path: /spec/jobTemplate/spec/template/spec/containers/0/command/1, value: -e}
    - {op: remove, path: /spec/jobTemplate/spec/template/spec/volumes/0}
";

#[test]
fn every_feature_that_we_know_does_what_it_does_in_kustomize() {
    let Some(kubectl) = kubectl() else { return };
    let spec = plain("maria-k", "pro", &[]);
    let mut files = overlay(&base(), &spec).unwrap();
    files.retain(|(path, _)| path != "kustomization.yaml" && !path.starts_with("patches/"));
    for (path, text) in &mut files {
        match path.as_str() {
            "base/kustomization.yaml" => {
                *text = text.replace("resources:\n", "resources:\n- ../base/extra/\n").replace(
                    "configMapGenerator:\n",
                    "labels:\n- includeSelectors: true\n  pairs: {part-of: site}\nconfigMapGenerator:\n\
                     - {name: settings, literals: [a=1, b=2], files: [renamed.txt=extra/note.txt]}\n",
                );
            }
            "tiers/pro/kustomization.yaml" => text.push_str("components: [nested/]\n"),
            _ => {}
        }
    }
    let mut add = |path: &str, text: &str| files.push((path.to_owned(), text.to_owned()));
    add("base/extra/kustomization.yml", "resources:\n- objects.yaml\n");
    add("base/extra/objects.yaml", EXTRA);
    add("base/extra/note.txt", "# a note\n\n  with <signs> & \"quotes\"\n");
    add("tiers/pro/nested/kustomization.yaml", NESTED);
    let site = Base::load(files.iter().map(|(path, text)| (path.as_str(), text.as_str()))).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let objects = compare_alone(&kubectl, dir.path(), &site, &spec);
    let kinds: Vec<&str> = objects.iter().map(fleetdeck::manifest::Object::kind).collect();
    for kind in ["Deployment", "CronJob", "PodDisruptionBudget", "Certificate"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
}
