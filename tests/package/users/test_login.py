# SPDX-License-Identifier: MIT
"""kvc logs in: in each of its modes and codecs, with a password from each source, and with words for what may go wrong.
test_login.py KVS KVC [TEST...]."""
import base64
import os
import pathlib
import pty
import signal
import struct
import subprocess
import sys
import unittest

import server
from server import Server, field, text

CODECS = ["length-delimited-gzip", "raw", "varint", "line"]


class Login(Server):
    def listen(self, *more, **options):
        self.start(*more, listen=["tcp://127.0.0.1:0?codec=auto"], **options)
        self.url = f"tcp://127.0.0.1:{self.port}"

    def kvc(self, *words, password="sesame", code=0, stdin="", user="root", url=None):
        env = {**os.environ, "KVC_PASSWORD": password} if password else {**os.environ}
        login = ["--user", user] if user else []
        run = subprocess.run([server.KVC, "--server", url or self.url, *login, *words], env=env, input=stdin,
                             text=True, capture_output=True, timeout=60, start_new_session=True)
        self.assertEqual(run.returncode, code, run)
        self.assertNotIn("sesame", run.stdout + run.stderr)
        return run

    def begin(self, *words, password="sesame"):
        env = {**os.environ, "KVC_PASSWORD": password}
        kvc = subprocess.Popen([server.KVC, "--server", self.url, "--user", "root", *words], env=env,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (kvc.kill(), kvc.communicate()))
        return kvc


