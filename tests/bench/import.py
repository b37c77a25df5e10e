# SPDX-License-Identifier: MIT
"""A million rows: `kvc import` into kvs against `redis-cli --pipe` into redis, A B A B.

usage: import.py BUILD [ROWS]

Each run has a server of its own, with an empty store. The commands for redis are made beforehand,
HSET a row. Then the rows are exported again and compared. Fails where kvc is slower, holds more than
32 MiB, or gives other rows back.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

ROUNDS = 3
RESIDENT_MAX_KIB = 32 * 1024


def make_rows(folder, count):
    with open(f"{folder}/rows.csv", "wb") as csv, open(f"{folder}/rows.resp", "wb") as resp:
        for i in range(count):
            key, value = b"key:%09d" % i, b"value-%d" % (i * 7)
            csv.write(key + b"," + value + b"\n")
            resp.write(b"*4\r\n$4\r\nHSET\r\n$1\r\nt\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n"
                       % (len(key), key, len(value), value))


def measure(words, stdin=None):
    """Seconds, and the most that was resident, in KiB."""
    begin = time.monotonic()
    with subprocess.Popen(words, stdin=stdin, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{words[0]} failed: {child.returncode}")
    return time.monotonic() - begin, usage.ru_maxrss


def with_kvs(build, folder, work):
    with subprocess.Popen([f"{build}/kvs", "--listen", f"unix:{folder}/kvs.sock"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as kvs:
        try:
            url = kvs.stdout.readline().split()[1].decode()
            return work([f"{build}/kvc", "--server", url, "--timeout", "60"])
        finally:
            kvs.terminate()


def import_rows(folder):
    return lambda kvc: measure([*kvc, "import", "t", f"{folder}/rows.csv"])


def round_trip(folder):
    def work(kvc):
        measure([*kvc, "import", "t", f"{folder}/rows.csv"])
        return measure([*kvc, "export", "t", f"{folder}/out.csv"])
    return work


def with_redis(folder):
    socket = f"{folder}/redis.sock"
    words = ["redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly",
             "no", "--dir", folder]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as redis:
        try:
            client = ["redis-cli", "-s", socket]
            while subprocess.run([*client, "ping"], capture_output=True, check=False).returncode:
                time.sleep(0.05)
            with open(f"{folder}/rows.resp", "rb") as rows:
                return measure([*client, "--pipe"], rows)
        finally:
            redis.terminate()
            redis.wait()
            if os.path.exists(socket):
                os.remove(socket)


def same_lines(folder):
    command = "LC_ALL=C sort rows.csv > a && LC_ALL=C sort out.csv > b && cmp a b"
    return subprocess.run(["/bin/sh", "-c", command], cwd=folder, check=False).returncode == 0


def main():
    build, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1000000
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        make_rows(folder, count)
        ours, theirs, resident = [], [], 0
        for _ in range(ROUNDS):
            seconds, kib = with_kvs(build, folder, import_rows(folder))
            ours.append(seconds)
            resident = max(resident, kib)
            if shutil.which("redis-server"):
                theirs.append(with_redis(folder)[0])
        print(f"kvc import: {' '.join(f'{s:.2f}' for s in ours)} s, {resident} KiB resident")
        failed |= resident > RESIDENT_MAX_KIB
        if theirs:
            print(f"redis-cli --pipe: {' '.join(f'{s:.2f}' for s in theirs)} s")
            failed |= sorted(ours)[ROUNDS // 2] >= sorted(theirs)[ROUNDS // 2]
        seconds, kib = with_kvs(build, folder, round_trip(folder))
        print(f"kvc export: {seconds:.2f} s, {kib} KiB resident")
        failed |= kib > RESIDENT_MAX_KIB or not same_lines(folder)
    sys.exit("a goal is missed" if failed else 0)


main()
