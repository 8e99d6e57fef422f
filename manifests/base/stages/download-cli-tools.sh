#!/bin/sh
# The fleet's command-line tools, from the ConfigMap's cli-tools.list, onto the config volume. A line is
#
#   NAME ARCH URL SHA256 [MEMBER]      ARCH as uname -m has it; MEMBER, if the file is a .tar.gz, the file in it
#
# A file is used only if it has the listed checksum. A download that was cut goes on where it stopped. A tool
# that is there already, by checksum, costs nothing. One that cannot be had is a warning: no tool is
# worth a tenant's boot.
# shellcheck source=manifests/base/stages/lib.sh
. "${0%/*}/lib.sh"

list=${STAGE_CONFIG_SOURCE:-/config}/cli-tools.list
tools=$runtime/tools # NAME-<checksum>/NAME, reached by runtime/bin/NAME
arch=$(uname -m)

sha_of() {
	sum=$(sha256sum "$1")
	printf '%s' "${sum%% *}"
}

fetch() { # URL FILE
	if command -v curl >/dev/null 2>&1; then
		curl -sS --fail --location --proto '=https' --retry 2 --connect-timeout 10 --max-time 120 --continue-at - --output "$2" "$1" </dev/null
	elif command -v wget >/dev/null 2>&1; then
		wget -q -c -O "$2" "$1" </dev/null
	else
		echo "the image has neither curl nor wget" >&2
		return 1
	fi
}

# have NAME URL SHA256 MEMBER: 0 if the tool is in place afterwards; what went wrong is left in said
have() {
	place=$tools/$1-$(printf '%.12s' "$3")
	part=$tools/.$3.part
	if [ ! -x "$place/$1" ]; then
		if ! said=$(mkdir -p "$tools" "$runtime/bin" 2>&1); then return 1; fi
		if [ ! -s "$part" ] || [ "$(sha_of "$part")" != "$3" ]; then
			if ! said=$(fetch "$2" "$part" 2>&1); then
				if is_full "$said"; then rm -f "$part"; fi
				return 1
			fi
			if [ "$(sha_of "$part")" != "$3" ]; then
				# The rest of another file, perhaps: once more from the start.
				rm -f "$part"
				if ! said=$(fetch "$2" "$part" 2>&1); then return 1; fi
				if [ "$(sha_of "$part")" != "$3" ]; then
					rm -f "$part"
					said="what $2 gives does not have the listed checksum"
					return 1
				fi
			fi
		fi
		new=$tools/.new-$1
		rm -rf "$new"
		if ! said=$({
			mkdir -p "$new" &&
				if [ -n "$4" ]; then
					tar -xzf "$part" -C "$new" "$4" && mv -f "$new/$4" "$new/.tool" && mv -f "$new/.tool" "$new/$1"
				else
					cp "$part" "$new/$1"
				fi && chmod 755 "$new/$1"
		} 2>&1); then
			rm -rf "$new"
			if is_full "$said"; then rm -f "$part"; fi
			return 1
		fi
		rm -rf "$place"
		if ! said=$(put "$new" "$place" 2>&1); then return 1; fi
		log "brought $1"
	fi
	if [ "$(readlink "$runtime/bin/$1" 2>/dev/null)" != "../tools/${place##*/}/$1" ]; then
		if ! said=$(point "$runtime/bin/$1" "../tools/${place##*/}/$1" 2>&1); then return 1; fi
	fi
	if [ -e "$part" ]; then rm -f "$part"; fi
	# Older versions of it.
	for path in "$tools/$1"-*; do
		if [ -d "$path" ] && [ "$path" != "$place" ]; then rm -rf "$path"; fi
	done
}

count=0
if [ -s "$list" ]; then
	while read -r name for_arch url sha member || [ -n "$name" ]; do
		case $name in '' | \#*) continue ;; esac
		if [ "$for_arch" != "$arch" ]; then continue; fi
		case $name$member in *[!A-Za-z0-9._/-]* | */../* | ../* | -* | .*) warn "cli-tools.list: a bad name: $name $member" && continue ;; esac
		case $name in */*) warn "cli-tools.list: a bad name: $name" && continue ;; esac
		case $url in https://*) ;; *) warn "cli-tools.list: $name: only https addresses are taken" && continue ;; esac
		case $sha in *[!0-9a-f]* | '') warn "cli-tools.list: $name: no SHA-256 checksum" && continue ;; esac
		if have "$name" "$url" "$sha" "$member"; then
			count=$((count + 1))
		else
			warn "$name could not be brought: $said"
		fi
	done <"$list"
fi
log "done: $count tools in place"
