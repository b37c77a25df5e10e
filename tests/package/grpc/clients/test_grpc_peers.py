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


if __name__ == "__main__":
    KVS, *CLIENTS = map(os.path.abspath, sys.argv[1:])
    del sys.argv[1:]
    unittest.main()
