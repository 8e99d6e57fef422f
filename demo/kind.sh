#!/usr/bin/env bash
# kind.sh up [--metrics-server] [--ingress]: makes the cluster of kind.yaml, or goes on with one that is there.
# kind.sh down: removes it, with everything in it.
# The two options fetch a manifest each from GitHub.
set -euo pipefail

name=fleetdeck-demo
context=kind-$name
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
metrics_server=https://github.com/kubernetes-sigs/metrics-server/releases/download/v0.8.1/components.yaml
ingress=https://raw.githubusercontent.com/projectcontour/contour/v1.33.1/examples/render/contour.yaml

# What kind's nodes are containers of.
runtime=

say() { printf '%s\n' "$*" >&2; }
fail() { # exit code, words...
  local code=$1
  shift
  say "kind.sh: $*"
  exit "$code"
}
usage() { fail 2 "use: kind.sh up [--metrics-server] [--ingress] | down"; }

# Everything that is missing is said at once.
tools() {
  local missing=()
  command -v kind >/dev/null || missing+=("kind: https://kind.sigs.k8s.io/docs/user/quick-start/#installation, or go install sigs.k8s.io/kind@latest")
  # What makes nothing needs no client.
  [ "$1" = down ] || command -v kubectl >/dev/null || missing+=("kubectl: https://kubernetes.io/docs/tasks/tools/")
  local candidate
  for candidate in "${KIND_EXPERIMENTAL_PROVIDER:-docker}" docker podman nerdctl; do
    command -v "$candidate" >/dev/null || continue
    runtime=$candidate
    break
  done
  if [ -z "$runtime" ]; then
    missing+=("docker (or podman, nerdctl): https://docs.docker.com/engine/install/")
  elif ! "$runtime" info >/dev/null 2>&1; then
    missing+=("$runtime does not answer: start it, and see that this user may speak to it ($runtime info)")
  elif [ "$runtime" != docker ]; then
    export KIND_EXPERIMENTAL_PROVIDER=$runtime
  fi
  [ ${#missing[@]} -eq 0 ] && return
  say "kind.sh: this is missing:"
  local line
  for line in "${missing[@]}"; do say "  $line"; done
  exit 1
}

is_there() {
  local clusters line
  clusters=$(kind get clusters) || fail 1 "kind can't tell which clusters there are"
  while read -r line; do
    [ "$line" != "$name" ] || return 0
  done <<<"$clusters"
  return 1
}

on() { kubectl --context "$context" "$@"; }

up() {
  local with_metrics=false with_ingress=false
  while [ $# -gt 0 ]; do
    case $1 in
      --metrics-server) with_metrics=true ;;
      --ingress) with_ingress=true ;;
      *) usage ;;
    esac
    shift
  done
  tools up
  if is_there; then
    say "cluster $name is there already; going on with it"
    # A context that was removed or renamed comes back.
    kind export kubeconfig --name "$name"
  else
    kind create cluster --config "$here/kind.yaml" --wait 3m ||
      fail 1 "kind could not make the cluster; 'kind.sh down' removes what is left of it"
  fi
  on wait node --all --for condition=Ready --timeout 3m >/dev/null ||
    fail 1 "not every node is Ready after three minutes: kubectl --context $context describe nodes"
  if $with_metrics; then
    on apply -f "$metrics_server" || fail 1 "metrics-server could not be applied"
    # kind's kubelets have certificates of their own.
    on -n kube-system patch deployment metrics-server --type strategic -p \
      '{"spec":{"template":{"spec":{"containers":[{"name":"metrics-server","args":["--cert-dir=/tmp","--secure-port=10250","--kubelet-preferred-address-types=InternalIP","--kubelet-use-node-status-port","--metric-resolution=15s","--kubelet-insecure-tls"]}]}}}}'
    on -n kube-system rollout status deployment metrics-server --timeout 3m
  fi
  if $with_ingress; then
    on apply -f "$ingress" || fail 1 "the ingress controller (Contour) could not be applied"
    # Its proxy goes where this machine's port leads.
    on -n projectcontour patch daemonset envoy --type strategic -p \
      '{"spec":{"template":{"spec":{"nodeSelector":{"ingress-ready":"true"},"tolerations":[{"key":"node-role.kubernetes.io/control-plane","operator":"Exists","effect":"NoSchedule"}]}}}}'
    on -n projectcontour rollout status daemonset envoy --timeout 3m
    # Contour takes Ingresses of this class without the object; whoever looks before a tenant is made wants to see it.
    on apply -f - <<'END'
{"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "contour"}, "spec": {"controller": "projectcontour.io/contour"}}
END
    local at
    at=$("$runtime" port "$name-control-plane" 80/tcp) || fail 1 "$runtime can't tell which port leads to the ingress controller"
    at=${at%%$'\n'*}
    say "ready: fleetdeck --config ${here}/kind-ingress.toml demo --context $context"
    say "then, without TLS, which wants a certificate: curl -H 'Host: alma.demo.example' http://$at/healthz"
    return
  fi
  say "ready: fleetdeck demo --context $context"
}

down() {
  [ $# -eq 0 ] || usage
  tools down
  if ! is_there; then
    say "there is no cluster $name"
    return
  fi
  kind delete cluster --name "$name"
  ! is_there || fail 1 "cluster $name is still there"
  say "cluster $name is gone"
}

[ $# -gt 0 ] || usage
verb=$1
shift
case $verb in
  up) up "$@" ;;
  down) down "$@" ;;
  *) usage ;;
esac
