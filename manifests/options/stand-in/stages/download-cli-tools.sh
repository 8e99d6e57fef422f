#!/bin/sh
# Stand-in: a program of the name of each listed tool, and no download.
# shellcheck source=manifests/base/stages/lib.sh
. "${0%/*}/lib.sh"

list=${STAGE_CONFIG_SOURCE:-/config}/cli-tools.list
sleep "${STAND_IN_SECONDS:-0}"
mkdir -p "$runtime/bin"
if [ -s "$list" ]; then
	while read -r name _; do
		case $name in '' | *[!A-Za-z0-9._-]*) continue ;; esac
		printf '#!/bin/sh\necho "%s: a stand-in"\n' "$name" >"$runtime/bin/$name.new"
		chmod 755 "$runtime/bin/$name.new"
		put "$runtime/bin/$name.new" "$runtime/bin/$name"
	done <"$list"
fi
log "done: tools in place (stand-in)"
