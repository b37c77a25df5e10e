# SPDX-License-Identifier: MIT
"""kvs and kvc over yamux on everything that can be below it, and each of them with a peer that speaks something else.
test_yamux_programs.py KVS KVC BELOW [TEST...]; BELOW names what the build has: "tcp unix tls ws wss http"."""
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

PLACES = {
    "yamux": "yamux://127.0.0.1:0",
    "tcp": "yamux+tcp://127.0.0.1:0",
    "unix": "yamux+unix:{folder}/socket",
    "tls": "yamux+tls://127.0.0.1:0",
    "ws": "yamux+ws://127.0.0.1:0/kv",
    "wss": "yamux+wss://127.0.0.1:0/kv",
    "tls+unix": "yamux+tls+unix:{folder}/sealed",
}


def is_sealed(url):
    return "tls" in url or "wss" in url


class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)
        if "tls" in BELOW:
            subprocess.run([KVS, "--make-certificate", temporary.name], check=True, capture_output=True, timeout=60)

    options = ()

    def start(self, *urls):
        """Returns the server and its addresses, as clients name them."""
        listens = []
        for url in urls:
            url = url.format(folder=self.folder)
            if is_sealed(url):
                url += f"?cert={self.folder}/server.pem&key={self.folder}/server.key"
            listens += ["--listen", url]
        server = subprocess.Popen([KVS, "--threads", "2", "--log-level", "debug", *self.options, *listens],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(server.communicate)
        self.addCleanup(server.terminate)
        addresses = []
        for _ in urls:
            address = server.stdout.readline().split()[1].split("?")[0]
            addresses.append(address + (f"?ca={self.folder}/ca.pem&name=localhost" if is_sealed(address) else ""))
        return server, addresses

    def end(self, server):
        server.terminate()
        _, log = server.communicate(timeout=60)
        self.assertEqual(server.returncode, 0, log)
        return log

    def kvc(self, url, *words, code=(0,)):
        """Returns what kvc prints, or, if it is to fail, says."""
        done = subprocess.run([KVC, "--server", url, *words], timeout=60, capture_output=True, text=True, check=False)
        self.assertIn(done.returncode, code, done)
        return done.stdout if done.returncode == 0 else done.stderr


class Below(Programs):
    def places(self):
        return {name: url for name, url in PLACES.items()
                if name == "yamux" or all(part in BELOW for part in name.split("+"))}

    def test_values_pass_over_all_that_can_be_below(self):
        server, addresses = self.start(*self.places().values())
        for name, address in zip(self.places(), addresses):
            with self.subTest(below=name):
                self.kvc(address, "hset", "t", name, "over " + name)
                self.assertEqual(self.kvc(address, "hget", "t", name), f"over {name}\n")
                self.assertEqual(self.kvc(addresses[0], "hget", "t", name), f"over {name}\n")
        log = self.end(server)
        self.assertNotIn("reason=protocol", log)

    def test_large_values_and_many_streams_pass_over_what_changes_the_bytes_below(self):
        value = self.folder / "value"
        value.write_bytes(os.urandom(1 << 20))
        places = {name: url for name, url in self.places().items() if name in ("yamux", "unix", "wss")}
        server, addresses = self.start(*places.values())
        for name, address in zip(places, addresses):
            with self.subTest(below=name):
                self.kvc(address, "hset", "t", "large", f"file:{value}")
                back = self.kvc(address, "hget", "t", "large").strip()
                self.assertEqual(bytes.fromhex(back.removeprefix("hex:")), value.read_bytes())
                shown = self.kvc(address, "bench", "--clients", "20", "--streams", "10", "--pipeline", "4", "--requests",
                                 "1000", "--warmup", "0", "--mix", "hget=100", "--keys", "10")
                self.assertRegex(shown, r"(?m)^hget +\d")
        log = self.end(server)
        self.assertNotIn("reason=protocol", log)


class Sessions(Programs):
    """The admin service shows sessions and their streams, and ends either."""
    options = ("--admin", "tcp://127.0.0.1:0")

    def frame(self, sock):
        """Returns type, flags, stream and length of the next one."""
        header = b""
        while len(header) < 12:
            part = sock.recv(12 - len(header))
            if not part:
                return None
            header += part
        return struct.unpack(">xBHII", header)

    def rows(self):
        run = subprocess.run(["curl", "-sS", "--max-time", "20", self.admin + "/connections"], check=True,
                             stdout=subprocess.PIPE, timeout=60)
        return json.loads(run.stdout)["connections"]

    def delete(self, number):
        subprocess.run(["curl", "-fsS", "--max-time", "20", "-X", "DELETE", f"{self.admin}/connections/{number}"],
                       check=True, stdout=subprocess.DEVNULL, timeout=60)

    def test_streams_are_shown_with_their_session_and_either_is_ended(self):
        if "http" not in BELOW:
            return
        server, (address,) = self.start("yamux://127.0.0.1:0")
        self.admin = server.stdout.readline().split()[1].replace("tcp", "http")
        host, port = address.split("//")[1].split(":")
        with socket.create_connection((host, int(port)), timeout=60) as sock:
            for stream in 1, 3:
                sock.sendall(struct.pack(">xBHII", 1, 1, stream, 0))
                self.assertEqual(self.frame(sock), (1, 2, stream, 0))
            rows = self.rows()
            session, = [row for row in rows if "streams" in row]
            streams = {row["address"].split("#")[1]: row for row in rows if row.get("session") == session["id"]}
            self.assertEqual((session["streams"], sorted(streams)), (2, ["1", "3"]))
            self.assertEqual(streams["1"]["address"], session["address"] + "#1")
            clients = self.kvc(address, "--admin", self.admin.replace("http", "tcp"), "clients")
            self.assertRegex(clients, rf"(?m)^{session['id']} .* 2 streams +- +open .* -$")
            self.delete(streams["3"]["id"])
            self.assertEqual(self.frame(sock)[2], 3)
            sock.sendall(struct.pack(">xBHII", 2, 1, 0, 7))
            self.assertEqual(self.frame(sock), (2, 2, 0, 7))
            self.delete(session["id"])
            while self.frame(sock):
                pass
        log = self.end(server)
        self.assertEqual(log.count("reason=killed"), 2)


class OtherPeers(Programs):
    """A URL that says yamux where the other end does not, and the other way round."""

    def asked(self, listen, scheme, code, *options):
        server, (address,) = self.start(listen)
        at = re.search(r"127\.0\.0\.1:\d+", address)[0]
        said = self.kvc(f"{scheme}://{at}", *options, "hget", "t", "k", code=code)
        return said.replace(at, "AT"), self.end(server)

    def test_server_of_frames_does_not_answer_yamux(self):
        said, _ = self.asked("tcp://127.0.0.1:0", "yamux", (4,), "--timeout", "0.5")
        self.assertTrue(said.startswith(
            "kvc: no reply from yamux://AT within 0.5 s; nothing of yamux has come back, so this may be the address of "
            "another protocol"), said)

    def test_answers_of_other_protocols_are_named(self):
        for codec in ["resp"] + ["http"] * ("http" in BELOW):
            with self.subTest(codec=codec):
                # The answer may come before or after the first request has left.
                said, _ = self.asked("tcp://127.0.0.1:0?codec=" + codec, "yamux", (3, 5))
                self.assertIn(f"yamux://AT: its first bytes are {codec.upper()}, not yamux", said)

    def test_client_of_frames_hears_that_the_server_speaks_yamux(self):
        said, log = self.asked("yamux://127.0.0.1:0", "tcp", (5,))
        self.assertIn("the server answered in yamux, not in codec 'length-delimited-gzip': is tcp://AT the right address?",
                      said)
        self.assertRegex(log, "reason=protocol detail=\"its first bytes are not yamux: does the client's URL say yamux")

    def test_curl_is_named_in_the_log(self):
        server, (address,) = self.start("yamux://127.0.0.1:0")
        subprocess.run(["curl", "-s", "--max-time", "20", address.replace("yamux", "http")], check=False,
                       capture_output=True, timeout=60)
        self.assertRegex(self.end(server), 'reason=protocol detail="its first bytes are HTTP, not yamux"')

    def test_handshake_of_tls_is_named_in_the_log(self):
        if "tls" not in BELOW:
            return
        server, (address,) = self.start("yamux://127.0.0.1:0")
        said = self.kvc(address.replace("yamux", "tls") + f"?ca={self.folder}/ca.pem", "hget", "t", "k", code=(3,))
        self.assertIn("TLS", said)
        self.assertRegex(self.end(server), 'reason=protocol detail="its first bytes are TLS, not yamux"')


if __name__ == "__main__":
    KVS, KVC = (os.path.abspath(path) for path in sys.argv[1:3])
    BELOW = sys.argv[3].split()
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
