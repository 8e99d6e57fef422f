#!/bin/sh
# stand-in-serve.sh gateway|browser|browser-ui PORT: answers HTTP until it is stopped. Busyboxes differ in what
# they can serve with.
set -eu
echo "$1 (a stand-in) listens on $2"
if command -v tcpsvd >/dev/null 2>&1; then
	tcpsvd -E 0.0.0.0 "$2" /bin/sh "${0%/*}/stand-in-answer.sh" "$1" &
else
	nc -ll -p "$2" -e /bin/sh "${0%/*}/stand-in-answer.sh" "$1" &
fi
server=$!
trap 'kill "$server" 2>/dev/null; exit 0' TERM INT
wait "$server"
