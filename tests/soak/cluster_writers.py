# SPDX-License-Identifier: MIT
"""Writers to kvs that know what they must find there."""
import http.client
import itertools
import threading
import time

TABLE, PAUSE = "scenario", 0.1


class Writer(threading.Thread):
    """Writes growing numbers to its keys, each in turn, with a pause after each command. A key is read back before it is
    overwritten: at most `sent` and at least `kept` may be there. The keys are few, so that a write that takes effect long
    after its 504 overwrites a newer one. All are of one master, number `shard`."""

    def __init__(self, keys, shard, kvs):
        super().__init__(daemon=True)
        self.keys, self.shard, self.kvs = keys, shard, kvs
        self.peer = http.client.HTTPConnection(kvs.machine.address, kvs.http_port, timeout=60)
        self.kept, self.sent = dict.fromkeys(keys, 0), dict.fromkeys(keys, 0)
        self.done, self.go = False, threading.Event()
        self.idle = threading.Event()
        self.number = self.acknowledged = self.refused = self.unknown = 0
        self.wrong, self.words = [], {}
        self.last, self.longest = time.monotonic(), 0.0
        self.go.set()

    def run(self):
        try:
            self.go_on()
        except (http.client.HTTPException, OSError) as failure:
            words = f"a connection ended: {failure}"
            self.words[words] = self.words.get(words, 0) + 1

    def go_on(self):
        for key in itertools.cycle(self.keys):
            if not self.go.is_set():
                self.idle.set()
                self.go.wait()
                self.last = time.monotonic()
            if self.done:
                return
            self.check(key, self.read(key))
            time.sleep(PAUSE)
            self.write(key)
            time.sleep(PAUSE)

    def hold(self):
        self.idle.clear()
        self.go.clear()

    def resume(self):
        self.longest = 0.0
        self.go.set()

    def ask(self, method, key, body=None):
        """By HTTP: for RESP kvs asks as well if a string has the table's name, maybe of another node."""
        self.peer.request(method, f"/v1/tables/{TABLE}/keys/{key}", body)
        reply = self.peer.getresponse()
        return reply.status, reply.read()

    def read(self, key):
        """Returns None if the store is away."""
        status, body = self.ask("GET", key)
        if status in (200, 404):
            return int(body) if status == 200 else 0
        self.note("GET", status, body)
        return None

    def check(self, key, value):
        if value is None:
            return
        if not self.kept[key] <= value <= self.sent[key]:
            self.wrong.append((key, self.kept[key], value, self.sent[key]))
        self.kept[key] = max(value, self.kept[key])

    def write(self, key):
        self.number += 1
        status, body = self.ask("PUT", key, str(self.number))
        if status not in (201, 204):
            self.note("PUT", status, body)
            if status == 503:
                self.refused += 1  # which promises that nothing took effect
            else:
                self.unknown += 1
                self.sent[key] = self.number
            return
        self.kept[key] = self.sent[key] = self.number
        self.acknowledged += 1
        now = time.monotonic()
        self.longest, self.last = max(self.longest, now - self.last), now

    def note(self, method, status, body):
        words = f"{method}: {status} {body.decode().strip()}"
        self.words[words] = self.words.get(words, 0) + 1

    def check_all(self):
        """Reads each key, if need be several times."""
        for key in self.keys:
            while (value := self.read(key)) is None:
                time.sleep(PAUSE)
            self.check(key, value)


def place_keys(cluster, kvs, count):
    """Writes candidates, and returns those that lie on each master."""
    kvs.connect().hset(TABLE, mapping={f"key{i}": 0 for i in range(count)})
    places = []
    for node in cluster.masters():
        asked = node.ask()
        places.append(sorted(key.decode() for bucket in asked.keys("{t:%s:*}" % TABLE) for key in asked.hkeys(bucket)))
    assert sum(len(keys) for keys in places) == count, "some keys lie nowhere"
    return places
