#!/bin/sh
# Stand-in: reads the tenant's package list and makes a program for each, where the real stage would leave it.
# shellcheck source=manifests/base/stages/lib.sh
. "${0%/*}/lib.sh"

bin=$runtime/apt/trees/stand-in/usr/bin
sleep "${STAND_IN_SECONDS:-0}"
mkdir -p "$bin"
count=0
if [ -s "$runtime/apt/packages.list" ]; then
	while read -r name _; do
		case $name in '' | *[!a-z0-9.+-]*) continue ;; esac
		printf '#!/bin/sh\necho "%s: a stand-in"\n' "$name" >"$bin/$name"
		chmod 755 "$bin/$name"
		count=$((count + 1))
	done <"$runtime/apt/packages.list"
fi
point "$runtime/apt/current" trees/stand-in
log "done: $count packages (stand-in)"
