#!/bin/sh
# What sudo and apt need in the gateway's /etc, on a volume of the pod: this container's own /etc is gone by
# then. It runs as root because sudo trusts only files of root; it mounts nothing that a tenant can write.
#
#   sudoers.d/   mounted at /etc/sudoers.d: the node user may use sudo in its own container
#   openclaw/    mounted at /etc/openclaw: apt.conf (APT_CONFIG points there) with https sources and the hook
#                that records what was installed; apt-manual, the packages that the image brings
#
# A package that is installed by sudo works at once and lasts as long as the container; from the next boot
# on it comes from rehydrate-runtime-apt, within the limits told there.
# shellcheck source=manifests/base/stages/lib.sh
. "${0%/*}/lib.sh"

etc=${STAGE_ETC:-/etc}
system=${STAGE_SYSTEM_VOLUME:-/mnt/system}

if [ ! -d "$system" ]; then fail 78 "there is no system volume at $system"; fi
if [ "$(id -u)" != 0 ]; then fail 78 "this stage must run as root: sudo trusts only files of root"; fi
umask 022

new=$system/.new
rm -rf "$new"
mkdir -p "$new/sudoers.d" "$new/openclaw"

# The mount hides the image's own drop-ins, so they come along.
for file in "$etc"/sudoers.d/*; do
	if [ -f "$file" ]; then cp "$file" "$new/sudoers.d/"; fi
done
cat >"$new/sudoers.d/openclaw" <<'EOF'
Defaults:#1000 env_keep += "APT_CONFIG DEBIAN_FRONTEND"
#1000 ALL=(ALL:ALL) NOPASSWD: ALL
EOF
if command -v visudo >/dev/null 2>&1 && ! said=$(visudo -c -f "$new/sudoers.d/openclaw" 2>&1); then
	# A bad file would break sudo altogether; none only leaves it asking for a password.
	rm -f "$new/sudoers.d/openclaw"
	warn "the image's sudo does not take our rule: $said"
fi

https_sources "$etc/apt" "$new/openclaw/sources.list.d"
cat >"$new/openclaw/apt.conf" <<'EOF'
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "/etc/openclaw/sources.list.d";
Acquire::https::Timeout "20";
DPkg::Post-Invoke { "sh /stages/record-apt.sh || true"; };
EOF
if command -v apt-mark >/dev/null 2>&1; then apt-mark showmanual >"$new/openclaw/apt-manual"; else : >"$new/openclaw/apt-manual"; fi

chown -R 0:0 "$new"
# The volume's group bit would be inherited, and sudo wants no one else to write here.
chmod 755 "$new/sudoers.d" "$new/openclaw" "$new/openclaw/sources.list.d"
chmod g-s "$new/sudoers.d" "$new/openclaw" "$new/openclaw/sources.list.d"
chmod 440 "$new"/sudoers.d/*
for part in sudoers.d openclaw; do
	rm -rf "${system:?}/$part"
	mv "$new/$part" "$system/$part"
done
rm -rf "$new"
if command -v sudo >/dev/null 2>&1; then
	log "done: the node user may use sudo"
else
	log "done: the image has no sudo, so there is none; packages still come by packages.list"
fi
