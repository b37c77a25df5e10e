# SPDX-License-Identifier: MIT
"""Clients of a kvs that is restarted. Each counts upwards: a connection that is refused, a reply that is lost and a change
that is made twice all show."""
import socket
import threading
import time

PIPELINE, BATCHES_A_CONNECTION = 8, 20
PROGRESS = 2 * PIPELINE * BATCHES_A_CONNECTION  # answers to each client between two restarts


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
        # An array, by which an endpoint of every codec knows RESP.
        words = ["HINCRBY", "restarts", self.key, "1"]
        request = (f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)).encode() * PIPELINE
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


def wait_for_progress(clients):
    """Each client is answered, over more than one connection, by every run."""
    before = [client.last for client in clients]
    deadline = time.monotonic() + 120
    while any(client.last < last + PROGRESS for client, last in zip(clients, before)):
        assert time.monotonic() < deadline, "a client waits for two minutes"
        time.sleep(0.002)


def report(name, rounds, clients):
    """Prints what the clients saw of so many restarts. False: a connection was refused, or an answer lost."""
    refused = [error for client in clients for error in client.refused]
    lost = sum(client.lost for client in clients)
    print(f"{name}: {rounds} restarts, {sum(client.connections for client in clients)} connections, "
          f"{sum(client.last for client in clients)} answers, {len(refused)} connections refused, {lost} answers lost, "
          f"{sum(client.worded for client in clients)} refused in words, "
          f"{sum(client.ended for client in clients)} connections ended by the server, "
          f"longest wait {max(client.longest for client in clients):.3f} s", flush=True)
    return not refused and lost == 0
