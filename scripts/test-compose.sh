#!/usr/bin/env bash
# npm run test:compose: the images and docker-compose.yml, built and played (test/compose/main.ts), then taken down.
# Uses the engine of DOCKER_HOST when that is set; else it starts one of its own, which leaves nothing behind but a
# folder of images (TEST_COMPOSE_DIR, /var/tmp/xmpp-ximss-bridge-compose when left out; delete it when you like).
# Base images that cannot be pulled are replaced by stand-ins (scripts/stand-in-images.sh), which needs root.
set -euo pipefail
cd "$(dirname "$0")/.."
export COMPOSE_PROJECT_NAME=bridge-trial PATH="$PWD/node_modules/.bin:$PATH"

for tool in dockerd docker docker-compose; do
  command -v "$tool" >/dev/null ||
    { echo "test-compose: please type: apt-get install -y docker.io docker-compose debootstrap" >&2 && exit 1; }
done

dir=${TEST_COMPOSE_DIR:-/var/tmp/xmpp-ximss-bridge-compose}
export FRESH_ROOT_CACHE=${FRESH_ROOT_CACHE:-$dir/roots}
if [ -z "${DOCKER_HOST:-}" ]; then
  mkdir -p "$dir"
  export DOCKER_HOST=unix://$dir/sock
  dockerd --data-root "$dir/data" --exec-root "$dir/exec" --host "$DOCKER_HOST" --pidfile "$dir/pid" \
    --iptables=false --storage-driver overlay2 >"$dir/log" 2>&1 &
  engine=$!
  trap 'kill $engine 2>/dev/null; wait $engine 2>/dev/null || true' EXIT
  for _ in $(seq 100); do docker info >/dev/null 2>&1 && break || sleep 0.2; done
fi

for image in node:24-bookworm-slim debian:bookworm-slim redis:7-bookworm; do
  docker image inspect "$image" >/dev/null 2>&1 || timeout 60 docker pull -q "$image" >/dev/null 2>&1 ||
    { bash scripts/stand-in-images.sh && break; }
done

build() { # service, more arguments...
  local service=$1
  shift
  docker build -q --network host -t "${COMPOSE_PROJECT_NAME}_$service" "$@" >/dev/null
}
build bridge --target bridge .
build ximss-server --target ximss-server .
build prosody docker/prosody
build ejabberd docker/ejabberd
for pair in bridge:node:24-bookworm-slim ximss-server:node:24-bookworm-slim; do
  size() { docker image inspect -f '{{.Size}}' "$1"; }
  own=$(($(size "${COMPOSE_PROJECT_NAME}_${pair%%:*}") - $(size "${pair#*:}")))
  echo "image ${pair%%:*}: $((own / 1000000)) MB over its base"
done
tsx test/compose/main.ts
