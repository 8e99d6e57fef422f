#!/bin/sh
# openclaw.json on the config volume. It is the tenant's own file: it is seeded once from the ConfigMap,
# and later only the values that the fleet manages (the ConfigMap's keys named set.<path>) are put into
# its text; comments, order and everything else stay as they are. The gateway, its UI and the tenant
# write the same file between boots.
# No secret is written: keys stay ${NAME}, which the gateway reads from its environment.
# shellcheck source=manifests/base/stages/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=manifests/base/stages/json5.sh
. "${0%/*}/json5.sh"

source=${STAGE_CONFIG_SOURCE:-/config}
file=$config_volume/openclaw.json
# A tenant may keep the file elsewhere on the volume: write there, do not replace their link.
if [ -L "$file" ]; then file=$(readlink -f "$file") || fail 65 "openclaw.json is a link that leads nowhere"; fi
before=$config_volume/openclaw.json.before-boot
new=$file.stage-new

if [ ! -s "$source/openclaw.json" ]; then fail 78 "the ConfigMap has no openclaw.json at $source"; fi
rm -f "$new" "$before.new" # of an interrupted boot
set -- "$source"/set.*
if [ ! -e "$1" ]; then shift; fi

# Nearly every boot ends here, without a write.
if [ -s "$file" ] && json5_merge "$file" "$@" 2>/dev/null | cmp -s - "$file"; then
	log "done: nothing to change in openclaw.json"
	exit 0
fi

what="put the fleet's values into openclaw.json; it was kept as ${before##*/}"
base=$file
if [ ! -s "$file" ]; then
	# Empty, not missing, is what a crash in the middle of someone's plain write leaves; who removes the file
	# wants a fresh one.
	if [ -e "$file" ] && [ -s "$before" ]; then
		base=$before
		what="openclaw.json was empty: took ${before##*/} for it"
	else
		base=$source/openclaw.json
		what="wrote openclaw.json"
	fi
fi

umask 077
# With the owner's mode, if there is a file; the content follows.
if [ -s "$file" ]; then said=$(cp -p "$file" "$new" 2>&1) || { rm -f "$new"; fail_writing "openclaw.json is as it was" "$said"; }; fi
code=0
said=$({ json5_merge "$base" "$@" >"$new"; } 2>&1) || code=$?
case $code in
0) ;;
3)
	rm -f "$new"
	# Perhaps the gateway reads what we cannot, and it can say better what is wrong: let it start.
	warn "openclaw.json was left as it is, without the fleet's values: $said"
	log "done: openclaw.json was left as it is"
	exit 0
	;;
4)
	rm -f "$new"
	fail 65 "the ConfigMap openclaw-config holds a value that is not JSON: set.$said. openclaw.json is as it was."
	;;
*)
	rm -f "$new"
	fail_writing "openclaw.json is as it was" "$said"
	;;
esac
# A text that was cut short, or that would be changed again, is not what was meant. (Some awks do not
# notice a failed write.)
if ! json5_merge "$new" "$@" 2>/dev/null | cmp -s - "$new"; then
	rm -f "$new"
	fail 28 "the new openclaw.json could not be written in full, the old one is as it was: is the config volume full?"
fi
if cmp -s "$new" "$file"; then
	rm -f "$new"
	log "done: nothing to change in openclaw.json"
	exit 0
fi
if [ -s "$file" ]; then
	if ! said=$({ cp -p "$file" "$before.new" && put "$before.new" "$before"; } 2>&1); then
		rm -f "$new" "$before.new"
		fail_writing "keeping a copy of openclaw.json, which is as it was" "$said"
	fi
fi
if ! said=$(put "$new" "$file" 2>&1); then fail_writing "openclaw.json is as it was" "$said"; fi
flush "$config_volume"
log "done: $what"
