#!/usr/bin/env bash
# Makes sure that the programs the tests and the demo start themselves are installed (Debian, Ubuntu).
#   scripts/ensure-servers.sh [--upgrade] [prosody] [ejabberd] [redis] [openssl]      all four when none is named
# Installs what is missing when it may (root, or sudo without a password); else prints the one line to type and exits 1.
# --upgrade: brings them, and the XML library they read with, to the newest version that the machine's sources have.
# The packages' own services are neither started nor enabled, and those that are already there are not touched: the
# tests start private instances.
set -euo pipefail

installed() { # package, proof: a command or a path
  if command -v dpkg-query >/dev/null && [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; then
    return 0
  fi
  case $2 in
    /*) [ -e "$2" ] ;;
    *) command -v "$2" >/dev/null ;;
  esac
}

isUpgrade=false
if [ "${1:-}" = --upgrade ]; then
  isUpgrade=true
  shift
fi
wanted=(libexpat1)
missing=()
services=()
need() { # package, proof, service or nothing
  wanted+=("$1")
  if installed "$1" "$2"; then return; fi
  missing+=("$1")
  if [ -n "${3:-}" ]; then services+=("$3"); fi
}

if [ $# -eq 0 ]; then set -- prosody ejabberd redis openssl; fi
for name in "$@"; do
  case $name in
    prosody)
      need prosody prosody prosody
      need prosody-modules "${PROSODY_MODULES:-/usr/lib/prosody/modules}/mod_privilege"
      ;;
    ejabberd) need ejabberd ejabberdctl ejabberd ;;
    redis | redis-server) need redis-server redis-server redis-server ;;
    openssl) need openssl openssl ;;
    *)
      echo "ensure-servers: unknown server '$name' (prosody, ejabberd, redis, openssl)" >&2
      exit 2
      ;;
  esac
done
if [ ${#missing[@]} -eq 0 ] && ! $isUpgrade; then exit 0; fi

packages="${missing[*]}"
if ! command -v apt-get >/dev/null; then
  echo "ensure-servers: please install (names of the Debian packages): $packages" >&2
  exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
  as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root=(sudo -n)
else
  if [ ${#missing[@]} -eq 0 ]; then
    echo 'ensure-servers: only root may upgrade' >&2
    exit 1
  fi
  echo "ensure-servers: missing: $packages. Please type:" >&2
  echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends $packages" >&2
  exit 1
fi
root() { ${as_root[@]+"${as_root[@]}"} "$@"; }

# invoke-rc.d asks this file before a package starts its service; 101 means no.
policy=${POLICY_RC_D:-/usr/sbin/policy-rc.d}
if [ ! -e "$policy" ]; then
  trap 'root rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | root tee "$policy" >/dev/null
  root chmod 755 "$policy"
fi

# What apt says is kept for the one case in which somebody wants to read it.
said=$(mktemp)
apt() {
  # No prompts, and no terminal for them to appear on.
  root env DEBIAN_FRONTEND=noninteractive apt-get "$@" </dev/null >"$said" 2>&1
}
install() { apt install -y --no-install-recommends "$@"; }
failed() {
  cat "$said" >&2
  rm -f "$said"
  echo 'ensure-servers: apt-get failed, see above' >&2
  exit 1
}
if [ ${#missing[@]} -gt 0 ]; then
  echo "ensure-servers: installing $packages"
  install "${missing[@]}" || { apt update && install "${missing[@]}"; } || failed
fi
if $isUpgrade; then
  echo "ensure-servers: upgrading ${wanted[*]}"
  apt update && install --only-upgrade "${wanted[@]}" || failed
fi
rm -f "$said"

# Without systemd as init there is nothing to disable, and nothing was started.
for service in ${services[@]+"${services[@]}"}; do
  root systemctl disable --now "$service" >/dev/null 2>&1 || true
done
