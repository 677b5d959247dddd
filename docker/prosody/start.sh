#!/bin/sh
# Makes a certificate and the user juliet on the first start, then runs Prosody in the foreground.
set -eu
certs=/var/lib/prosody/certs
if [ ! -e "$certs/example.org.key" ]; then
  mkdir -p "$certs"
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=example.org -addext subjectAltName=DNS:example.org \
    -keyout "$certs/example.org.key" -out "$certs/example.org.crt"
fi
prosodyctl register juliet example.org secret
exec prosody -F
