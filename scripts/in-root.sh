#!/usr/bin/env bash
# Runs a command line in a root made by scripts/fresh-root.sh:  scripts/in-root.sh DIR 'COMMAND'
# Its processes are a family of their own: what they leave running ends with the shell. Nothing is mounted outside their
# namespace, so that nothing but files is left to remove. /tmp is a file system of its own and empty each time.
set -euo pipefail
exec unshare --mount --pid --fork --kill-child bash -c '
  set -e
  mount -t proc proc "$0/proc"
  mount --rbind /dev "$0/dev"
  mount -t tmpfs tmpfs "$0/tmp"
  exec chroot "$0" /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    bash -c "cd /root && $1"
' "$1" "$2" </dev/null
