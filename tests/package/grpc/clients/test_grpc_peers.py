# SPDX-License-Identifier: MIT
"""kvs over gRPC with clients of Go and C++, which print what they tried: in the clear, and over TLS, where the port speaks
several protocols and ALPN chooses. test_grpc_peers.py KVS CLIENT..."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from ping_relay import Relay

EXPECTED = """unary 200 v
large true
gzip true
many true
watch 100
deadline 4
cancel 1
unknown 12
"""


class Peers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        subprocess.run([KVS, "--make-certificate", self.folder], check=True, stdout=subprocess.DEVNULL)
        keys = f"cert={self.folder}/server.pem&key={self.folder}/server.key"
        self.server = subprocess.Popen([KVS, "--log-level", "warn", "--listen", "tcp://127.0.0.1:0?codec=grpc", "--listen",
                                        f"tls://127.0.0.1:0?codec=auto&{keys}"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.server.communicate)
        self.addCleanup(self.server.terminate)
        self.plain, self.secured = (re.search(r"127\.0\.0\.1:\d+", self.server.stdout.readline())[0] for _ in range(2))

    def assert_all_is_well(self, *words):
        for client in CLIENTS:
            with self.subTest(client=os.path.basename(client)):
                run = subprocess.run([client, *words], check=True, stdout=subprocess.PIPE, text=True, timeout=120)
                self.assertEqual(run.stdout, EXPECTED)

    def test_calls_streams_deadlines_and_cancels(self):
        self.assert_all_is_well(self.plain)

    def test_the_same_over_tls(self):
        self.assert_all_is_well(self.secured, self.folder / "ca.pem")


class Keepalive(unittest.TestCase):
    def test_clients_that_wait_answer_pings(self):
        server = subprocess.Popen([KVS, "--log-level", "info", "--listen", "tcp://127.0.0.1:0?codec=grpc&keepalive-time=1"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(server.communicate)
        self.addCleanup(server.terminate)
        relay = Relay(int(re.search(r":(\d+)", server.stdout.readline())[1]))
        self.addCleanup(relay.close)
        for client in CLIENTS:
            with self.subTest(client=os.path.basename(client)):
                before = relay.answers
                run = subprocess.Popen([client, f"127.0.0.1:{relay.port}", "wait"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
                self.addCleanup(run.communicate)
                self.addCleanup(run.kill)
                self.assertEqual(run.stdout.readline(), "watching\n")
                relay.wait_for_answers(before + 2)
                out, _ = run.communicate("\n", timeout=120)
                self.assertEqual(out, "unary 404\n")
        self.assertEqual(relay.clients, len(CLIENTS))
        server.terminate()
        _, log = server.communicate(timeout=120)
        # The end of the last client may come behind the drain.
        self.assertNotRegex(log, "reason=(?!peer-|drained)|peer-vanished", log)


if __name__ == "__main__":
    KVS, *CLIENTS = map(os.path.abspath, sys.argv[1:])
    del sys.argv[1:]
    unittest.main()
