#!/bin/sh
# The gateway's own start: the release that seed-app switched to, run by the image's node. The PATH that the
# gateway gives to its tools begins with folders that the tenant writes; nothing here may come from them.
wide_path=$PATH
PATH=${STAGE_PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
# shellcheck source=manifests/base/stages/lib.sh
. "${0%/*}/lib.sh"

app=${STAGE_APP:-/app}
if [ ! -d "$app/current/dist" ]; then fail 65 "there is no app in $app/current: did seed-app run on this volume?"; fi
if [ -z "${OPENCLAW_GATEWAY_TOKEN:-}" ]; then fail 78 "the Secret gateway-token has an empty token: the gateway must not listen without one"; fi
if [ -z "${LITELLM_API_KEY:-}" ]; then
	# openclaw.json names it, and the gateway does not start with a name that it cannot resolve.
	warn "there is no key for the models (Secret litellm, key api-key): the gateway starts, its models will not answer"
	export LITELLM_API_KEY=not-configured
fi
node=$(command -v "${STAGE_NODE:-node}") || fail 65 "the image has no node"
cd "$app/current"
log "starting $(link_target "$app/current")"
PATH=$wide_path exec "$node" dist/index.js gateway --bind lan --port "${OPENCLAW_GATEWAY_PORT:-18789}"
