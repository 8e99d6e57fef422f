#!/bin/sh
# watchdog.sh DIR: waits until its standard input ends, which the kernel sees to when the process that holds the other
# end is gone, in whatever way. Then kills each process named in DIR/run/*.pid and removes DIR.
dir=$1
while read -r _; do :; done
for file in "$dir"/run/*.pid; do
  [ -f "$file" ] || continue
  read -r pid <"$file"
  # Another process may have got the number since; ours all have the folder among their arguments.
  if [ ! -r "/proc/$pid/cmdline" ] || grep -qF -e "$dir" "/proc/$pid/cmdline"; then
    kill -9 "$pid" 2>/dev/null
  fi
done
# A process killed a moment ago may still be writing.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf "$dir" 2>/dev/null && break
  sleep 0.2
done
