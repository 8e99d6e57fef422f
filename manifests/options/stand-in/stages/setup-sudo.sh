#!/bin/sh
# Stand-in: the folders that the gateway mounts, and no sudo.
# shellcheck source=manifests/base/stages/lib.sh
. "${0%/*}/lib.sh"

system=${STAGE_SYSTEM_VOLUME:-/mnt/system}
sleep "${STAND_IN_SECONDS:-0}"
mkdir -p "$system/sudoers.d" "$system/openclaw"
log "done: no sudo (stand-in)"
