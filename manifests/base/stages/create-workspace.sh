#!/bin/sh
# The folders on the config volume that the gateway, the browser and the later stages expect. What is
# there is never touched: neither content nor modes, which are the tenant's.
# shellcheck source=manifests/base/stages/lib.sh
. "${0%/*}/lib.sh"

source=${STAGE_CONFIG_SOURCE:-/config}

if [ ! -d "$config_volume" ]; then fail 78 "there is no config volume at $config_volume"; fi

made=
# make MODE PATH
make() {
	if [ -d "$2" ]; then return 0; fi
	if [ -e "$2" ] || [ -L "$2" ]; then
		fail 65 "$2 is in the way: a folder is wanted there. Rename it, then restart the pod."
	fi
	if ! said=$(mkdir -m "$1" "$2" 2>&1); then fail_writing "making $2" "$said"; fi
	made="$made ${2##*/}"
}

make 755 "$marks"
make 755 "$runtime"
make 755 "$runtime/bin"
make 755 "$runtime/apt"
make 700 "$config_volume/home"
# The browser runs as another user of the volume's group.
make 2770 "$config_volume/browser"

# The workspace appears complete or not at all, so that a file its owner deletes does not come back.
workspace=$config_volume/workspace
if [ ! -e "$workspace" ] && [ ! -L "$workspace" ]; then
	new=$config_volume/.workspace.new
	rm -rf "$new"
	make 755 "$new"
	if [ -s "$source/AGENTS.md" ] && ! said=$(cp "$source/AGENTS.md" "$new/AGENTS.md" 2>&1); then
		rm -rf "$new"
		fail_writing "writing AGENTS.md" "$said"
	fi
	put "$new" "$workspace"
elif [ ! -d "$workspace" ]; then
	fail 65 "$workspace is in the way: a folder is wanted there. Rename it, then restart the pod."
fi
log "done:${made:- nothing to make}"
