# SPDX-License-Identifier: MIT
"""The keepalive pings of kvs over gRPC: a stock client lives on, and one that is frozen is closed with a reason.
test_grpc_keepalive_pings.py KVS."""
import os
import re
import signal
import subprocess
import sys
import unittest

import grpc
from http2_frames import ACK, Connection
from ping_relay import Relay

TABLE, KEY = b"\x0a\x01t", b"\x12\x01k"
NOT_FOUND = b"\x08\x94\x03"
TIMEOUT = 60  # seconds; it decides no test that passes

WATCHER = """
import sys, grpc
channel = grpc.insecure_channel(sys.argv[1])
changes = channel.unary_stream("/weft.kv.v1.Kv/Watch")(b"\\x0a\\x01t")
next(changes)
print("watching", flush=True)
for change in changes:
    pass
"""


class Keepalive(unittest.TestCase):
    def serve(self, options):
        self.server = subprocess.Popen([KVS, "--log-level", "info", "--listen", f"tcp://127.0.0.1:0?codec=grpc&{options}"],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.server.communicate)
        self.addCleanup(self.server.terminate)
        return int(re.search(r":(\d+)", self.server.stdout.readline())[1])

    def wait_for_close(self):
        """Returns the first line of the log about a connection that ended."""
        return next(line for line in self.server.stderr if "event=close" in line)

    def test_client_that_answers_pings_is_left_alone(self):
        relay = Relay(self.serve("keepalive-time=1"))
        self.addCleanup(relay.close)
        with grpc.insecure_channel(f"127.0.0.1:{relay.port}") as channel:
            changes = channel.unary_stream("/weft.kv.v1.Kv/Watch")(TABLE)
            next(changes)
            relay.wait_for_answers(2)
            changes.cancel()
            relay.wait_for_answers(3)  # without a call, too
            reply = channel.unary_unary("/weft.kv.v1.Kv/Hget")(TABLE + KEY, timeout=TIMEOUT)
            self.assertTrue(reply.startswith(NOT_FOUND), reply)
            self.assertEqual(relay.clients, 1)
        self.server.terminate()
        _, log = self.server.communicate(timeout=TIMEOUT)
        self.assertNotIn("event=close", log)

    def test_frozen_client_is_closed(self):
        port = self.serve("keepalive-time=1&keepalive-timeout=1")
        client = subprocess.Popen([sys.executable, "-c", WATCHER, f"127.0.0.1:{port}"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(client.communicate)
        self.addCleanup(client.kill)
        self.assertEqual(client.stdout.readline(), "watching\n")
        client.send_signal(signal.SIGSTOP)
        self.assertIn('reason=peer-vanished detail="no answer to a keepalive ping"', self.wait_for_close())

    def test_client_that_answers_no_ping_is_closed(self):
        connection = Connection(self.serve("keepalive-time=1&keepalive-timeout=0.1"))
        self.addCleanup(connection.close)
        connection.wait_for(lambda event: event[0] == "END")
        self.assertEqual([event[2] & ACK for event in connection.events if event[0] == "PING"], [0])
        self.assertIn("reason=peer-vanished", self.wait_for_close())


if __name__ == "__main__":
    KVS = os.path.abspath(sys.argv.pop(1))
    unittest.main()
