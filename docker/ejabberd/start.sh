#!/bin/sh
# Makes a certificate on the first start, then runs ejabberd in the foreground as an unnamed Erlang node (no epmd, no
# cookie) with the user juliet.
set -eu
data=/var/lib/ejabberd
if [ ! -e "$data/example.org.pem" ]; then
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=example.org -addext subjectAltName=DNS:example.org \
    -keyout "$data/key.pem" -out "$data/cert.pem"
  cat "$data/key.pem" "$data/cert.pem" > "$data/example.org.pem"
fi
sed "s/ip: '127.0.0.1'/ip: '0.0.0.0'/" /config/ximss.yml > "$data/ximss.yml"
eval "$(grep '^ERL_LIBS=' /usr/sbin/ejabberdctl)"
export ERL_LIBS HOME="$data" ERL_CRASH_DUMP_BYTES=0
export EJABBERD_CONFIG_PATH=/config/ejabberd.yml EJABBERD_LOG_PATH="$data/ejabberd.log"
exec erl -noinput -mnesia dir "\"$data/mnesia\"" -s ejabberd \
  -eval 'ejabberd_auth:try_register(<<"juliet">>, <<"example.org">>, <<"secret">>).'
