#!/bin/sh
# The chrome-cdp helper onto the config volume, where the gateway's PATH finds it. A fleet whose image
# brings a helper of its own points STAGE_CDP_SOURCE at it.
# shellcheck source=manifests/base/stages/lib.sh
. "${0%/*}/lib.sh"

source=${STAGE_CDP_SOURCE:-${0%/*}/chrome-cdp.sh}
dest=$runtime/bin/chrome-cdp

if [ ! -s "$source" ]; then fail 65 "there is no helper at $source"; fi
if cmp -s "$source" "$dest"; then
	log "done: the helper is there already"
	exit 0
fi
# The agent can still reach its browser without the helper: not worth a tenant's boot.
if ! said=$({ mkdir -p "$runtime/bin" && cp "$source" "$dest.new" && chmod 755 "$dest.new" && put "$dest.new" "$dest"; } 2>&1); then
	rm -f "$dest.new"
	warn "the helper could not be written: $said"
	log "done: without it"
	exit 0
fi
log "done: put the helper on the volume"
