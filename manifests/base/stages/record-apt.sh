#!/bin/sh
# Run by apt in the gateway, as root, after it changed something (see setup-sudo.sh): packages that somebody
# asked for by name go on the list of rehydrate-runtime-apt, so that the next boot brings them back. Taking
# one off again is done by editing the list.
set -eu
system=${STAGE_SYSTEM:-/etc/openclaw}
list=${STAGE_CONFIG_VOLUME:-/home/node/.openclaw}/runtime/apt/packages.list

new=$(
	apt-mark showmanual | sort | while read -r name; do
		grep -qxF "$name" "$system/apt-manual" || grep -qxF "$name" "$list" 2>/dev/null || printf '%s\n' "$name"
	done
)
if [ -n "$new" ]; then
	{
		if [ -e "$list" ]; then cat "$list"; fi
		printf '%s\n' "$new"
	} >"$list.new"
	chown 1000:1000 "$list.new"
	mv -f "$list.new" "$list"
	printf 'These come back after a restart: %s\n' "$(printf '%s' "$new" | tr '\n' ' ')"
fi
