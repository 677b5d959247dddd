#!/usr/bin/env bash
# npm run test:deb [-- SUITE]: the Debian package in the hands of an operator, in a root made for it (bookworm when left
# out; scripts/fresh-root.sh) and thrown away after: installed, configured, run, upgraded, removed, installed again, purged.
# Says what holds, one line each. Needs root and debootstrap.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$(mktemp -d "${TMPDIR:-/tmp}/deb-XXXXXX")
trap 'rm -rf --one-file-system "$dir" "$dir".*' EXIT
passed=0
failed=0
in_root() { bash scripts/in-root.sh "$dir" "export DEBIAN_FRONTEND=noninteractive; $1"; }
holds() { # what, command in the root that says so by its exit code
  if in_root "$2" >"$dir.said" 2>&1; then
    passed=$((passed + 1)) && echo "ok    $1"
  else
    failed=$((failed + 1)) && echo "FAIL  $1" && tail -15 "$dir.said"
  fi
}

bash scripts/fresh-root.sh "$dir" 24 "${1:-bookworm}"
# The package must bring its own Node. systemctl enables and disables without a running systemd, too.
rm -rf "$dir"/usr/local/bin/{node,npm,npx} "$dir/usr/local/lib/node_modules"
in_root 'apt-get -qq -y install --no-install-recommends systemd systemd-sysv redis-server curl' >"$dir.said" 2>&1 ||
  { tail -5 "$dir.said" && exit 1; }

version=$(node -p "require('./package.json').version")
sed 's/^language: en$/language: ru/' config/bridge.example.yaml >"$dir.yaml"
DEB_LEVEL=1 bash scripts/deb.sh "$version"
DEB_LEVEL=1 DEB_CONFIG=$dir.yaml bash scripts/deb.sh "$version+next"
mv "xmpp-ximss-bridge_${version}_amd64.deb" "$dir/root/first.deb"
mv "xmpp-ximss-bridge_${version}+next_amd64.deb" "$dir/root/next.deb"

etc=/etc/xmpp-ximss-bridge
wants=/etc/systemd/system/multi-user.target.wants/xmpp-ximss-bridge.service
holds 'it is installed' 'apt-get -y install ./first.deb >/root/said && dpkg -s xmpp-ximss-bridge | grep -qx "Status: install ok installed"'
holds 'it says that it is not configured, and what to do' 'grep -q "not enabled, since it is not configured" /root/said'
holds 'it is not enabled' "test ! -e $wants"
holds 'the command is there and needs no other Node' "! command -v node && test \$(xmpp-ximss-bridge --version) = $version"
holds 'only root reads the configuration' "test \$(stat -c %a:%U $etc/bridge.yaml) = 600:root"
holds 'without the secret the command names the file' "xmpp-ximss-bridge check-config 2>&1 | grep $etc/xmpp-secret"
holds 'all files are as they were packed' 'dpkg --verify xmpp-ximss-bridge'
holds 'systemd finds nothing wrong with the unit' \
  "touch $etc/xmpp-secret && systemd-analyze verify xmpp-ximss-bridge.service && rm $etc/xmpp-secret"
holds 'and nothing wrong with the template' "touch $etc/xmpp-secret $etc/secret.key $etc/a.env &&
  systemd-analyze verify xmpp-ximss-bridge@a.service && rm $etc/xmpp-secret $etc/secret.key $etc/a.env"
holds 'with the secret the configuration is right' "umask 077 && echo s3cret >$etc/xmpp-secret &&
  sed -i 's/^  server: .*/  server: ximss:\/\/127.0.0.1:1/; s/^  starttls: .*/  starttls: never/' $etc/bridge.yaml &&
  xmpp-ximss-bridge check-config"
holds 'the operator can enable it' "systemctl enable xmpp-ximss-bridge && test -L $wants"
holds 'it runs, with a private Redis, and ends at SIGTERM' 'xmpp-ximss-bridge run >/root/log & bridge=$!
  for _ in $(seq 100); do curl -sf http://127.0.0.1:9114/healthz && break; sleep 0.2; done
  curl -sf http://127.0.0.1:9114/healthz && kill $bridge && wait $bridge'
holds 'an upgrade keeps the changed configuration and offers the new one beside it' \
  "apt-get -y -o Dpkg::Options::=--force-confold install ./next.deb && grep -q 127.0.0.1:1 $etc/bridge.yaml &&
  grep -q '^language: ru' $etc/bridge.yaml.dpkg-dist && dpkg -s xmpp-ximss-bridge | grep -qx 'Version: $version+next'"
holds 'an upgrade keeps it enabled, the secret and the data' \
  "test -L $wants && grep -qx s3cret $etc/xmpp-secret && test -n \"\$(ls -A /var/lib/xmpp-ximss-bridge)\""
holds 'an upgrade does not enable what was disabled' "systemctl disable xmpp-ximss-bridge &&
  apt-get -y -o Dpkg::Options::=--force-confold --allow-downgrades install ./first.deb && test ! -e $wants"
holds 'a removal takes the program away and keeps configuration, secret and data' \
  "apt-get -y remove xmpp-ximss-bridge && test ! -e /usr/lib/xmpp-ximss-bridge && test ! -e /usr/bin/xmpp-ximss-bridge &&
  grep -q 127.0.0.1:1 $etc/bridge.yaml && test -e $etc/xmpp-secret && test -e /var/lib/xmpp-ximss-bridge"
holds 'a purge leaves nothing' \
  'apt-get -y purge xmpp-ximss-bridge && test -z "$(find / -xdev -path /root -prune -o -name "*xmpp-ximss-bridge*" -not -path "/var/log/*" -print)"'
holds 'a first installation beside a secret enables it' \
  "mkdir -p $etc && echo s3cret >$etc/xmpp-secret && apt-get -y install ./first.deb && test -L $wants"
holds 'a purge leaves nothing of that either' "apt-get -y purge xmpp-ximss-bridge && test ! -e $etc && test ! -L $wants"

printf '\n%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
