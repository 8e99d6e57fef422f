#!/bin/sh
# chrome-cdp: look at and steer the tenant's browser over its DevTools HTTP routes. The stage
# copy-chrome-cdp puts it on the PATH of the gateway; it keeps nothing and needs only curl or node.
set -eu
base=${CHROME_CDP_URL:-http://127.0.0.1:3000}

# ask METHOD ROUTE
ask() {
	if command -v curl >/dev/null 2>&1; then
		curl -sS --fail --max-time 20 -X "$1" "$base$2"
	else
		node -e 'fetch(process.argv[2], { method: process.argv[1], signal: AbortSignal.timeout(20000) }).then(async (r) => {
			process.stdout.write(await r.text()); process.exitCode = r.ok ? 0 : 22 }, (e) => { console.error(String(e.cause ?? e)); process.exitCode = 7 })' \
			"$1" "$base$2"
	fi
	echo
}

case ${1:-} in
version) ask GET /json/version ;;
tabs) ask GET /json/list ;;
load) ask GET /pressure ;;
open) ask PUT "/json/new?${2:?an address to open}" ;;
close) ask GET "/json/close/${2:?the id of a tab}" ;;
*)
	echo "usage: chrome-cdp version | tabs | load | open URL | close ID" >&2
	exit 2
	;;
esac
