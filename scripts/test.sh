#!/usr/bin/env bash
# npm test: everything that must hold before a commit goes out. The last word is always one line `N passed, N failed`.
#   npm test               all of it
#   npm test -- PATTERN    the same, with only the test files whose path matches
# Types, lint and format go behind the tests, which mostly wait. Each step says how long it took.
#   TEST_WORKERS=N            test files at a time; one more than processors when left out, since they mostly wait
#   TEST_DEADLINE_SECONDS=N   for the tests; 1500 when left out
set -uo pipefail
cd "$(dirname "$0")/.."
export CI=1 PATH="$PWD/node_modules/.bin:$PATH"

logs=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$logs"' EXIT
declare -A commands=() pids=()

begin() { # title, command...: runs it beside what comes next, its output kept
  local title=$1
  shift
  commands[$title]="$*"
  (
    began=$SECONDS
    "$@" >"$logs/$title" 2>&1
    code=$?
    echo $((SECONDS - began)) >"$logs/$title.seconds"
    exit "$code"
  ) &
  pids[$title]=$!
}
end() { # title: waits for it; says its time, and all that it said if it failed
  wait "${pids[$1]}"
  local code=$?
  echo "== $1: $(cat "$logs/$1.seconds" 2>/dev/null || echo '?') s"
  [ "$code" -eq 0 ] && return
  cat "$logs/$1"
  echo "$1: failed (${commands[$1]})" >&2
  return 1
}
need() { # title: the rest makes no sense without it
  end "$1" && return
  printf '\n0 passed, 1 failed\n'
  exit 1
}
build() { # what it would check, `types` checks
  rm -rf dist
  tsc -p tsconfig.build.json --noCheck && node scripts/copy-assets.js
}

begin servers bash scripts/ensure-servers.sh prosody ejabberd redis openssl
need servers
begin build build
begin types nice tsc -p tsconfig.json --noEmit
need build
begin format nice prettier --check --log-level warn .
begin lint nice eslint --max-warnings 0 .

# A hung test must not hang the run: --forceExit ends what a test forgot, the deadline ends what never returns.
began=$SECONDS
COUNT_FILE=$logs/count timeout --kill-after=10 "${TEST_DEADLINE_SECONDS:-1500}" \
  jest --maxWorkers="${TEST_WORKERS:-$(($(nproc) + 1))}" --forceExit "$@" 2>&1
status=$?
echo "== tests: $((SECONDS - began)) s"
if [ ! -s "$logs/count" ]; then
  echo "the tests did not come to their end (exit code $status; 124 and 137: the deadline)" >&2
  echo '0 passed, 1 failed' >"$logs/count"
fi
read -r passed _ failed rest <"$logs/count"
for title in types format lint; do
  end "$title" && continue
  failed=$((failed + 1))
  status=1
done
printf '\n%s passed, %s %s\n' "$passed" "$failed" "$rest" # after all that jest has to say
exit "$status"
