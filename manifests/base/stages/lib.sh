# shellcheck shell=sh disable=SC2034 # what the stages use is not seen here
# Shared by every stage: sourced, never run.
#
# A stage may be killed between any two commands and is then started again from its first line. So
# results are built beside their place, flushed, and put there by one rename; and a stage that finds
# its work done writes nothing, which lets a tenant with full volumes still restart.
#
# Exit codes: 0 done (perhaps with warnings), 1 failed, 28 no room on a volume, 65 something is not
# what it must be, 78 the pod is put together wrongly. Warnings and the reason of a failure also go to
# the container's termination message, where they can be read without the log.
set -eu
LC_ALL=C # messages of cp and friends are matched below, and sorting must not depend on the image
export LC_ALL

stage=${0##*/}
stage=${stage%.sh}
config_volume=${STAGE_CONFIG_VOLUME:-/home/node/.openclaw}
marks=$config_volume/.stages
runtime=$config_volume/runtime
termination_log=${STAGE_TERMINATION_LOG:-/dev/termination-log}

# Messages of tools may have several lines; a reason is one.
newline='
'
one_line() {
	line=$*
	while [ "$line" != "${line%%"$newline"*}" ]; do line="${line%%"$newline"*}; ${line#*"$newline"}"; done
	printf '%s' "$line"
}

tell() {
	if [ -w "$termination_log" ]; then
		printf '%s\n' "$*" 2>/dev/null >>"$termination_log" || :
	fi
}

log() { printf '[%s] %s\n' "$stage" "$*"; }

warn() {
	why=$(one_line "$*")
	printf '[%s] warning: %s\n' "$stage" "$why" >&2
	tell "warning: $why"
}

# The last line says why a stage ended, also where nothing here foresaw it.
failing=
ended() {
	status=$?
	if [ "$status" != 0 ] && [ -z "$failing" ]; then
		printf '[%s] failed: a command ended with status %s, see above\n' "$stage" "$status" >&2
		tell "a command ended with status $status, see the log"
	fi
}
trap ended EXIT

# fail CODE MESSAGE
fail() {
	failing=yes
	code=$1
	shift
	why=$(one_line "$*")
	printf '[%s] failed: %s\n' "$stage" "$why" >&2
	tell "$why"
	exit "$code"
}

# is_full MESSAGES: do they say that a disk or a disk quota is used up?
is_full() {
	case $1 in
	*"o space left"* | *"uota exceeded"*) return 0 ;;
	esac
	return 1
}

# fail_writing WHAT MESSAGES
fail_writing() {
	if is_full "$2"; then
		fail 28 "$1: no room left on the volume. Free some space or grow it, then restart the pod. ($2)"
	fi
	fail 1 "$1: $2"
}

# Flush the file system that holds $1: that volume only, never the node's other disks.
flush() { sync -f "$1" 2>/dev/null || sync; }

# put NEW DEST: NEW, complete and in DEST's folder, becomes DEST in one step. -T: were DEST a folder, or a
# link to one, a plain mv would put NEW inside it.
put() {
	flush "$1" && mv -f -T "$1" "$2"
}

# link_target LINK: the last part of where it points, or nothing
link_target() {
	link_to=$(readlink "$1" 2>/dev/null) || link_to=
	printf '%s' "${link_to##*/}"
}

# point LINK TARGET: LINK, whatever it was, points to TARGET in one step
point() {
	rm -f "$1.new" && ln -s "$2" "$1.new" && mv -f -T "$1.new" "$1"
}

# https_sources ETC DEST: the image's apt sources, over https, into folder DEST. Tenants may leave the
# cluster by https only, and Debian's images name http:// mirrors.
https_sources() {
	mkdir -p "$2"
	for from in "$1"/sources.list "$1"/sources.list.d/*.list "$1"/sources.list.d/*.sources; do
		if [ -s "$from" ]; then
			name=${from##*/}
			case $name in sources.list) name=image.list ;; esac
			sed 's,http://,https://,g' "$from" >"$2/$name"
		fi
	done
}
