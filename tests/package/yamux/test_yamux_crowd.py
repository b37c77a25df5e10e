# SPDX-License-Identifier: MIT
"""A thousand streams of one session between kvs or the client library and hashicorp's library (crowd.go, crowd.c).
test_yamux_crowd.py KVS CROWD PEER [TEST...]"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

URL = "yamux://127.0.0.1:0?codec=raw&streams=1000&backlog=1000&idle-frames=10000"
PATIENCE = 100


class GoClient(unittest.TestCase):
    """Go's client over kvs."""

    def setUp(self):
        self.log = tempfile.TemporaryFile(mode="w+")
        self.addCleanup(self.log.close)
        self.server = subprocess.Popen(
            [KVS, "--threads", "1", "--log-level", "debug", "--listen", URL, "--admin", "tcp://127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.addCleanup(self.server.communicate)
        self.addCleanup(self.server.terminate)
        listening = [self.server.stdout.readline().split()[1] for _ in range(2)]
        self.admin = listening[1].replace("tcp", "http")
        self.before = self.descriptors()
        port = re.search(r":(\d+)", listening[0])[1]
        self.peer = subprocess.Popen([PEER, "client", "127.0.0.1:" + port, "crowd"], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.peer.communicate)
        self.addCleanup(self.peer.kill)

    def rows(self):
        """The rows of /connections that are sessions of yamux or streams."""
        run = subprocess.run(["curl", "-sS", "--max-time", "60", self.admin + "/connections?limit=2000"], check=True,
                             stdout=subprocess.PIPE, timeout=100)
        return [row for row in json.loads(run.stdout)["connections"] if row.get("session") or "streams" in row]

    def streams(self):
        """How many streams the session says it has, and how many are there."""
        rows = self.rows()
        said = sum(row.get("streams", 0) for row in rows)
        return said, sum(1 for row in rows if "streams" not in row)

    def descriptors(self):
        return len(list(pathlib.Path(f"/proc/{self.server.pid}/fd").iterdir()))

    def wait_for(self, read, wanted):
        deadline = time.monotonic() + PATIENCE
        while read() != wanted and time.monotonic() < deadline:
            pass
        self.assertEqual(read(), wanted)

    def meet(self, word):
        line = self.peer.stdout.readline()
        if line != word + "\n":
            self.fail(f"{line!r} where {word!r} is due: {self.peer.communicate()[1]}")

    def go_on(self):
        self.peer.stdin.write("\n")
        self.peer.stdin.flush()

    def test_thousand_streams_flow_while_a_third_is_reset_and_one_is_not_read(self):
        self.meet("open")
        self.wait_for(self.streams, (1000, 1000))
        self.go_on()
        self.meet("reset")
        self.wait_for(self.streams, (1000 - 333, 1000 - 333))
        self.go_on()
        self.meet("closed")
        self.wait_for(self.streams, (0, 0))
        self.go_on()
        self.assertEqual(self.peer.stdout.readline(), "ok\n")
        self.wait_for(self.rows, [])
        self.wait_for(self.descriptors, self.before)
        self.server.terminate()
        self.assertEqual(self.server.wait(timeout=PATIENCE), 0)
        self.log.seek(0)
        closed = dict(re.findall(r"closed\.(\S+)=(\d+)", self.log.read()))
        closed = {reason: int(count) for reason, count in closed.items()}
        # The session's own end is a reset if the library has left an answer to a ping unread.
        self.assertIn(closed, [{"peer-closed": 668, "peer-reset": 333}, {"peer-closed": 667, "peer-reset": 334}])


class GoServer(unittest.TestCase):
    """A thousand of our clients over Go's server."""

    def test_thousand_clients_of_a_session_are_served_or_reset_and_one_waits(self):
        peer = subprocess.Popen([PEER, "crowd"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(peer.communicate)
        address = peer.stdout.readline().strip()
        url = f"yamux://{address}?streams=1000&backlog=1000&idle-frames=10000"
        crowd = subprocess.Popen([CROWD, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(crowd.kill)
        self.assertEqual(crowd.stdout.readline() or crowd.communicate(timeout=PATIENCE)[1], "flowed\n")
        peer.stdin.write("\n")
        peer.stdin.flush()
        said = crowd.communicate(timeout=PATIENCE)
        self.assertEqual(said, ("ok: 334 served, 333 reset, 333 closed\n", ""))
        self.assertEqual(peer.stdout.readline(), "ended\n")


if __name__ == "__main__":
    KVS, CROWD, PEER = (os.path.abspath(path) for path in sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
