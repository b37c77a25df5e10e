# SPDX-License-Identifier: MIT
"""kvs and kvc over yamux against hashicorp's library in Go (peer.go).
Run from the root of the tree: test_yamux_go.py KVS KVC PEER [TEST...]."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest


class Peers(unittest.TestCase):
    url = "yamux://127.0.0.1:0?codec=raw"
    options = ["--max-frame", "16MiB"]

    def start(self, url):
        # A file, since nobody reads while the server runs, and a pipe that is full would stop it.
        self.log = tempfile.TemporaryFile(mode="w+")
        self.addCleanup(self.log.close)
        server = subprocess.Popen([KVS, "--log-level", "debug", *self.options, "--listen", url],
                                  stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.addCleanup(server.communicate)
        self.addCleanup(server.terminate)
        address = server.stdout.readline().split()[1]
        return server, address

    def end(self, server):
        server.terminate()
        server.wait(timeout=100)
        self.log.seek(0)
        log = self.log.read()
        self.assertEqual(server.returncode, 0, log)
        return log


class GoClients(Peers):
    def wait_until_closed(self, server, before):
        """Until the session's descriptor is gone, since a drain would be the reason of one that has not ended."""
        folder, deadline = pathlib.Path(f"/proc/{server.pid}/fd"), time.monotonic() + 100
        while len(list(folder.iterdir())) > before and time.monotonic() < deadline:
            pass
        self.assertLessEqual(len(list(folder.iterdir())), before)

    def run_case(self, name, url=None):
        server, address = self.start(url or self.url)
        before = len(list(pathlib.Path(f"/proc/{server.pid}/fd").iterdir()))
        port = re.search(r":(\d+)", address)[1]
        done = subprocess.run([PEER, "client", "127.0.0.1:" + port, name], timeout=200,
                              capture_output=True, text=True)
        self.assertEqual((done.stdout, done.stderr), ("ok\n", ""))
        self.wait_until_closed(server, before)
        return self.end(server)

    def test_hundred_streams_at_once_are_answered_each_in_its_order(self):
        log = self.run_case("streams")
        self.assertIn("closed.peer-closed=101", log)

    def test_what_came_before_the_end_of_a_side_is_answered(self):
        self.run_case("half-close")

    def test_slow_stream_holds_up_no_other(self):
        self.run_case("slow")

    def test_values_of_ten_mebibytes_pass_on_three_streams(self):
        self.run_case("large")

    def test_larger_windows_are_granted(self):
        self.run_case("large", self.url + "&window=4MiB")

    def test_pings_are_answered(self):
        self.run_case("pings")

    def test_streams_beyond_the_limit_are_reset(self):
        self.run_case("limit")

    def test_stream_is_held_up_by_its_window_alone(self):
        self.run_case("window")

    def test_pings_of_the_library_pass_beside_requests(self):
        self.run_case("keepalive")

    def test_silent_session_is_asked_and_lives_by_its_answers(self):
        self.run_case("asked", self.url + "&session-keepalive=1")

    def test_session_that_does_not_answer_is_given_up(self):
        log = self.run_case("silent", self.url + "&session-keepalive=1&ping-timeout=0.1")
        self.assertIn('detail="the peer has not answered a ping"', log)

    def test_streams_that_are_reset_take_nothing_with_them(self):
        log = self.run_case("reset")
        self.assertNotIn("reason=protocol", log)

    def test_client_that_takes_no_streams_opens_some(self):
        self.run_case("away")

    def test_bytes_of_another_protocol_end_their_stream_alone(self):
        log = self.run_case("foreign")
        self.assertIn("reason=foreign-protocol", log)

    def test_drain_ends_the_session_when_its_streams_have_ended(self):
        server, address = self.start(self.url)
        client = subprocess.Popen([PEER, "client", address.split("//")[1], "drain"],
                                  stdout=subprocess.PIPE, text=True)
        self.addCleanup(client.communicate)
        self.assertEqual(client.stdout.readline(), "ready\n")
        log = self.end(server)
        self.assertEqual(client.stdout.readline(), "ok\n")
        self.assertIn("closed.drained=2", log)


class GoServers(Peers):
    """kvc speaks yamux to Go, and Go speaks tcp to kvs."""

    words = ()

    def setUp(self):
        _, address = self.start("tcp://127.0.0.1:0")
        proxy = subprocess.Popen([PEER, "server", address.split("//")[1], *self.words],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(proxy.communicate)
        self.address = "yamux://" + proxy.stdout.readline().strip()

    def kvc(self, *words, stdin=None):
        done = subprocess.run([KVC, "--server", self.address, *words], timeout=200, input=stdin,
                              capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout

    def test_kvc_sets_and_gets(self):
        self.kvc("hset", "t", "k", "v")
        self.assertEqual(self.kvc("hget", "t", "k"), b"v\n")

    def test_kvc_imports_and_exports(self):
        rows = "".join(f"key-{i},value-{i}\n" for i in range(5000))
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "rows.csv")
            path.write_text(rows)
            self.kvc("import", "t", str(path))
            self.assertEqual(self.kvc("count", "t").strip(), b"5000")

    def test_kvc_moves_values_of_ten_mebibytes(self):
        value = os.urandom(5 << 20).hex().encode()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "value")
            path.write_bytes(value)
            self.kvc("--max-frame", "16MiB", "hset", "t", "large", "file:" + str(path))
            got = self.kvc("--max-frame", "16MiB", "hget", "t", "large")
            self.assertEqual(got, b"hex:" + value.hex().encode() + b"\n")


    def test_streams_of_kvc_are_carried_by_turns(self):
        shown = self.kvc("bench", "--clients", "100", "--streams", "100", "--pipeline", "4", "--requests", "4000", "--warmup",
                         "0", "--mix", "hget=100", "--keys", "10")
        self.assertRegex(shown.decode(), r"(?m)^hget +\d")


class GoServersThatGoAway(GoServers):
    """GO_AWAY is about new streams: the one that there is goes on. All that kvc does with one stream is done again."""
    words = ("away",)
    test_streams_of_kvc_are_carried_by_turns = None


class Vectors(unittest.TestCase):
    def test_vectors_are_what_the_library_writes(self):
        done = subprocess.run([PEER, "vectors"], timeout=100, capture_output=True, text=True,
                              check=True)
        rows = pathlib.Path("tests/vectors/yamux.jsonl").read_text().splitlines()
        self.assertEqual(done.stdout.split(), [json.loads(row)["send_hex"] for row in rows])


if __name__ == "__main__":
    KVS, KVC, PEER = (os.path.abspath(path) for path in sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
