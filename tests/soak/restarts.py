# SPDX-License-Identifier: MIT
"""restarts.py KVS ROUNDS: restarts kvs again and again under the load of clients, by a manager that keeps its sockets
and by a new kvs that takes over from the old. Each client counts upwards: a connection that is refused, a reply that is
lost and a change that is made twice all show."""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "programs"))
from service_manager import Manager  # pylint: disable=wrong-import-position

CLIENTS, PIPELINE, BATCHES_A_CONNECTION = 16, 8, 20
PROGRESS = 2 * PIPELINE * BATCHES_A_CONNECTION  # answers to each client between two restarts
STORE = "memory:%s"


class Client(threading.Thread):
    """Counts a key of its own, a few requests at a time, and connects anew after some of them and after each end."""

    def __init__(self, number, address):
        super().__init__()
        self.key, self.address = f"client{number}", address
        self.done = False
        self.last = self.connections = 0
        self.refused, self.lost, self.worded, self.ended = [], 0, 0, 0
        self.longest = 0.0

    def run(self):
        while not self.done:
            begin = time.monotonic()
            try:
                peer = socket.create_connection(self.address, timeout=120)
            except OSError as error:
                self.refused.append(error)
                continue
            self.connections += 1
            with peer, peer.makefile("rb") as replies:
                try:
                    self.talk(peer, replies, begin)
                except OSError:  # what was executed shows at the next connection
                    self.ended += 1

    def talk(self, peer, replies, begin):
        worded = self.worded
        request = f"HINCRBY restarts {self.key} 1\r\n".encode() * PIPELINE
        for _ in range(BATCHES_A_CONNECTION):
            if self.done:
                return
            peer.sendall(request)
            for _ in range(PIPELINE):
                if not self.take(replies.readline()):
                    self.ended += 1
                    return
                self.longest = max(self.longest, time.monotonic() - begin)
            begin = time.monotonic()
            if self.worded > worded:
                return

    def take(self, reply):
        if not reply.endswith(b"\n"):
            return False
        if reply[:1] == b"-":
            self.worded += 1
            return True
        count = int(reply[1:])
        self.lost += count - self.last - 1
        self.last = count
        return True


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


def wait_for_progress(clients):
    """Each client is answered, over more than one connection, by every run."""
    before = [client.last for client in clients]
    deadline = time.monotonic() + 120
    while any(client.last < last + PROGRESS for client, last in zip(clients, before)):
        assert time.monotonic() < deadline, "a client waits for two minutes"
        time.sleep(0.002)


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


def report(name, clients):
    refused = [error for client in clients for error in client.refused]
    lost = sum(client.lost for client in clients)
    print(f"{name}: {ROUNDS} restarts, {sum(client.connections for client in clients)} connections, "
          f"{sum(client.last for client in clients)} answers, {len(refused)} connections refused, {lost} answers lost, "
          f"{sum(client.worded for client in clients)} refused in words, "
          f"{sum(client.ended for client in clients)} connections ended by the server, "
          f"longest wait {max(client.longest for client in clients):.3f} s", flush=True)
    return not refused and lost == 0


ROUNDS = int(sys.argv[2])


def main():
    held = [report(name, measure(way, sys.argv[1], ROUNDS))
            for name, way in (("manager", by_manager), ("takeover", by_takeover))]
    if not all(held):
        raise SystemExit("restarts: connections were refused, or answers lost")


main()
