#!/usr/bin/env bash
# npm run demo [-- --ejabberd] [-- --keep]: installs what is missing, builds, and plays the conversation.
set -euo pipefail
cd "$(dirname "$0")/.."
server=prosody
case " $* " in *" --ejabberd "*) server=ejabberd ;; esac
bash scripts/ensure-servers.sh "$server" redis
npm run --silent build
exec node_modules/.bin/tsx test/demo/main.ts "$@"