class Modes(Login):
    def test_each_mode_logs_in(self):
        self.listen()
        rows = "".join(f"k{i},str:{'v' * 100}\n" for i in range(2000))
        self.kvc("import", "t", "-", "--rows", "csv", stdin=rows)
        self.assertEqual(self.kvc("count", "t").stdout, "2000\n")
        self.assertEqual(self.kvc("batch", stdin="hset u k v\nhget u k\n").stdout, "\nv\n")
        self.assertEqual(self.kvc(stdin="hget u k\n").stdout, "v\n")
        self.assertEqual(self.kvc("export", "t", "-", "--rows", "csv").stdout.count("\n"), 2000)
        backup = str(self.folder / "backup")
        self.kvc("backup", backup)
        self.kvc("drop", "u")
        self.kvc("restore", backup)
        self.assertEqual(self.kvc("hget", "u", "k").stdout, "v\n")
        bench = ["bench", "--requests", "500", "--clients", "3", "--keys", "50", "--warmup", "0"]
        self.assertIn("500 requests in", self.kvc(*bench).stdout)

    def test_large_values_follow_the_login_at_once(self):
        self.listen()
        large = self.folder / "large"
        large.write_text("x" * 100000)
        self.kvc("hset", "t", "k", f"file:{large}")
        self.assertEqual(len(self.kvc("hget", "t", "k", "--raw").stdout), 100000)

    def test_each_codec_carries_a_login(self):
        self.write({"root": ["write"]})
        for codec in CODECS:
            with self.subTest(codec=codec):
                self.start(listen=[f"tcp://127.0.0.1:0?codec={codec}"])
                url = f"tcp://127.0.0.1:{self.port}?codec={codec}"
                self.kvc("hset", "t", "k", "v", url=url)
                refused = self.kvc("hget", "t", "k", url=url, user=None, code=1)
                self.assertIn("401 Not known: say who you are first; --user NAME logs in", refused.stderr)
                self.assertEqual(self.stop(), 0)

    def test_words_of_a_login_in_lines(self):
        self.start(listen=["tcp://127.0.0.1:0?codec=line"])
        peer = self.connect().makefile("rw")
        for line, answer in [("login root", "400\tusage: login NAME PASSWORD"),
                             ("login", "400\tusage: login NAME PASSWORD"),
                             ("login root sesame more", "400\tusage: login NAME PASSWORD"),
                             ("login root \"sesame", "400\tusage: login NAME PASSWORD"),
                             ("login root sesamE", "401\tNot known: the user or the password is wrong"),
                             ("login --state --ttl", "401\tNot known: the user or the password is wrong"),
                             ("hget t k", "401\t"),
                             ("LOGIN 'root' \"ses\"'ame'", "200"),
                             ("hget t k", "404\t"),
                             ("login 'root' sesame", "200")]:
            peer.write(line + "\n")
            peer.flush()
            self.assertTrue(peer.readline().startswith(answer), line)
        peer.close()

    def upgrade(self, user, password):
        peer = self.connect()
        word = base64.b64encode(f"{user}:{password}".encode()).decode()
        peer.sendall(f"GET /kv HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                     f"Authorization: Basic {word}\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.take(peer, 1)
        self.assertTrue(head.startswith(b"HTTP/1.1 101 "))
        return peer

    def ask_in_a_message(self, peer, payload):
        """Sends a frame of raw in a message whose mask is 0, and returns the status of the reply."""
        frame = struct.pack(">I", len(payload)) + payload
        peer.sendall(bytes([0x82, 0x80 | len(frame), 0, 0, 0, 0]) + frame)
        self.assertEqual(self.take(peer, 1), b"\x82")
        reply = self.take(peer, self.take(peer, 1)[0])
        self.assertEqual(reply[4], 8)
        return reply[5] & 127 | reply[6] << 7

    def test_handshake_of_a_websocket_logs_in(self):
        self.write({"root": ["write"]})
        self.start(listen=["ws://127.0.0.1:0/kv?codec=raw"])
        hget = field(1, text("t", "k"))
        peer = self.upgrade("root", "sesame")
        self.assertEqual([self.ask_in_a_message(peer, hget) for _ in range(3)], [404] * 3)
        again = self.upgrade("root", "sesame")  # the password is known by its digest now
        self.assertEqual(self.ask_in_a_message(again, hget), 404)
        stranger = self.upgrade("root", "wrong")
        self.assertEqual(self.ask_in_a_message(stranger, hget), 401)
        self.write({"bob": ["write"]})
        self.server.send_signal(signal.SIGHUP)
        self.wait_for("event=reload .*users")
        self.assertEqual(self.ask_in_a_message(peer, hget), 401)

    def test_watch_logs_in_anew_after_a_restart(self):
        self.listen()
        watch = self.begin("watch", "t")
        self.assertIn("watching from number", watch.stderr.readline())
        self.kvc("hset", "t", "k", "1")
        self.assertIn("set\tt\tk\t", watch.stdout.readline())
        port = self.port
        self.assertEqual(self.stop(), 0)
        self.start(listen=[f"tcp://127.0.0.1:{port}"])
        seen = ""
        while "connected again" not in seen and "410" not in seen:
            line = watch.stderr.readline()
            self.assertTrue(line, seen)
            self.assertNotRegex(line, r"\b401\b")
            seen += line

    def test_watch_ends_when_a_reload_removes_its_user_or_its_rule(self):
        gone = "401 The watch is not allowed any more"
        denied = "403 The watch is not allowed any more"
        for rules, said in [({"adm": ["write"]}, gone), ({"root": ["write:u"], "adm": ["write"]}, denied)]:
            with self.subTest(said=said):
                self.write({"root": ["write"], "adm": ["write"]})
                self.listen()
                watch = self.begin("watch", "t")
                self.assertIn("watching from number", watch.stderr.readline())
                self.kvc("hset", "t", "k", "seen", user="adm")
                self.assertIn("seen", watch.stdout.readline())
                self.write(rules)
                self.server.send_signal(signal.SIGHUP)
                self.wait_for("event=reload .*users")
                self.kvc("hset", "t", "k", "hidden", user="adm")
                out, err = watch.communicate(timeout=60)
                self.assertEqual(watch.returncode, 1)
                self.assertIn(said, err)
                self.assertNotIn("hidden", out)
                self.assertEqual(self.stop(), 0)

    def test_watch_ends_when_its_user_is_no_more_after_a_restart(self):
        self.listen()
        watch = self.begin("watch", "t")
        self.assertIn("watching from number", watch.stderr.readline())
        port = self.port
        self.assertEqual(self.stop(), 0)
        self.write({"bob": ["read"]})
        self.start(listen=[f"tcp://127.0.0.1:{port}"])
        said = watch.communicate(timeout=60)[1]
        self.assertEqual(watch.returncode, 1, said)
        self.assertIn("cannot log in as root with the password from KVC_PASSWORD: 401", said)

    def test_environment_has_the_password_no_longer(self):
        self.listen()
        watch = self.begin("watch", "t")
        self.assertIn("watching from number", watch.stderr.readline())
        for file in ["environ", "cmdline"]:
            self.assertNotIn(b"sesame", pathlib.Path(f"/proc/{watch.pid}/{file}").read_bytes())
        watch.send_signal(signal.SIGINT)
        watch.communicate(timeout=60)


class Failures(Login):
    def test_wrong_password_is_an_error_to_act_on_in_each_mode(self):
        self.listen()
        text = "cannot log in as root with the password from KVC_PASSWORD: 401 Not known: the user or the password is wrong\n"
        for words, stdin in [(["hget", "t", "k"], ""), (["batch"], "hget t k\nhget t k\n"), (["watch", "t"], ""),
                             (["import", "t", "-", "--rows", "csv"], "k,v\n"),
                             (["export", "t", "-"], ""), (["backup", str(self.folder / "b")], ""),
                             (["bench", "--requests", "10"], "")]:
            with self.subTest(words=words):
                run = self.kvc(*words, password="wrong", code=1, stdin=stdin)
                self.assertIn(text[:-1], run.stderr)
                self.assertNotIn("wrong\"", run.stderr)
        self.assertIn('"exit": 1', self.kvc("hget", "t", "k", "--json", password="wrong", code=1).stdout)

    def test_server_without_users_says_what_to_leave_out(self):
        self.listen(users=False)
        run = self.kvc("hget", "t", "k", code=1)
        self.assertIn("501 Not possible: the server has no users; leave out --user", run.stderr)

    def test_url_with_a_password_is_refused_without_repeating_it(self):
        for url in ["tcp://root:sesame@127.0.0.1:1", "tcp://root@127.0.0.1:1", "ws://root:sesame@127.0.0.1:1/kv"]:
            run = self.kvc("ping", url=url, user=None, code=2)
            self.assertIn("a URL takes no user and no password before an '@'", run.stderr)
            self.assertIn("use --user NAME", run.stderr)
        kvs = subprocess.run([server.KVS, "--listen", "tcp://root:sesame@127.0.0.1:0"], text=True,
                             capture_output=True, timeout=60)
        self.assertEqual(kvs.returncode, 2)
        self.assertNotIn("sesame", kvs.stderr)
        self.assertIn("a URL takes no user and no password", kvs.stderr)

    def test_sources_that_do_not_do(self):
        self.listen()
        self.assertIn("no password for --user: no terminal to ask on", self.kvc("ping", password=None, code=2).stderr)
        self.assertIn("KVC_PASSWORD: a password has 1 to 511 bytes", self.kvc("ping", password="x" * 600, code=2).stderr)
        self.assertIn("the name is empty", self.kvc("ping", "--user", "", user=None, code=2).stderr)
        file = self.folder / "password"
        file.write_text("sesame\n")
        file.chmod(0o644)
        self.assertIn("everybody can read this password", self.kvc("ping", "--password-file", str(file), code=2).stderr)
        self.assertIn("--user NAME says whose it is",
                      self.kvc("ping", "--password-file", str(file), user=None, code=2).stderr)
        file.chmod(0o600)
        self.kvc("hget", "t", "k", "--password-file", str(file), password="overridden", code=1)
        self.assertIn("pong", self.kvc("ping", "--password-file", str(file), password="overridden").stdout)
        bad = self.folder / "bad"
        bad.write_bytes(b"\xff\n")
        bad.chmod(0o600)
        self.assertIn("the password is not valid UTF-8", self.kvc("ping", "--password-file", str(bad), code=2).stderr)
        self.assertIn("TABLE KEY", self.kvc("help", "hget", password=None).stdout)


class Terminal(Login):
    def talk(self, words, answers):
        """Runs kvc on a terminal of its own. Each answer is a text to wait for and what is typed then."""
        env = {name: value for name, value in os.environ.items() if name != "KVC_PASSWORD"}
        pid, master = pty.fork()
        if pid == 0:  # libedit keeps names for ever, which looks like a leak
            os.execve(server.KVC, [server.KVC, "--server", self.url, "--user", "root", *words],
                      {**env, "TERM": "dumb", "ASAN_OPTIONS": "detect_leaks=0"})
        seen = b""
        for wait, typed in answers:
            while wait not in seen:
                seen += os.read(master, 4096)
            os.write(master, typed)
        try:
            while more := os.read(master, 4096):
                seen += more
        except OSError:
            pass
        os.close(master)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode()

    def test_password_is_asked_for_and_not_shown(self):
        self.listen()
        code, seen = self.talk(["ping"], [(b"Password of root: ", b"sesame\n")])
        self.assertEqual(code, 0, seen)
        self.assertIn("pong", seen)
        self.assertNotIn("sesame", seen)

    def test_prompt_asks_before_its_first_line(self):
        self.listen()
        code, seen = self.talk([], [(b"Password of root: ", b"sesame\n"), (b"Ctrl-D leaves.", b"hset t k v\nquit\n")])
        self.assertEqual(code, 0, seen)
        self.assertNotIn("sesame", seen)
        self.assertEqual(self.kvc("hget", "t", "k").stdout, "v\n")

    def test_wrong_answer_is_refused_and_names_the_terminal(self):
        self.listen()
        code, seen = self.talk(["ping"], [(b"Password of root: ", b"guess\n")])
        self.assertEqual(code, 1)
        self.assertIn("with the password from the terminal: 401", seen)

    def test_ctrl_c_ends_the_question(self):
        self.listen()
        code, seen = self.talk(["ping"], [(b"Password of root: ", b"ses\x03")])
        self.assertEqual(code, 2, seen)
        self.assertIn("no password was given", seen)


if __name__ == "__main__":
    server.KVS, server.KVC = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
