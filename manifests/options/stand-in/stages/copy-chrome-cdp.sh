#!/bin/sh
# Stand-in: a helper that asks the stand-in browser.
# shellcheck source=manifests/base/stages/lib.sh
. "${0%/*}/lib.sh"

sleep "${STAND_IN_SECONDS:-0}"
mkdir -p "$runtime/bin"
printf '#!/bin/sh\nexec wget -q -O - http://127.0.0.1:3000/json/version\n' >"$runtime/bin/chrome-cdp.new"
chmod 755 "$runtime/bin/chrome-cdp.new"
put "$runtime/bin/chrome-cdp.new" "$runtime/bin/chrome-cdp"
log "done: put the helper on the volume (stand-in)"
