#!/usr/bin/env bash
# npm run test:fresh [-- --demo-only] [-- --node MAJOR]: what somebody with a new machine does. Makes a Debian root with
# nothing but the security updates, Node and git (scripts/fresh-root.sh), clones this repository into it as it is
# committed, types `npm ci && npm run demo` and `npm ci && npm test`, and throws the root away. Needs root and debootstrap.
set -euo pipefail
cd "$(dirname "$0")/.."

isDemoOnly=false
major=24
while [ $# -gt 0 ]; do
  case $1 in
    --demo-only) isDemoOnly=true ;;
    --node) major=$2 && shift ;;
    *) echo "test-fresh: unknown option '$1' (--demo-only, --node MAJOR)" >&2 && exit 2 ;;
  esac
  shift
done

dir=$(mktemp -d "${TMPDIR:-/tmp}/fresh-XXXXXX")
trap 'rm -rf --one-file-system "$dir"' EXIT
began=$SECONDS
bash scripts/fresh-root.sh "$dir" "$major"
echo "== root: $((SECONDS - began)) s, Node $(chroot "$dir" /usr/local/bin/node --version)"
git clone -q --no-hardlinks . "$dir/root/bridge"

play() { # what is typed
  local from=$SECONDS
  echo "== $1"
  bash scripts/in-root.sh "$dir" "cd bridge && $1"
  echo "== $((SECONDS - from)) s"
}
play 'npm ci --no-progress && npm run demo'
$isDemoOnly || play 'npm ci --no-progress && npm test'
