#!/usr/bin/env bash
# npm test: everything that must hold before a commit goes out. The last word is always one line `N passed, N failed`.
#   npm test               all of it
#   npm test -- PATTERN    the same, with only the test files whose path matches
set -uo pipefail
cd "$(dirname "$0")/.."
export CI=1 PATH="$PWD/node_modules/.bin:$PATH"

step() { # title, command...
  local title=$1
  shift
  echo "== $title"
  "$@" && return
  echo "$title: failed ($*)" >&2
  printf '\n0 passed, 1 failed\n'
  exit 1
}
build() {
  rm -rf dist
  npm run --silent build
}

step 'servers' bash scripts/ensure-servers.sh prosody ejabberd redis openssl
step 'build' build
step 'types' tsc -p tsconfig.json --noEmit
step 'lint' eslint --max-warnings 0 .
step 'format' prettier --check --log-level warn .

# A hung test must not hang the run: --forceExit ends what a test forgot, the deadline ends what never returns.
echo '== tests'
count=$(mktemp)
trap 'rm -f "$count"' EXIT
COUNT_FILE=$count timeout --kill-after=10 "${TEST_DEADLINE_SECONDS:-600}" \
  jest --maxWorkers=2 --forceExit "$@" 2>&1
status=$?
if [ ! -s "$count" ]; then
  echo "the tests did not come to their end (exit code $status; 124 and 137: the deadline)" >&2
  echo '0 passed, 1 failed' >"$count"
fi
printf '\n%s\n' "$(cat "$count")" # after all that jest has to say
exit "$status"
