# SPDX-License-Identifier: MIT
"""drains.py KVS ROUNDS: ends kvs (SIGTERM) while publishers count upwards to subscribers, over two threads and in lines.
Each subscriber must have every message that, by the answer to its publisher, went to all, in order, and then be told of the end; kvs must
exit with 0."""
import collections
import signal
import socket
import subprocess
import sys
import threading

SUBSCRIBERS, PUBLISHERS, MESSAGES = 50, 4, 200  # the last: answered to each publisher before the signal


class Publisher(threading.Thread):
    """Counts until it is refused, or has fewer receivers; `answered` is the last number that went to all."""

    def __init__(self, number, port, enough):
        super().__init__()
        self.number, self.enough = number, enough
        self.answered = 0
        self.peer = socket.create_connection(("127.0.0.1", port), timeout=60)

    def run(self):
        with self.peer, self.peer.makefile("rb") as replies:
            try:
                while True:
                    self.peer.sendall(b"publish t %d-%d\n" % (self.number, self.answered + 1))
                    # Fewer subscriptions are left once some have been told of the end.
                    if replies.readline() != b"200\t%d\n" % SUBSCRIBERS:
                        return
                    self.answered += 1
                    if self.answered == MESSAGES:
                        self.enough.release()
            except OSError:
                return


class Subscriber(threading.Thread):
    """Notes what comes until the connection ends."""

    def __init__(self, port):
        super().__init__()
        self.last = collections.defaultdict(int)  # by publisher
        self.wrong = self.end = None
        self.peer = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.lines = self.peer.makefile("rb")
        self.peer.sendall(b"subscribe t\n")
        assert self.lines.readline().startswith(b"200\t")

    def take(self, publisher, number):
        if number != self.last[publisher] + 1:
            self.wrong = f"{number} of publisher {publisher} came behind {self.last[publisher]}"
        self.last[publisher] = number

    def run(self):
        with self.peer:
            for line in self.lines:
                fields = line.decode().rstrip("\n").split("\t")
                if fields[0] == "message" and self.end is None:
                    self.take(*map(int, fields[2].split("-")))
                elif fields[0] == "end" and self.end is None:
                    self.end = fields[2]
                else:
                    self.wrong = f"unexpected: {line}"


def check(subscriber, publishers):
    """Returns what is wrong with what a subscriber got, or None."""
    for publisher in publishers:
        if subscriber.last[publisher.number] < publisher.answered:
            return (f"publisher {publisher.number} was answered for {publisher.answered}, "
                    f"and {subscriber.last[publisher.number]} came last")
    return subscriber.wrong or (None if subscriber.end == "503" else f"the end was {subscriber.end}")


def drain(kvs):
    """One round. Returns the messages that were answered."""
    words = [kvs, "--threads", "2", "--log-level", "error", "--listen", "tcp://127.0.0.1:0?codec=line"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline().split("127.0.0.1:")[1].split("?")[0].split()[0])
        enough = threading.Semaphore(0)
        subscribers = [Subscriber(port) for _ in range(SUBSCRIBERS)]
        publishers = [Publisher(number, port, enough) for number in range(PUBLISHERS)]
        for thread in subscribers + publishers:
            thread.start()
        for _ in publishers:
            assert enough.acquire(timeout=60)
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)
        for thread in subscribers + publishers:
            thread.join(60)
    faults = [fault for fault in (check(subscriber, publishers) for subscriber in subscribers) if fault]
    if code != 0:
        faults.append(f"kvs exited with {code}")
    if faults:
        raise SystemExit("drains: " + "; ".join(faults[:5]))
    return sum(publisher.answered for publisher in publishers)


def main():
    rounds = int(sys.argv[2])
    messages = sum(drain(sys.argv[1]) for _ in range(rounds))
    print(f"{rounds} of {rounds} drains: each of {SUBSCRIBERS} subscribers had all {messages} messages that were answered, in "
          "order, and was told of the end; exit 0")


if __name__ == "__main__":
    main()
