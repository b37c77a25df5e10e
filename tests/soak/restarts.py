# SPDX-License-Identifier: MIT
"""restarts.py KVS ROUNDS: restarts kvs again and again under the load of clients, by a manager that keeps its sockets
and by a new kvs that takes over from the old."""
import os
import signal
import subprocess
import sys
import tempfile

from counting import Client, report, wait_for_progress

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "programs"))
from service_manager import Manager  # pylint: disable=wrong-import-position

CLIENTS = 16
STORE = "memory:%s"


def by_manager(kvs, folder, words, rounds):
    """Yields the address, and then after each restart."""
    manager = Manager(kvs, os.path.join(folder, "log"))
    run = manager.start(words)
    try:
        yield run.read_url()
        for _ in range(rounds):
            manager.wait_for("READY")
            run.signal(signal.SIGTERM)
            code = run.wait()
            assert code == 0, f"exit {code}"
            run = manager.start(words)
            run.read_url()
            yield None
    finally:
        run.signal(signal.SIGTERM)
        run.wait()
        manager.close()


def by_takeover(kvs, folder, words, rounds):
    words = [kvs, *words, "--handover", os.path.join(folder, "handover")]
    with open(os.path.join(folder, "log"), "ab") as log:
        def start():
            run = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True)
            return run, run.stdout.readline().split()[1]

        run, url = start()
        try:
            yield url
            for _ in range(rounds):
                old = run
                run, _ = start()
                assert old.wait() == 0, f"exit {old.returncode}"
                yield None
        finally:
            run.terminate()
            assert run.wait() == 0, f"exit {run.returncode}"


def measure(way, kvs, rounds):
    with tempfile.TemporaryDirectory(prefix="weft-restarts-") as folder:
        words = ["--listen", "tcp://127.0.0.1:0?codec=resp", "--threads", "2", "--log-level", "warn", "--store",
                 STORE % os.path.join(folder, "data")]
        restarts = way(kvs, folder, words, rounds)
        host, _, port = next(restarts).rpartition("/")[2].rpartition(":")
        clients = [Client(i, (host, int(port))) for i in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            wait_for_progress(clients)
            for _ in restarts_of(restarts, clients):
                pass
        finally:
            restarts.close()
    return clients


def restarts_of(restarts, clients):
    """Restarts while the clients count, and ends them before the last run ends."""
    try:
        for _ in range(ROUNDS):
            next(restarts)
            wait_for_progress(clients)
            yield
    finally:
        for client in clients:
            client.done = True
        for client in clients:
            client.join()


ROUNDS = int(sys.argv[2])


def main():
    held = [report(name, ROUNDS, measure(way, sys.argv[1], ROUNDS))
            for name, way in (("manager", by_manager), ("takeover", by_takeover))]
    if not all(held):
        raise SystemExit("restarts: connections were refused, or answers lost")


main()
