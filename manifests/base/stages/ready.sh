#!/bin/sh
# The gateway's readiness probe, from inside the pod: a caller on loopback without proxy headers gets the
# full answer on every version, where the kubelet, a remote caller, may get 403. It asks
#
#   /startupz   the right question (may this pod get traffic?), but older versions do not know it and answer
#               with the UI's page and status 200: only JSON counts
#   /readyz     turns 503 when one chat channel is down, which must not take the whole tenant out of its
#               Service: only what concerns the gateway itself counts
#   /healthz    for versions that know neither
#
# The first success of a release is written down for seed-app, which then may remove the release before.
set -u
PATH=${STAGE_PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin} # nothing of the tenant's
unset LD_LIBRARY_PATH NODE_OPTIONS
port=${OPENCLAW_GATEWAY_PORT:-18789}
app=${STAGE_APP:-/app}
marks=${STAGE_CONFIG_VOLUME:-/home/node/.openclaw}/.stages

# The raw answer, headers and all.
ask() {
	if command -v curl >/dev/null 2>&1; then
		curl -si --max-time 3 "http://127.0.0.1:$port$1"
	elif command -v node >/dev/null 2>&1; then
		# shellcheck disable=SC2016 # it is JavaScript
		node -e 'fetch(process.argv[1], { redirect: "manual", signal: AbortSignal.timeout(3000) }).then(async (r) =>
			process.stdout.write(`HTTP/1.1 ${r.status}\r\nContent-Type: ${r.headers.get("content-type")}\r\n\r\n${await r.text()}`), () => process.exit(7))' "http://127.0.0.1:$port$1"
	else
		printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$1" | timeout 3 nc 127.0.0.1 "$port"
	fi
}

# Sets status, and body to the answer if it is JSON, else to nothing.
status=
body=
look() {
	answer=$(ask "$1") || :
	status=${answer#HTTP/* }
	status=$(printf '%.3s' "$status")
	body=
	case ${answer%%"$blank_line"*} in *[Cc]"ontent-"[Tt]"ype: application/json"*) body=${answer#*"$blank_line"} ;; esac
}
cr=$(printf '\r')
blank_line="$cr
$cr
"

ready() {
	release=$(readlink "$app/current") || exit 0
	was=
	if [ -s "$marks/ready" ]; then read -r was <"$marks/ready" || :; fi
	if [ "$was" != "${release##*/}" ]; then
		# A full volume must not make the gateway unready.
		{ printf '%s\n' "${release##*/}" >"$marks/ready.new" && mv -f "$marks/ready.new" "$marks/ready"; } 2>/dev/null || rm -f "$marks/ready.new"
	fi
	exit 0
}

not_ready() {
	printf 'not ready: %s %s: %.300s\n' "$1" "${status:-no answer}" "$body"
	exit 1
}

look /startupz
case $status-$body in
200-?*) ready ;;
503-?*) not_ready /startupz ;;
esac
look /readyz
case $status-$body in
200-?*) ready ;;
503-?*)
	case $body in
	*'"startup-sidecars"'* | *'"gateway-draining"'* | *'"internal"'*) not_ready /readyz ;;
	*'"failing":['*) ready ;; # the rest are channels
	esac
	not_ready /readyz
	;;
esac
look /healthz
case $status-$body in
200-?*) ready ;;
esac
not_ready /healthz
