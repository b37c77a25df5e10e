# SPDX-License-Identifier: MIT
"""kvs over TLS, with clients that nobody here has written, and kvc. test_tls_clients.py KVS KVC [TEST...]."""
import asyncio
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import stat
import struct
import subprocess
import sys
import tempfile
import unittest

NODE = r"""
const tls = require("tls"), fs = require("fs");
const [port, ca] = process.argv.slice(1);
const socket = tls.connect({port, host: "127.0.0.1", servername: "localhost", ca: fs.readFileSync(ca)}, () => {
    if (!socket.authorized) throw socket.authorizationError;
    socket.write("*3\r\n$3\r\nSET\r\n$1\r\nn\r\n$4\r\nnode\r\n*2\r\n$3\r\nGET\r\n$1\r\nn\r\n");
});
let heard = "";
socket.on("data", data => {
    heard += data;
    if (heard === "+OK\r\n$4\r\nnode\r\n") { console.log(socket.getProtocol()); socket.end(); }
});
"""


def run(*words, code=0, **options):
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, **options)
    assert done.returncode == code, (words, done)
    return done


class Server(unittest.TestCase):
    query = ""
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.TemporaryDirectory()
        run(KVS, "--make-certificate", cls.made.name)

    @classmethod
    def tearDownClass(cls):
        cls.made.cleanup()

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        for file in pathlib.Path(self.made.name).iterdir():
            shutil.copy(file, self.folder)
        self.server = None
        self.addCleanup(self.stop)

    def url(self, port=0, scheme="tls", more=""):
        return (f"{scheme}://127.0.0.1:{port}?cert={self.folder}/server.pem&key={self.folder}/server.key"
                f"{self.query}{more}")

    def start(self, *options, port=0, scheme="tls", more="&codec=auto"):
        self.log = open(self.folder / "log", "a+", encoding="utf-8")
        self.server = subprocess.Popen([KVS, "--threads", "2", "--log-level", "debug", *options, "--listen",
                                        self.url(port, scheme, more)],
                                       stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.server.stdout.readline()
        self.assertTrue(line, self.read_log())
        self.port = int(re.search(r"127\.0\.0\.1:(\d+)", line)[1])

    def stop(self):
        if self.server:
            self.server.terminate()
            self.server.communicate(timeout=60)
            self.log.close()
            self.server = None

    def read_log(self):
        return (self.folder / "log").read_text(encoding="utf-8")

    def wait_for(self, pattern, count=1):
        """Reads the log until the server has written it; nothing is timed."""
        while len(re.findall(pattern, self.read_log())) < count:
            self.assertIsNone(self.server.poll(), self.read_log())

    def kvc(self, *words, query="", code=0, scheme="tls"):
        done = run(KVC, "--server", f"{scheme}://127.0.0.1:{self.port}?ca={self.folder}/ca.pem{query}", *words,
                   code=code)
        return done.stdout if code == 0 else done.stderr

    def context(self):
        context = ssl.create_default_context(cafile=self.folder / "ca.pem")
        context.set_alpn_protocols(["http/1.1"])
        return context

    def connect(self, context=None, session=None):
        peer = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        self.addCleanup(peer.close)
        wrapped = (context or self.context()).wrap_socket(peer, server_hostname="localhost", session=session)
        self.addCleanup(wrapped.close)
        return wrapped

    def sign(self, name, start, end):
        """Replaces a certificate by one of the authority that holds at other times."""
        (self.folder / "index").write_text("")
        (self.folder / "more").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        (self.folder / "config").write_text(
            f"[ca]\ndefault_ca=d\n[d]\ndatabase={self.folder}/index\nnew_certs_dir={self.folder}\nrand_serial=yes\n"
            "default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n")
        run("openssl", "req", "-new", "-key", self.folder / "server.key", "-subj", f"/CN={name}", "-out",
            self.folder / "request")
        run("openssl", "ca", "-batch", "-notext", "-config", self.folder / "config", "-cert", self.folder / "ca.pem",
            "-keyfile", self.folder / "ca.key", "-extfile", self.folder / "more", "-in", self.folder / "request",
            "-startdate", start, "-enddate", end, "-out", self.folder / "server.pem")


class Interop(Server):
    def test_certificates_are_their_owners_alone(self):
        names = sorted(file.name for file in pathlib.Path(self.made.name).iterdir())
        self.assertEqual(names, ["ca.key", "ca.pem", "client.key", "client.pem", "server.key", "server.pem"])
        for file in pathlib.Path(self.made.name).iterdir():
            self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        done = run("openssl", "verify", "-CAfile", self.folder / "ca.pem", self.folder / "server.pem",
                   self.folder / "client.pem")
        self.assertEqual(done.stdout.count(": OK"), 2)
        self.assertIn("File exists", run(KVS, "--make-certificate", self.made.name, code=1).stderr)
        other = self.folder / "other"
        other.mkdir()
        run(KVS, "--make-certificate", other, "--listen", "tls://kvs.example:9527", "--listen", "tls://0.0.0.0:9528")
        text = run("openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", other / "server.pem").stdout
        self.assertIn("DNS:kvs.example", text)
        self.assertNotIn("0.0.0.0", text)

    def test_openssl(self):
        self.start()
        for version in ("-tls1_2", "-tls1_3"):
            with subprocess.Popen(["openssl", "s_client", version, "-quiet", "-no_ign_eof", "-verify_return_error",
                                   "-CAfile", self.folder / "ca.pem", "-servername", "localhost", "-connect",
                                   f"127.0.0.1:{self.port}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True) as peer:
                peer.stdin.write("hset t k hello\nhget t k\n")
                peer.stdin.flush()
                self.assertEqual([peer.stdout.readline(), peer.stdout.readline()][1], "200\thello\n")
        for version in ("-tls1", "-tls1_1"):
            done = run("openssl", "s_client", version, "-cipher", "DEFAULT@SECLEVEL=0", "-connect",
                       f"127.0.0.1:{self.port}", code=1, input="")
            self.assertIn("alert protocol version", done.stderr)
        done = run("openssl", "s_client", "-tls1_2", "-reconnect", "-CAfile", self.folder / "ca.pem", "-connect",
                   f"127.0.0.1:{self.port}", input="")
        self.assertEqual(done.stdout.count("Reused, TLSv1.2"), 5)
        run("openssl", "s_client", "-verify_return_error", "-verify_hostname", "elsewhere", "-CAfile",
            self.folder / "ca.pem", "-connect", f"127.0.0.1:{self.port}", code=1, input="")
        self.wait_for("reason=protocol .*the client speaks no version of TLS from min= on", 2)

    def test_curl_that_would_speak_http_2_gets_http_1(self):
        for more in ("&codec=http", "&codec=auto"):
            with self.subTest(more=more):
                self.start(more=more)
                done = run("curl", "-sS", "--max-time", "60", "--http2", "--cacert", self.folder / "ca.pem", "-w",
                           "%{http_version}", f"https://127.0.0.1:{self.port}/healthz")
                self.assertEqual(done.stdout, "ok\n1.1")
                self.stop()

    def test_python(self):
        self.start()
        peer = self.connect()
        self.assertEqual((peer.version(), peer.selected_alpn_protocol()), ("TLSv1.3", "http/1.1"))
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertTrue(peer.recv(1000).startswith(b"HTTP/1.1 200"))
        again = self.connect(context=peer.context, session=peer.session)
        self.assertTrue(again.session_reused)
        again.unwrap()  # close_notify is answered by close_notify
        self.wait_for("conn=2 .*reason=peer-closed")
        lines = self.connect(ssl.create_default_context(cafile=self.folder / "ca.pem"))
        lines.sendall(b"hset t k large\nhget t k\nnonsense")
        heard = b""
        while not heard.endswith(b"large\n"):
            heard += lines.recv(100)
        lines.close()
        self.wait_for("reason=truncated")

    def test_curl(self):
        self.start()
        value = os.urandom(5_000_000)
        (self.folder / "value").write_bytes(value)
        words = ["curl", "-sS", "--fail", "--cacert", self.folder / "ca.pem"]
        url = f"https://localhost:{self.port}/v1/tables/t/keys/large"
        run(*words, "-X", "PUT", "-H", "Content-Type: application/octet-stream", "--data-binary",
            f"@{self.folder}/value", url)
        run(*words, "-o", self.folder / "back", url)
        self.assertEqual((self.folder / "back").read_bytes(), value)
        self.assertIn("1.3", run(*words, "-v", "-o", "/dev/null", url).stderr)

    def test_redis_cli(self):
        self.start()
        words = ["redis-cli", "--tls", "--cacert", self.folder / "ca.pem", "-p", str(self.port)]
        self.assertEqual(run(*words, "set", "k", "hello").stdout, "OK\n")
        self.assertEqual(run(*words, "get", "k").stdout, "hello\n")

    @unittest.skipUnless(shutil.which("node"), "there is no node")
    def test_node(self):
        self.start()
        self.assertEqual(run("node", "-e", NODE, str(self.port), str(self.folder / "ca.pem")).stdout, "TLSv1.3\n")

    def test_websockets(self):
        try:
            import websockets
        except ImportError:
            return
        self.start(scheme="wss", more="&codec=raw&service=echo")
        want = b"".join(struct.pack(">I", size) + b"x" * size for size in (3, 70_000, 2_000_000))

        async def body():
            async with websockets.connect(f"wss://localhost:{self.port}/", ssl=self.context(), max_size=None,
                                          subprotocols=["weft.raw"]) as peer:
                await peer.send(want)
                got = b""
                while len(got) < len(want):
                    got += await peer.recv()
                self.assertEqual(got, want)
        asyncio.run(body())
        self.stop()
        self.start(scheme="wss", more="")
        self.assertEqual(self.kvc("hset", "t", "k", "hello", scheme="wss"), "\n")
        self.assertEqual(self.kvc("hget", "t", "k", scheme="wss"), "hello\n")

    def test_unix_socket(self):
        path = self.folder / "socket"
        server = subprocess.Popen([KVS, "--listen", f"tls+unix:{path}?cert={self.folder}/server.pem&key="
                                   f"{self.folder}/server.key"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(server.communicate)
        self.addCleanup(server.terminate)
        server.stdout.readline()
        url = f"tls+unix:{path}?ca={self.folder}/ca.pem"
        self.assertIn("name=NAME", run(KVC, "--server", url, "hget", "t", "k", code=2).stderr)
        run(KVC, "--server", url + "&name=localhost", "hset", "t", "k", "v")


class Kvc(Server):
    def test_errors_say_what_was_expected_and_what_was_there(self):
        self.start()
        self.assertEqual(self.kvc("hset", "t", "k", "v"), "\n")
        self.assertIn("is for localhost, 127.0.0.1, ::1 and not for other.example",
                      self.kvc("hget", "t", "k", query="&name=other.example", code=3))
        done = run(KVC, "--server", f"tls://127.0.0.1:{self.port}", "hget", "t", "k", code=3)
        self.assertIn("is signed by CN=weft test authority, whom ca= does not name", done.stderr)
        self.assertIn("is not a file", run(KVC, "--server", f"tls://127.0.0.1:{self.port}?ca=/", "hget", "t", "k",
                                           code=2).stderr)

    def test_expired_certificate_is_told_by_both(self):
        self.sign("old", "20200101000000Z", "20200201000000Z")
        self.start()
        self.wait_for(r"level=warn event=certificate file=\S*server.pem .*until=2020-02-01T00:00:00Z days-left=-\d+ ")
        self.assertIn("the certificate of CN=old expired at 2020-02-01T00:00:00Z", self.kvc("hget", "t", "k", code=3))
        self.wait_for("the client refuses: certificate expired")
        with self.assertRaisesRegex(ssl.SSLCertVerificationError, "certificate has expired"):
            self.connect()
        done = run("curl", "-sS", "--cacert", self.folder / "ca.pem", f"https://localhost:{self.port}/", code=60)
        self.assertIn("certificate has expired", done.stderr)

    def test_server_that_restarts_is_found_again(self):
        self.start()
        self.kvc("hset", "t", "k", "v")
        peer = self.connect()
        session, port = peer.session, self.port
        self.stop()
        self.start(port=port)
        again = self.connect(context=peer.context, session=session)  # of another process: no session is known
        self.assertFalse(again.session_reused)
        again.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertTrue(again.recv(1000).startswith(b"HTTP/1.1 200"))
        self.kvc("hset", "t", "k", "v")


class Reload(Server):
    def serial(self):
        return self.connect().getpeercert()["subject"]

    def test_pair_is_reloaded_or_kept(self):
        self.start()
        self.assertIn("localhost", str(self.serial()))
        key = (self.folder / "server.key").read_bytes()
        (self.folder / "server.key").write_bytes((self.folder / "client.key").read_bytes())
        self.server.send_signal(signal.SIGUSR1)
        self.wait_for("event=certificate .*on-disk=differs")
        self.server.send_signal(signal.SIGHUP)
        self.wait_for("event=reload-failed .*part=certificate .*server.key: it is not the key of the certificate")
        self.assertIn("localhost", str(self.serial()))
        (self.folder / "server.key").write_bytes(key)
        self.sign("renewed", "20200101000000Z", "21200101000000Z")
        self.server.send_signal(signal.SIGHUP)
        self.wait_for("event=reload .*changed=\"?certificates")
        self.wait_for("event=certificate .*CN=renewed.*on-disk=same")
        self.assertIn("renewed", str(self.serial()))

    def test_check_describes_certificates_and_exposure(self):
        done = run(KVS, "--check", "--listen", self.url())
        self.assertRegex(done.stdout, r"\ncertificate file=\S+/server.pem subject=\"CN=localhost\" "
                         r"names=\"localhost,127.0.0.1,::1\" until=\S+Z days-left=36[45] on-disk=same\n")
        self.assertRegex(done.stdout, r"\nexposure tls://127.0.0.1:0 reach=machine encrypted=yes who=anyone")
        remote = self.url().replace("127.0.0.1", "0.0.0.0")
        self.assertIn("nobody has to log in", run(KVS, "--check", "--listen", remote, code=2).stderr)
        (self.folder / "users").write_text("client cert:client read write\n")
        done = run(KVS, "--check", "--users", self.folder / "users", "--listen", remote)
        self.assertRegex(done.stdout, r"\nexposure tls://0.0.0.0:0 reach=network encrypted=yes who=1-users")


class Mutual(Server):
    def setUp(self):
        super().setUp()
        self.query = f"&client-ca={self.folder}/ca.pem"

    def known(self):
        return f"&cert={self.folder}/client.pem&key={self.folder}/client.key"

    def test_certificate_is_a_login(self):
        (self.folder / "users").write_text("deploy cert:client read:t write:t\nann cert:ann read write\n")
        self.start("--users", str(self.folder / "users"), more="&codec=auto&verify=optional")
        self.assertEqual(self.kvc("hset", "t", "k", "v", query=self.known()), "\n")
        self.assertIn("403", self.kvc("hset", "other", "k", "v", query=self.known(), code=1))
        self.assertIn("401", self.kvc("hget", "t", "k", code=1))
        words = ["redis-cli", "--tls", "--cacert", self.folder / "ca.pem", "-p", str(self.port)]
        self.assertIn("NOAUTH", run(*words, "hget", "t", "k").stdout)
        done = run(*words, "--cert", self.folder / "client.pem", "--key", self.folder / "client.key", "hget", "t", "k")
        self.assertEqual(done.stdout, "v\n")

    def test_client_without_a_certificate_is_refused(self):
        self.start()
        # In TLS 1.3 a client is through with the handshake before it can hear of that.
        done = subprocess.run([KVC, "--server", f"tls://127.0.0.1:{self.port}?ca={self.folder}/ca.pem", "hget", "t", "k"],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertIn(done.returncode, (3, 5))
        self.assertIn("the server refuses: certificate required", done.stderr)
        self.kvc("hset", "t", "k", "v", query=self.known())
        self.wait_for("the client shows no certificate, and verify=required")


class Slow(Server):
    def test_half_and_slow_handshakes_end_and_others_are_served(self):
        self.start("--frame-timeout", "1")
        hello = ssl.MemoryBIO()
        client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
        with self.assertRaises(ssl.SSLWantReadError):
            client.do_handshake()
        flight = hello.read()
        peers = []
        for i in range(300):
            peer = socket.create_connection(("127.0.0.1", self.port), timeout=60)
            self.addCleanup(peer.close)
            peer.sendall(flight[:len(flight) * (i % 3) // 2])
            peers.append(peer)
        self.kvc("hset", "t", "k", "v")
        for peer in peers:
            try:
                while peer.recv(65536):
                    pass
            except ConnectionResetError:
                pass
        self.wait_for("event=close .*reason=frame-timeout")
        self.kvc("hset", "t", "k", "v")


if __name__ == "__main__":
    KVS, KVC = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
