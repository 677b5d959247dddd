#!/usr/bin/env bash
# Makes stand-ins for the base images that the Dockerfiles name, under the very same tags, where nothing can be pulled:
# each is a minimal Debian with security updates (scripts/fresh-root.sh). DOCKER_HOST says which engine gets them.
#   scripts/stand-in-images.sh        node:24-bookworm-slim  debian:bookworm-slim  redis:7-bookworm
set -euo pipefail
cd "$(dirname "$0")/.."
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

image() { # tag, changes...
  local tag=$1
  shift
  tar -C "$root" --one-file-system -c . | docker import "$@" - "$tag" >/dev/null
  echo "stand-in-images: $tag"
}
has() { docker image inspect "$1" >/dev/null 2>&1; }
if has node:24-bookworm-slim && has debian:bookworm-slim && has redis:7-bookworm; then exit 0; fi

bash scripts/fresh-root.sh "$root" 24
mkdir -p "$root/home/node"
grep -q '^node:' "$root/etc/passwd" || chroot "$root" useradd --uid 1000 --user-group --create-home --shell /bin/bash node
rm -f "$root/usr/sbin/policy-rc.d"
image node:24-bookworm-slim --change 'CMD ["node"]'
rm -rf "$root/usr/local/bin/node" "$root/usr/local/lib/node_modules"
image debian:bookworm-slim --change 'CMD ["bash"]'
chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends redis-server >/dev/null 2>&1
mkdir -p "$root/data" && chroot "$root" chown redis:redis /data
image redis:7-bookworm --change 'USER redis' --change 'WORKDIR /data' --change 'VOLUME /data' --change 'EXPOSE 6379' \
  --change 'CMD ["redis-server"]'
