#!/bin/sh
# stand-in-app.sh DIR: the app that an image of version $OPENCLAW_VERSION would bring. The same version is the
# same content with the same times, as an image's is.
set -eu
dir=$1
version=${OPENCLAW_VERSION:-2026.8.2}

mkdir -p "$dir/dist/ui" "$dir/node_modules/stand-in"
printf '{\n  "name": "openclaw",\n  "version": "%s"\n}\n' "$version" >"$dir/package.json"
printf '#!/bin/sh\nexec sh /app/current/dist/index.js "$@"\n' >"$dir/openclaw.mjs"
chmod 755 "$dir/openclaw.mjs"
cp "${0%/*}/stand-in-gateway.sh" "$dir/dist/index.js"
printf '<!doctype html><title>OpenClaw %s</title><p>A stand-in for the control UI.\n' "$version" >"$dir/dist/ui/index.html"
# Something to copy, and to see on the volume.
head -c 3000000 /dev/zero | tr '\0' "${version%"${version#?}"}" >"$dir/node_modules/stand-in/filler"
find "$dir" -exec touch -t 202601010000 {} +
