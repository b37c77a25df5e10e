#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A session of every kvc command against kvs, both ends under valgrind, over TCP and a Unix socket,
# with both codecs. Fails on any error or leak. usage: valgrind_session.sh FOLDER-OF-KVS-AND-KVC
set -euo pipefail

programs=$1
scratch=$(mktemp -d)
server=

cleanup() {
    [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
    rm -rf "$scratch"
}
trap cleanup EXIT

checked=(valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=all
    --errors-for-leak-kinds=all "--suppressions=$(dirname "$0")/valgrind.supp" --track-fds=no)

# kvs prints a line for each endpoint once it listens on all of them.
mkfifo "$scratch/listening"
"${checked[@]}" "$programs/kvs" --log-level error --listen tcp://127.0.0.1:0 \
    --listen "unix:$scratch/socket?codec=raw" --threads 2 >"$scratch/listening" &
server=$!
exec 3<"$scratch/listening"
read -r _ tcp _ <&3
read -r _ unix _ <&3

# call STATUS WORD...: one command against both endpoints.
call() {
    local expected=$1 url status
    shift
    for url in "$tcp" "$unix?codec=raw"; do
        status=0
        "${checked[@]}" "$programs/kvc" --timeout 60 --server "$url" "$@" \
            >"$scratch/out" 2>"$scratch/err" || status=$?
        if [ "$status" -ne "$expected" ]; then
            printf 'kvc %s: exit %s, not %s\n' "$*" "$status" "$expected"
            cat "$scratch/out" "$scratch/err"
            exit 1
        fi
    done
}

head -c 12288 /dev/urandom | base64 -w 0 >"$scratch/large"

call 0 ping
call 0 hset table hello world
call 0 hset table large "file:$scratch/large"
call 0 hset table large "file:$scratch/large"
call 0 hget table large
call 1 hget table absent
call 0 hmset table a int:1 b float:1.5 c bool:true d hex:00ff e base64:AAE=
call 0 hmget table a b absent
call 0 hgetall table
call 0 hexist table a
call 0 hmexist table a absent
call 0 hdel table a
call 0 hmdel table b c absent
call 2 hset table key hex:xyz
call 0 bench --clients 3 --threads 2 --keys 20 --requests 200 --warmup 0 --value-size 2KiB

kill -TERM "$server"
status=0
wait "$server" || status=$?
server=
if [ "$status" -ne 0 ]; then
    printf 'kvs under valgrind: exit %s\n' "$status"
    exit 1
fi
printf 'valgrind: no error, no leak\n'
