#!/usr/bin/env bash
# npm run test:servers [-- SUITE] [-- --only PATTERN]: the live tests with the servers of another Debian (trixie when
# left out: Prosody 13, ejabberd 24). Makes a root of it (scripts/fresh-root.sh), clones this repository into it as it is
# committed, says the versions, runs the tests and throws the root away. Needs root and debootstrap.
#   --only PATTERN                test files whose path matches
#   TEST_DEADLINE_SECONDS=N       for the tests; 1500 when left out
set -euo pipefail
cd "$(dirname "$0")/.."

suite=trixie
only=test/live/
while [ $# -gt 0 ]; do
  case $1 in
    --only) only=$2 && shift ;;
    -*) echo "test-servers: unknown option '$1' (--only PATTERN)" >&2 && exit 2 ;;
    *) suite=$1 ;;
  esac
  shift
done

dir=$(mktemp -d "${TMPDIR:-/tmp}/servers-XXXXXX")
trap 'rm -rf --one-file-system "$dir"' EXIT
began=$SECONDS
bash scripts/fresh-root.sh "$dir" 24 "$suite"
git clone -q --no-hardlinks . "$dir/root/bridge"
in_root() { bash scripts/in-root.sh "$dir" "cd bridge && $1"; }
in_root 'bash scripts/ensure-servers.sh && npm ci --no-progress --silent && npm run --silent build'
echo "== root of $suite: $((SECONDS - began)) s"
in_root "dpkg-query -W -f='\${Package} \${Version}\n' prosody prosody-modules ejabberd redis-server libexpat1 && node --version"
began=$SECONDS
status=0
in_root "CI=1 timeout --kill-after=10 ${TEST_DEADLINE_SECONDS:-1500} node_modules/.bin/jest --selectProjects live \
  --runInBand --forceExit --testPathPatterns '$only' 2>&1" || status=$?
echo "== tests: $((SECONDS - began)) s (exit code $status; 124 and 137: the deadline)"
exit "$status"
