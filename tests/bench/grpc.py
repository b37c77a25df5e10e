#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""gRPC: CPU of one server per unary call and per streamed message, against the least servers of libgrpc++, loaded by h2load
over each in turn, A B A B.

usage: grpc.py BUILD [ROUNDS]

An Hget of 64 bytes with 64 calls in flight on one connection, and a stream of messages of 64 bytes. kvs answers the one from a
table of 10,000 keys, a service of 20 lines the other; libgrpc++'s servers answer with what they hold in their hand. A figure is
the median of the rounds (5), and of the ratios of each round, against the better of libgrpc++'s two kinds of server. The CPU
is the kernel's account of the server's process, all threads together. Fails where a goal is missed.
"""
import os
import pathlib
import re
import statistics
import struct
import subprocess
import sys
import tempfile

import bench

ROUNDS = 5
ROOT = pathlib.Path(__file__).resolve().parents[2]
CALLS, IN_FLIGHT = 100000, 64
STREAMS, MESSAGES = 40, 10000
GOALS = {"unary hget": 0.25, "streamed message": 0.30}


def run(*words, **more):
    return subprocess.run(words, check=True, **more)


def compile_server(build):
    """Makes the servers of libgrpc++ from their sources, as Debian's packages have the library."""
    made = build / "bench" / "grpc"
    made.mkdir(parents=True, exist_ok=True)
    includes = ["-I", ROOT / "proto", "-I", ROOT / "tests/bench/grpc"]
    plugin = subprocess.run(["which", "grpc_cpp_plugin"], capture_output=True, text=True, check=True).stdout.strip()
    protos = ["abi", "kv", "bench"]
    run("protoc", *includes, f"--cpp_out={made}", f"--grpc_out={made}", f"--plugin=protoc-gen-grpc={plugin}",
        *[f"{name}.proto" for name in protos])
    sources = [made / f"{name}.{kind}.cc" for name in protos for kind in ("pb", "grpc.pb")]
    run("g++", "-O2", "-DNDEBUG", "-std=c++17", "-I", made, "-o", made / "server", ROOT / "tests/bench/grpc/server.cc", *sources,
        "-lgrpc++", "-lgrpc", "-lgpr", "-lprotobuf", "-labsl_synchronization", "-lpthread")
    return made / "server"


def cpu_seconds(pid):
    """User and system time of a process in seconds, with that of threads which have ended: libgrpc++ has such."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Server:
    def __init__(self, *words):
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        preexec_fn=lambda: os.sched_setaffinity(0, bench.SERVER_CPUS))
        self.port = int(re.search(r":(\d+)", self.process.stdout.readline())[1])

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def call(server, method, body, requests, in_flight):
    """Has h2load make calls, and returns the seconds of the server's CPU."""
    before = cpu_seconds(server.process.pid)
    out = run("h2load", "-n", str(requests), "-c", "1", "-m", str(in_flight), "-d", body, "-H", "te: trailers", "-H",
              "content-type: application/grpc", f"http://127.0.0.1:{server.port}{method}", capture_output=True, text=True,
              preexec_fn=lambda: os.sched_setaffinity(0, bench.CLIENT_CPUS)).stdout
    if f"{requests} succeeded, 0 failed" not in out:
        sys.exit(f"bench: h2load had answers that failed:\n{out}")
    return cpu_seconds(server.process.pid) - before


def body_of(folder, name, message):
    path = pathlib.Path(folder, name)
    path.write_bytes(struct.pack(">BI", 0, len(message)) + message)
    return path


def field(number, content):
    return bytes([number << 3 | 2, len(content)]) + content


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def show(name, ours, theirs):
    """Prints a row. True if its goal is kept."""
    best = min(theirs, key=lambda kind: statistics.median(theirs[kind]))
    ratio = statistics.median(a / b for a, b in zip(ours, theirs[best]))
    columns = "".join(f"{statistics.median(theirs[kind]):10.3f} us" for kind in theirs)
    kept = ratio <= GOALS[name]
    print(f"{name:20}{statistics.median(ours):10.3f} us{columns}{ratio:8.3f}  goal <= {GOALS[name]:.2f}"
          + ("" if kept else ": MISSED"), flush=True)
    return kept


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    program = compile_server(build)
    kvs = Server(build / "kvs", "--threads", "1", "--listen", "tcp://127.0.0.1:0", "--listen", "?codec=grpc")
    stream = Server(build / "bench" / "grpc_stream")
    theirs = {kind: Server(program, kind) for kind in ("sync", "callback")}
    run(build / "kvc", "--server", f"tcp://127.0.0.1:{kvs.port}", "bench", "--clients", "1", "--mix", "hset=100", "--keys", "10000",
        "--requests", "20000", "--warmup", "0", stdout=subprocess.DEVNULL)
    run(build / "kvc", "--server", f"tcp://127.0.0.1:{kvs.port}", "hset", "t", "k", "v" * 64, stdout=subprocess.DEVNULL)
    print(f"one connection, 64 bytes; CPU of the server, medians of {rounds}")
    print(f"{'':20}{'weft':>13}{'sync':>13}{'callback':>13}{'ratio':>8}")
    try:
        with tempfile.TemporaryDirectory() as folder:
            hget = body_of(folder, "hget", field(1, b"t") + field(2, b"k"))
            ask = body_of(folder, "ask", b"\x08" + varint(MESSAGES))

            def unary(server):
                return call(server, "/weft.kv.v1.Kv/Hget", hget, CALLS, IN_FLIGHT) / CALLS * 1e6

            def streamed(server):
                return call(server, "/weft.bench.Bench/Stream", ask, STREAMS, 1) / STREAMS / MESSAGES * 1e6
            rows = {"unary hget": (unary, kvs), "streamed message": (streamed, stream)}
            kept = True
            for name, (measure, ours) in rows.items():
                measured, others = [], {kind: [] for kind in theirs}
                for _ in range(rounds):
                    measured.append(measure(ours))
                    for kind, server in theirs.items():
                        others[kind].append(measure(server))
                kept &= show(name, measured, others)
    finally:
        for server in (kvs, stream, *theirs.values()):
            server.stop()
    sys.exit(0 if kept else 1)


main()
