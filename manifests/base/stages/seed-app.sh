#!/bin/sh
# The image's OpenClaw onto the app volume, which hides the image's own /app from the gateway.
#
#   releases/<version>-<fingerprint>/   complete copies, and nothing else: a copy gets such a name by a
#                                       rename, after it was compared with the image and flushed
#   releases/.incoming-*, .removing-*   unfinished work of a killed stage
#   current -> releases/<...>           what the gateway runs
#   dist -> current/dist, ...           for whatever knows the app by its usual place, /app/dist
#
# The fingerprint is of the image's content, so a new image is copied even if it kept its tag or its
# version, and an image that was here before is only switched to. The gateway's readiness probe writes
# the name of the release that answered; only once that is the current one does the next boot remove the
# one before it. Whatever else lies on the volume (an older layout, a tenant's file) is left alone.
# shellcheck source=manifests/base/stages/lib.sh
. "${0%/*}/lib.sh"

image=${STAGE_IMAGE_APP:-/app}
volume=${STAGE_APP_VOLUME:-/mnt/app-data}
releases=$volume/releases

# What the copy must equal: names and sizes.
listing() { (cd "$1" && find . ! -type d -exec stat -c '%n %s' {} + | sort | sha256sum); }

# Every file outside node_modules by content; all of them by name, size, time and mode, which an image's
# layers carry with them to every node. Hashing node_modules too would cost seconds at each boot.
fingerprint() {
	(cd "$1" && {
		find . -type d -name node_modules -prune -o -type f -exec sha256sum {} +
		find . ! -type d -exec stat -c '%n %s %Y %a' {} +
	} | sort | sha256sum)
}

remove_release() {
	log "removing $1"
	rm -rf "$releases/.removing-$1"
	mv "$releases/$1" "$releases/.removing-$1"
	rm -rf "$releases/.removing-$1"
}

# keep_only NAME...
keep_only() {
	for path in "$releases"/*; do
		name=${path##*/}
		keep=
		for wanted in "$@"; do
			if [ "$name" = "$wanted" ]; then keep=yes; fi
		done
		if [ -z "$keep" ] && [ -d "$path" ]; then remove_release "$name"; fi
	done
}

# Through current, so that they never need to change at a switch.
link_top() {
	for path in "$releases/$release"/*; do
		name=${path##*/}
		if [ ! -e "$volume/$name" ] && [ ! -L "$volume/$name" ]; then
			ln -s "current/$name" "$volume/$name" || warn "no link to $name: what looks for it in /app will not find it"
		fi
	done
}

if [ ! -s "$image/package.json" ] || [ ! -d "$image/dist" ]; then
	fail 65 "the image has no OpenClaw in $image (package.json and dist/): is it an OpenClaw image?"
fi
if [ ! -d "$volume" ]; then fail 78 "there is no app volume at $volume"; fi
if [ -e "$volume/current" ] && [ ! -L "$volume/current" ]; then
	fail 65 "current on the app volume is not a link: somebody put something else there; move it away"
fi

version=$(sed -n 's/^.*"version"[[:space:]]*:[[:space:]]*"\([0-9A-Za-z.+-]*\)".*$/\1/p' "$image/package.json")
version=${version%%
*}
release=$(fingerprint "$image")
release=${version:-unknown}-$(printf '%.12s' "$release")

current=$(link_target "$volume/current")
if [ -n "$current" ] && [ ! -d "$releases/$current" ]; then
	warn "the app volume points to $current, which is gone"
	current=
fi
ready=
if [ -s "$marks/ready" ]; then read -r ready <"$marks/ready" || :; fi

for path in "$releases"/.incoming-* "$releases"/.removing-*; do
	if [ -e "$path" ]; then
		log "clearing ${path##*/} of an interrupted boot"
		rm -rf "$path"
	fi
done

if [ "$current" = "$release" ]; then
	link_top
	if [ "$ready" = "$release" ]; then keep_only "$release"; fi
	log "done: the volume has $release already"
	exit 0
fi

if [ -z "$current" ] && [ -e "$volume/package.json" ]; then
	log "the volume also holds an app in its top folder, as an older layout put it: left as it is"
fi

if [ -n "$current" ]; then
	unharmed="The app of $current is untouched and starts with its own image."
else
	unharmed="There is no earlier app on it."
fi

if [ ! -d "$releases/$release" ]; then
	keep_only "$current" "$ready" "$release"
	need=$(du -sk "$image")
	need=${need%%[!0-9]*}
	have=$(df -Pk "$volume" | while read -r _ _ _ blocks _; do printf '%s ' "$blocks"; done)
	have=${have% }
	have=${have##* }
	if [ "$have" -lt $((need + need / 20)) ]; then
		fail 28 "the app volume has $((have / 1024)) MiB free, the app of this image ($release) needs $((need / 1024 + need / 20480 + 1)) MiB. $unharmed Free space on app-data or grow it, or go back to the image before."
	fi
	log "copying $release, $((need / 1024)) MiB${current:+, beside $current}"
	incoming=$releases/.incoming-$release
	# -d keeps hard links where cp can; ownership is not kept: everything here belongs to the node user.
	if ! said=$(mkdir -p "$incoming" 2>&1 && cp -dR "$image/." "$incoming/" 2>&1); then
		rm -rf "$incoming"
		if is_full "$said"; then
			fail 28 "the app volume is full: the app of this image ($release) did not fit. $unharmed Free space on app-data or grow it, or go back to the image before."
		fi
		fail 1 "copying the app failed. $unharmed $said"
	fi
	if [ "$(listing "$image")" != "$(listing "$incoming")" ]; then
		rm -rf "$incoming"
		fail 1 "the copy of the app differs from the image. $unharmed The volume may be faulty."
	fi
	put "$incoming" "$releases/$release"
fi

if ! said=$(point "$volume/current" "releases/$release" 2>&1); then
	fail_writing "switching to $release. $unharmed" "$said"
fi
link_top
flush "$volume"
log "done: ${current:-nothing} -> $release${current:+; $current is kept until this one has been ready}"
