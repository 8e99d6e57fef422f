#!/bin/sh
# The tenant's Debian packages, as a tree on the config volume that the gateway has in its PATH and
# LD_LIBRARY_PATH. What apt installed into this container would be gone when the gateway starts; so the
# packages, and those they need beyond the image's own, are downloaded and unpacked:
#
#   runtime/apt/packages.list   one name, or name=version, a line; # starts a comment. Written by the tenant,
#                               and by `sudo apt-get install` in the gateway (record-apt.sh)
#   runtime/apt/trees/<key>     an unpacked, complete set; the key is of the list and of the image's packages
#   runtime/apt/current         -> trees/<key>
#
# Limits, because nothing is installed in dpkg's sense: no maintainer script runs (no users, services,
# alternatives, caches), no setuid bit and no file in /etc takes effect, a program that looks for its data
# in /usr/share or /usr/lib by absolute path does not find it, and dpkg -l in the gateway does not list it.
#
# It needs no root and has none: apt is told to keep its lists and archives elsewhere, and dpkg-deb
# unpacks without it. A mirror that fails does not cost the tenant its boot: the last good tree stays, the
# termination message says what is missing, and the next boot tries again.
# shellcheck source=manifests/base/stages/lib.sh
. "${0%/*}/lib.sh"

apt=$runtime/apt
trees=$apt/trees
list=$apt/packages.list
archives=$apt/archives # on the volume, so that a killed download goes on where it stopped
work=${STAGE_WORK:-/tmp}/apt
apt_etc=${STAGE_APT_ETC:-/etc/apt}
dpkg_status=${STAGE_DPKG_STATUS:-/var/lib/dpkg/status}
limit=${STAGE_APT_SECONDS:-180} # per call of apt: a mirror that hangs must not hold the boot for ever

set --
if [ -s "$list" ]; then
	while read -r name _ || [ -n "$name" ]; do
		case $name in
		'' | \#*) ;;
		-* | *[!a-zA-Z0-9.+:=~_-]*) warn "packages.list: this is no package name: $(printf '%.60s' "$name" | tr -c '[:alnum:].+:=~_\n-' '?')" ;;
		*) set -- "$@" "$name" ;;
		esac
	done <"$list"
fi
current=$(link_target "$apt/current")

for path in "$trees"/.incoming-* "$trees"/.removing-*; do
	if [ -e "$path" ]; then rm -rf "$path"; fi
done

keep_only() {
	for path in "$trees"/*; do
		if [ -d "$path" ] && [ "${path##*/}" != "$1" ]; then
			mv "$path" "$trees/.removing-${path##*/}"
			rm -rf "$trees/.removing-${path##*/}"
		fi
	done
}

if [ $# = 0 ]; then
	# Trees may be left of packages that the tenant no longer wants.
	rm -f "$apt/current"
	keep_only ''
	rm -rf "$archives"
	log "done: no packages are asked for"
	exit 0
fi

key=$({ printf '%s\n' "$@" | sort -u && cat "$dpkg_status"; } | sha256sum)
key=$(printf '%.12s' "$key")
if [ "$current" = "$key" ] && [ -d "$trees/$key" ]; then
	keep_only "$key"
	if [ -d "$archives" ]; then rm -rf "$archives"; fi
	log "done: $# packages are on the volume already"
	exit 0
fi

kept=${current:+; the packages of an earlier boot stay in use}

# The rest can fail without harm: warn, and let the tenant boot.
give_up() {
	rm -rf "$trees/.incoming-$key"
	if is_full "$1"; then rm -rf "$archives"; fi
	warn "the packages could not be brought$kept: $1"
	log "done: without new packages$kept"
	exit 0
}

if [ ! -d "$trees/$key" ]; then
	log "fetching $# packages: $*"
	for tool in apt-get dpkg-deb timeout; do
		if ! command -v "$tool" >/dev/null 2>&1; then give_up "the image has no $tool"; fi
	done
	rm -rf "$work"
	if ! said=$({ mkdir -p "$work/lists/partial" "$work/log" "$archives/partial" "$trees" && https_sources "$apt_etc" "$work/sources.list.d"; } 2>&1); then give_up "$said"; fi
	cat >"$work/apt.conf" <<EOF
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$work/sources.list.d";
Dir::State::lists "$work/lists";
Dir::State::status "$dpkg_status";
Dir::Cache "$work";
Dir::Cache::archives "$archives";
Dir::Log "$work/log";
Debug::NoLocking "true";
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
EOF
	apt_get() { APT_CONFIG=$work/apt.conf DEBIAN_FRONTEND=noninteractive timeout "$limit" apt-get -q -y "$@" </dev/null; }

	complaint() {
		found=$(printf '%s\n' "$1" | grep '^[EW]:' | tail -n 2 | tr '\n' ' ') || :
		printf '%s' "${found:-it was killed, or not done after $limit seconds}"
	}

	if ! said=$(apt_get -o APT::Update::Error-Mode=any update 2>&1); then
		give_up "apt-get update: $(complaint "$said")"
	fi
	# One name that no longer exists must not cost the others.
	missing=
	if ! said=$(apt_get install --download-only "$@" 2>&1); then
		if is_full "$said"; then give_up "$said"; fi
		for name in "$@"; do
			if ! said=$(apt_get install --download-only "$name" 2>&1); then
				if is_full "$said"; then give_up "$said"; fi
				missing="$missing $name"
				log "not to be had: $name: $(complaint "$said")"
			fi
		done
	fi

	incoming=$trees/.incoming-$key
	if ! said=$(mkdir -p "$incoming/usr/bin" 2>&1); then give_up "$said"; fi
	for deb in "$archives"/*.deb; do
		if [ -e "$deb" ] && ! said=$(dpkg-deb -x "$deb" "$incoming" 2>&1); then
			rm -f "$deb" # if it is damaged, the next boot fetches it again
			give_up "unpacking ${deb##*/}: $said"
		fi
	done
	if [ -n "$missing" ]; then
		# Under another key, so that the next boot tries again.
		key=$key-partial
		rm -rf "${trees:?}/$key"
		warn "these packages were not to be had:$missing"
	fi
	if ! said=$(put "$incoming" "$trees/$key" 2>&1); then give_up "$said"; fi
fi
if ! said=$(point "$apt/current" "trees/$key" 2>&1); then give_up "$said"; fi
flush "$apt"
keep_only "$key"
rm -rf "$archives" "$work"
log "done: the packages are on the volume"
