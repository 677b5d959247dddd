#!/bin/sh
# start DIR PROGRAM ARGUMENTS…: becomes the program (the process id stays), which holds a lock on DIR/lock as long as it or
#   a child of it runs: two servers never write one append-only file, whoever starts them. Without flock(1) there is no lock.
# watch DIR PID OWNER SECONDS: waits until standard input ends (the bridge has gone, however it went). When no other bridge
#   has written its name into DIR/owner so many seconds later, the server with that process id is stopped.
set -u
act=$1
dir=$2

case $act in
start)
  shift 2
  exec 9>"$dir/lock"
  if command -v flock >/dev/null 2>&1; then
    flock -w 5 9 || {
      echo "another redis-server works in $dir"
      exit 75
    }
  fi
  exec "$@"
  ;;
watch)
  pid=$3 owner=$4 left=$5
  cat >/dev/null
  while [ "$left" -gt 0 ]; do
    kill -0 "$pid" 2>/dev/null || exit 0
    [ "$(cat "$dir/owner")" = "$owner" ] || exit 0
    sleep 1
    left=$((left - 1))
  done
  [ "$(readlink "/proc/$pid/cwd")" = "$dir" ] && kill -TERM "$pid"
  ;;
esac
