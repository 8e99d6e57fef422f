#!/bin/sh
# One HTTP request from standard input, its answer to standard output.
set -u
role=$1
run=${STAND_IN_RUN:-/tmp/openclaw}

answer() { # STATUS TYPE BODY
	printf 'HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n' "$1" "$2" "${#3}"
	if [ "$method" != HEAD ]; then printf '%s' "$3"; fi
	exit 0
}
json() { answer "$1" 'application/json; charset=utf-8' "$2"; }
page() { answer '200 OK' 'text/html; charset=utf-8' "<!doctype html><title>$1</title><p>A stand-in.</p>"; }

read -r method path _ || exit 0
while read -r line; do
	case $line in '' | "$(printf '\r')") break ;; esac
done
path=${path%%\?*}

gateway() {
	version=unknown since=0 status=starting
	if [ -s "$run/state" ]; then read -r version since status <"$run/state"; fi
	read -r now _ </proc/uptime
	uptime=$(((${now%.*} - since) * 1000))
	case $path in
	/health | /healthz | /ready | /readyz | /startup | /startupz)
		case $method in GET | HEAD) ;; *) answer '405 Method Not Allowed' text/plain 'Method Not Allowed' ;; esac
		;;
	esac
	case $path in
	/health | /healthz) json '200 OK' '{"ok":true,"status":"live"}' ;;
	/startup | /startupz)
		if [ "$status" = started ]; then json '200 OK' "{\"ok\":true,\"status\":\"started\",\"version\":\"$version\",\"uptimeMs\":$uptime}"; fi
		json '503 Service Unavailable' "{\"ok\":false,\"status\":\"$status\",\"version\":\"$version\",\"uptimeMs\":$uptime}"
		;;
	/ready | /readyz)
		case $status in
		started) json '200 OK' "{\"ready\":true,\"failing\":[],\"uptimeMs\":$uptime}" ;;
		draining) json '503 Service Unavailable' "{\"ready\":false,\"failing\":[\"gateway-draining\"],\"uptimeMs\":$uptime}" ;;
		esac
		json '503 Service Unavailable' "{\"ready\":false,\"failing\":[\"startup-sidecars\"],\"uptimeMs\":$uptime}"
		;;
	esac
	# As the real one does for any other path.
	page "OpenClaw $version"
}

browser() {
	case $path in
	/json/version) json '200 OK' '{"Browser":"HeadlessChrome/140.0.0.0","Protocol-Version":"1.3","User-Agent":"stand-in","webSocketDebuggerUrl":"ws://127.0.0.1:3000/devtools/browser/stand-in"}' ;;
	/json | /json/list | /sessions) json '200 OK' '[]' ;;
	/pressure) json '200 OK' '{"pressure":{"cpu":1,"isAvailable":true,"maxConcurrent":5,"maxQueued":10,"memory":1,"message":"","queued":0,"reason":"","recentlyRejected":0,"running":0}}' ;;
	esac
	json '404 Not Found' '{"error":"not found"}'
}

case $role in
gateway) gateway ;;
browser) browser ;;
*) page "The tenant's browser" ;;
esac
