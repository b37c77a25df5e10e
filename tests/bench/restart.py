# SPDX-License-Identifier: MIT
"""What a start costs a server that reads a million entries from its snapshot, and how large that file is."""

import os
import pathlib
import random
import signal
import socket
import subprocess
import time

import resident
import servers

ENTRIES = 1000000


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def values():
    """Of 64 bytes, each another one: a name and numbers, as records have them."""
    chance = random.Random(1)
    while True:
        text = f'{{"id":{chance.getrandbits(40)},"user":"u{chance.getrandbits(30)}","score":{chance.random():.9f}}}'
        yield text.ljust(64)[:64].encode()


def wait_for(condition, what):
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise SystemExit(f"bench: waited in vain for {what}")


def start_kvs(build, folder, options):
    words = [f"{build}/kvs", "--threads", "1", "--log-level", "warn", "--store", f"memory:{folder}/store?{options}",
             "--listen", "tcp://127.0.0.1:0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    process.proto, process.port = "kv", int(process.stdout.readline().split()[1].rsplit(":", 1)[1])
    return process


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait()


def snapshot_of(folder):
    """The snapshot, once nothing else but a journal that has just begun is there."""
    files = list(pathlib.Path(folder, "store").glob("snapshot-" + "[0-9]" * 20))
    return files[0] if len(files) == 1 else None


def kvs(build, folder):
    # One journal of all entries, then a small change that makes a snapshot due.
    server = start_kvs(build, folder, "sync=off&snapshot=64GiB")
    resident.fill(server, ENTRIES, values())
    stop(server)
    server = start_kvs(build, folder, "sync=off&snapshot=1KiB")
    resident.fill(server, 1, values())
    wait_for(lambda: snapshot_of(folder), "a snapshot")
    stop(server)
    size = snapshot_of(folder).stat().st_size
    server = start_kvs(build, folder, "sync=off&snapshot=64GiB")
    start = cpu_seconds(server.pid)
    stop(server)
    return {"start": start, "size": size / 1e6}


def ask(port, *words):
    """The reply, or nothing from a server that does not listen yet."""
    try:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(resident.resp(*words))
            return connection.recv(4096)
    except ConnectionRefusedError:
        return b""


def redis(_, folder):
    with servers.redis_on_disk(folder, None) as server:
        resident.fill(server, ENTRIES, values())
        ask(server.port, b"SAVE")
    size = pathlib.Path(folder, "dump.rdb").stat().st_size
    with servers.redis_on_disk(folder, None) as server:
        wait_for(lambda: ask(server.port, b"PING") == b"+PONG\r\n", "redis")
        start = cpu_seconds(server.pid)
    return {"start": start, "size": size / 1e6}
