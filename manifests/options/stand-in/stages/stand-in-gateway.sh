#!/bin/sh
# Stand-in for OpenClaw's gateway; in the app it is dist/index.js, and gateway.sh starts it as the real one. It
# starts for $STAND_IN_SECONDS, then is ready, logs, and writes a session file that it keeps small.
set -eu
port=${OPENCLAW_GATEWAY_PORT:-18789}
state=${OPENCLAW_STATE_DIR:-/home/node/.openclaw}
run=${STAND_IN_RUN:-/tmp/openclaw}
sessions=$state/agents/main/sessions
version=$(sed -n 's/.*"version": "\([^"]*\)".*/\1/p' package.json)

say() { printf '%s [gateway] %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"; }

mkdir -p "$run"
read -r since _ </proc/uptime
printf '%s %s starting\n' "$version" "${since%.*}" >"$run/state"
say "OpenClaw $version (a stand-in), config $state/openclaw.json"

/bin/sh /stages/stand-in-serve.sh gateway "$port" &
server=$!
# shellcheck disable=SC2317 # the trap calls it
stop() {
	printf '%s %s draining\n' "$version" "${since%.*}" >"$run/state"
	say "draining"
	sleep 1
	kill "$server" 2>/dev/null || :
	say "stopped"
	exit 0
}
trap stop TERM INT

sleep "${STAND_IN_SECONDS:-0}" &
wait $!
mkdir -p "$sessions"
printf '%s %s started\n' "$version" "${since%.*}" >"$run/state"
say "listening on 0.0.0.0:$port"
turn=0
while kill -0 "$server" 2>/dev/null; do
	turn=$((turn + 1))
	say "session main: turn $turn answered"
	printf '{"type":"message","turn":%d,"text":"stand-in"}\n' "$turn" >>"$sessions/main.jsonl" || say "error: the session could not be written"
	if [ $((turn % 1000)) = 0 ]; then tail -n 500 "$sessions/main.jsonl" >"$sessions/main.jsonl.new" && mv "$sessions/main.jsonl.new" "$sessions/main.jsonl"; fi
	sleep 5 &
	wait $! || :
done
say "error: the server is gone"
exit 1
