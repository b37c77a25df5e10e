#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every test program that can, under valgrind, and with it the kvs and kvc that it starts; then a mob
# against a kvs under valgrind. Fails on any error or lost block. usage: valgrind_tests.sh BUILD-FOLDER
set -euo pipefail

build=$1
logs=$build/valgrind
mob_seconds=15

# What cannot or need not run: a pattern and why.
left_out='
test_fault             leaks on purpose
test_mem_pages         asks about pages that are gone
test_(.*_)?simulation  a thousand seeds, which run under ASan
test_allocation_faults thousands of sessions, which run under ASan
test_syscall_faults    the same
test_server_fault      the same
test_kvs.*             starts programs by the hundred; valgrind_session.sh has every command
test_(listening|one_port)  the same
test_interop_.*        waits for the clients of others, by the thousand; runs under ASan
test_(kept|length_field|http|length_delimited_gzip|store_late|store_memory)_contract  minutes of every split at every byte; runs under ASan
test_kept(_damage)?    minutes of journals; runs under ASan, as the smaller test_kept_... do here
test_(store_redis_.*|redis_cluster)    starts a cluster of servers; runs under ASan
test_pb_differential   thousands of messages, compared; runs under ASan
test_kept_power        a thousand power cuts, which run under ASan
test_must_shrink       megabytes through every level; runs under ASan
test_kvc.*             the same
test_operation         the same
test_values            the same
test_link_rules        reads archives
test_install           builds projects
test_examples          builds projects
test_(exports|consumers|plugins|selftest|suites_installed)  build projects
test_kv_mirror         also mirrors a table of lmdb, of which the next line
test_store_lmdb_.*     reserves a tebibyte of addresses, which valgrind has not; runs under ASan
test_store_rocksdb_.*  minutes within librocksdb; runs under ASan
test_store_(sweep|refusals)  minutes of filling memory; runs under ASan
test_tls_(faults|handshake|verify)  thousands of handshakes, which run under ASan
test_users_layer       minutes of hashing passwords; runs under ASan
test_(ws_frames|refusals)  every length and every refusal, minutes; runs under ASan
test_suites_catch      runs plugins whose mistakes are on purpose
test_lines_codec       is of the examples
test_(pipelining|vectors_.*)_(ws|tls|wss|yamux)   the tests of the wire once more, through filters; run under ASan
test_clients           runs Python and Node
test_client            looks for secrets in memory that was let go, part of which was never written
test_tables            runs no code of ours, as those that follow
test_man
test_pictures
test_bash
test_zsh
test_fish
.*_(zlib|libdeflate|isal)  the same tests with each engine; without that, with those of the build
'

checked=(valgrind --quiet --error-exitcode=99 --leak-check=full
    '--show-leak-kinds=definite,possible' '--errors-for-leak-kinds=definite,possible')

patterns=$(awk 'NF { print $1 }' <<<"$left_out" | paste -sd '|')
mapfile -t tests < <(find "$build/tests" -maxdepth 1 -name 'test_*' -type f -executable -printf '%f\n' |
    grep -vxE "$patterns" | sort)
[ ${#tests[@]} -gt 0 ] || {
    printf 'valgrind: there are no tests in %s\n' "$build" >&2
    exit 2
}
mkdir -p "$logs"

# run_test NAME: its report where it fails.
run_test() {
    "${checked[@]}" --trace-children=yes --trace-children-skip='/bin/*,/usr/*' "$build/tests/$1" \
        >"$logs/$1.log" 2>&1 && return
    printf 'valgrind: %s failed\n' "$1"
    tail -n 60 "$logs/$1.log"
    return 1
}

# One more than there are CPUs, for they wait for timers and for each other as well.
at_a_time=$(($(getconf _NPROCESSORS_ONLN) + 1))
failed=0
running=0
for name in "${tests[@]}"; do
    if [ "$running" -ge "$at_a_time" ]; then
        wait -n || failed=1
        running=$((running - 1))
    fi
    run_test "$name" &
    running=$((running + 1))
done
for ((; running > 0; running--)); do
    wait -n || failed=1
done
printf 'valgrind: %d tests\n' ${#tests[@]}

"$build/tests/soak/soak" "$mob_seconds" "${checked[@]}" || failed=1
exit $failed
