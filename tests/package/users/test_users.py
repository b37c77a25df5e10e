# SPDX-License-Identifier: MIT
"""Users and rules, end to end. One table of commands and rules goes through all faces; real clients log in; a bad
file changes nothing; secrets stay out of the log; and every store works inside the sandbox.
test_users.py KVS KVC [TEST...]."""
import fnmatch
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import unittest

import redis

import server
from server import HASH, LOGIN, RULES, Server, basic, field, text

GRANTS = {"read": {"read"}, "write": {"read", "write"}, "admin": {"admin"}, "subscribe": {"subscribe"}}


def may(user, what, table):
    if what == "any":
        return True
    for rule in RULES[user]:
        name, _, glob = rule.partition(":")
        if what in GRANTS[name] and fnmatch.fnmatchcase(table, glob or "*"):
            return True
    return False


def pair(key, value):
    return field(1, key) + field(2, field(1, value))


# name, bytes of the request, what it needs, of which table
FRAMES = [
    ("hget", lambda t: field(1, text(t, "k")), "read", True),
    ("hgetall", lambda t: field(2, text(t)), "read", True),
    ("hset", lambda t: field(4, field(1, t) + field(2, pair("k", "v"))), "write", True),
    ("hdel", lambda t: field(6, text(t, "k")), "write", True),
    ("hexist", lambda t: field(8, text(t, "k")), "read", True),
    ("hscan", lambda t: field(16, text(t)), "read", True),
    ("hincr", lambda t: field(18, text(t, "n")), "write", True),
    ("tables", lambda t: field(20, b""), "read", False),
    ("count", lambda t: field(22, text(t)), "read", True),
]
WORDS = [
    (["HGET", "{t}", "k"], "read", True),
    (["HSET", "{t}", "k", "v"], "write", True),
    (["HGETALL", "{t}"], "read", True),
    (["HDEL", "{t}", "k"], "write", True),
    (["HLEN", "{t}"], "read", True),
    (["PING"], "any", False),
    (["SELECT", "0"], "any", False),
    (["CLIENT", "ID"], "any", False),
    (["CONFIG", "GET", "save"], "admin", False),
]
REQUESTS = [
    ("GET", "/v1/tables/{t}/keys/k", "read", True),
    ("HEAD", "/v1/tables/{t}/keys/k", "read", True),
    ("PUT", "/v1/tables/{t}/keys/k", "write", True),
    ("DELETE", "/v1/tables/{t}/keys/k", "write", True),
    ("GET", "/v1/tables/{t}", "read", True),
    ("GET", "/v1/tables", "read", False),
    ("GET", "/healthz", "any", False),
]
LINES = [
    ("hget {t} k", "read", True),
    ("hset {t} k v", "write", True),
    ("hdel {t} k", "write", True),
    ("hgetall {t}", "read", True),
    ("tables", "read", False),
    ("ping", "any", False),
    ("publish {t} x", "write", True),
    ("subscribe {t}", "subscribe", True),
    ("subscribe {t} {t}-more", "subscribe", True),
    ("subscribe t-1 u", "subscribe", False),
    ("subscribe t* --pattern", "subscribe", False),
]
TABLES = ["t-1", "u"]


class Rules(Server):
    def each(self, commands):
        for user in RULES:
            for *command, what, has_table in commands:
                for table in TABLES if has_table else [""]:
                    yield user, command, table, may(user, what, table)

    def test_frames(self):
        self.start()
        peers = {}
        for user in RULES:
            peers[user] = self.connect()
            self.assertEqual(self.login(peers[user], user), 200)
        for user, (name, make), table, allowed in self.each(FRAMES):
            with self.subTest(user=user, command=name, table=table):
                status = self.exchange(peers[user], make(table))
                self.assertEqual(status != 403, allowed, status)
        stranger = self.connect()
        for name, make, _, _ in FRAMES:
            self.assertEqual(self.exchange(stranger, make("t-1")), 401)

    def test_resp(self):
        self.start(listen=["tcp://127.0.0.1:0?codec=resp"])
        clients = {user: redis.Redis(port=self.port, username=user, password="sesame") for user in RULES}
        for user, (words,), table, allowed in self.each(WORDS):
            with self.subTest(user=user, command=words, table=table):
                try:
                    clients[user].execute_command(*[word.format(t=table) for word in words])
                    done = True
                except redis.exceptions.NoPermissionError:
                    done = False
                self.assertEqual(done, allowed)
        stranger = redis.Redis(port=self.port)
        self.assertTrue(stranger.ping())
        for words, what, _ in WORDS:
            if words != ["PING"]:
                with self.assertRaises(redis.exceptions.AuthenticationError):
                    stranger.execute_command(*[word.format(t="t-1") for word in words])
        for client in [*clients.values(), stranger]:
            client.close()

    def test_http(self):
        self.start()
        for user, (method, path), table, allowed in self.each(REQUESTS):
            with self.subTest(user=user, command=method + path, table=table):
                body = "v" if method == "PUT" else None
                answer = self.request(method, path.format(t=table), basic(user), body)
                self.assertEqual(answer.status != 403, allowed, answer.status)
        for method, path, what, _ in REQUESTS:
            answer = self.request(method, path.format(t="t-1"), {}, "v" if method == "PUT" else None)
            self.assertEqual(answer.status == 401, what != "any", answer.status)
            if answer.status == 401:
                self.assertIn("Basic", answer.getheader("WWW-Authenticate"))

    def test_lines_by_the_user_of_a_unix_socket(self):
        for user in RULES:
            with self.subTest(user=user):
                self.file.write_text(f"{user} uid:{os.getuid()} {' '.join(RULES[user])}\n")
                path = self.folder / f"{user}.sock"
                self.start(listen=[f"unix:{path}?codec=line"])
                peer = self.connect(path).makefile("rw")
                for command, what, has_table in LINES:
                    for table in TABLES if has_table else [""]:
                        peer.write(command.format(t=table) + "\n")
                        peer.flush()
                        status = peer.readline().split()[0]
                        self.assertEqual(status != "403", may(user, what, table), (command, table))
                peer.close()
                self.assertEqual(self.stop(), 0)


class Login(Server):
    def test_keyspace_events(self):
        """They take `subscribe` for their topic, and `read` for the tables of what they tell."""
        key, event, pattern = "__keyspace@0__:t-1", "__keyevent@0__:hset", "__keyspace@0__:*"
        may = {"root": {key, event, pattern}, "all": {key, event, pattern}, "near": {key}, "half": set(), "sub": set()}
        self.write({"root": ["write", "subscribe", "admin"], "all": ["subscribe", "read"], "sub": ["subscribe"],
                    "near": ["subscribe:__keyspace*", "read:t-1", "read:default"], "half": ["subscribe", "read:t-1"]})
        self.start(listen=["tcp://127.0.0.1:0?codec=resp"])
        clients = {user: redis.Redis(port=self.port, username=user, password="sesame") for user in may}
        with self.assertRaises(redis.exceptions.NoPermissionError):
            clients["all"].config_set("notify-keyspace-events", "KEA")
        clients["root"].config_set("notify-keyspace-events", "KEA")
        listeners = []
        for user, topics in may.items():
            for topic in (key, event, pattern):
                listener = clients[user].pubsub()
                (listener.psubscribe if topic == pattern else listener.subscribe)(topic)
                if topic in topics:
                    self.assertIn("subscribe", listener.get_message(timeout=30)["type"], (user, topic))
                    listeners.append(listener)
                else:
                    with self.assertRaises(redis.exceptions.NoPermissionError, msg=(user, topic)):
                        listener.get_message(timeout=30)
        clients["root"].hset("t-1", "f", "v")
        for listener in listeners:
            self.assertIn(listener.get_message(timeout=30)["data"], (b"hset", b"t-1"))
            listener.close()

    def test_redis_cli_curl_and_bearer(self):
        self.start()
        cli = ["redis-cli", "-p", str(self.port), "--no-auth-warning"]
        run = lambda *words, **more: subprocess.run(words, text=True, capture_output=True, timeout=60, **more)
        self.assertEqual(run(*cli, "--user", "root", "--pass", "sesame", "hset", "t", "k", "v").stdout, "1\n")
        env = dict(os.environ, REDISCLI_AUTH="sesame")
        self.assertEqual(run(*cli, "--user", "all-read", "hget", "t", "k", env=env).stdout, "v\n")
        self.assertIn("WRONGPASS", run(*cli, "--user", "root", "--pass", "x", "hget", "t", "k").stderr)
        self.assertEqual(run(*cli, "-3", "--user", "root", "--pass", "sesame", "hget", "t", "k").stdout, "v\n")
        url = f"http://127.0.0.1:{self.port}/v1/tables/t/keys/k"
        self.assertEqual(run("curl", "-sS", "-u", "root:sesame", url).stdout, "v")
        self.assertEqual(run("curl", "-sS", "-H", "Authorization: Bearer root.sesame", url).stdout, "v")
        self.assertIn("the user or the password is wrong", run("curl", "-sS", "-u", "root:sesamE", url).stdout)
        self.assertIn("Authorization is neither Basic nor Bearer NAME.PASSWORD",
                      run("curl", "-sS", "-H", "Authorization: Digest x", url).stdout)
        self.assertIn("Not known", run("curl", "-sS", url).stdout)

    def test_upload_on_a_fresh_connection_is_judged_by_its_head(self):
        self.start(listen=["tcp://127.0.0.1:0?codec=http"])
        large = self.folder / "large"
        url = f"http://127.0.0.1:{self.port}/v1/tables/t/keys/k"

        def put(*words):
            run = subprocess.run(["curl", "-sS", "-T", str(large), "-w", "\n%{http_code}", *words, url], text=True,
                                 capture_output=True, timeout=60)
            return run.stdout.rsplit("\n", 1)[-1]

        for size in [16000, 17000, 19000, 40000, 3000000]:
            large.write_bytes(os.urandom(size // 2).hex().encode())
            with self.subTest(size=size):
                self.assertIn(put("-u", "root:sesame"), ["201", "204"])
                self.assertEqual(put("-u", "root:sesame", "-H", "Transfer-Encoding: chunked"), "204")
                read = subprocess.run(["curl", "-sS", "-u", "root:sesame", url], capture_output=True, timeout=60).stdout
                self.assertEqual(read, large.read_bytes())
                self.assertEqual(put("-u", "reader:sesame"), "403")
                self.assertEqual(put("-u", f"root:wrong-{size}"), "401")
                self.assertEqual(put("-H", "Authorization: Digest x"), "401")
                self.assertEqual(put(), "401" if size < 16384 else "413")
        self.assertNotIn("wrong-", self.read_log())

    def test_hello_and_reset(self):
        self.start(listen=["tcp://127.0.0.1:0?codec=resp"])
        peer = self.connect()
        peer.sendall(b"HELLO 3 AUTH root sesame\r\nHLEN t\r\nRESET\r\nHLEN t\r\n")
        seen = b""
        while b"NOAUTH" not in seen:
            seen += peer.recv(4096)
        self.assertRegex(seen, rb"(?s)^%7.*:0\r\n\+RESET\r\n-NOAUTH")

    def test_default_user_logs_in_without_a_name(self):
        self.write({"default": ["read"]})
        self.start()
        client = redis.Redis(port=self.port, password="sesame")
        self.assertEqual(client.hlen("t"), 0)
        client.close()

    def test_wrong_passwords_are_refused_and_counted_while_others_are_served(self):
        self.start()
        good = self.connect()
        self.assertEqual(self.login(good, "root"), 200)
        bad = self.connect()
        served = 0
        for i in range(6):
            payload = field(LOGIN, text("root", f"guess-{i}"))
            bad.sendall(struct.pack(">I", len(payload)) + payload)
            self.assertEqual(self.exchange(good, field(1, text("t", "k"))), 404)
            served += 1
            size = struct.unpack(">I", self.take(bad, 4))[0]
            self.assertEqual(self.take(bad, size)[:3], b"\x08\x91\x03")
        self.assertEqual(served, 6)
        self.wait_for("event=login-failed .*user=root failures=1")
        self.assertNotIn("guess", self.read_log())

    def test_before_login_frames_are_small_and_plain(self):
        self.start()
        peer = self.connect()
        peer.sendall(struct.pack(">I", 0x80000000 | 30) + bytes(30))
        head = struct.unpack(">I", self.take(peer, 4))[0]
        answer = self.take(peer, head)
        self.assertEqual(answer[:3], b"\x08\x91\x03")
        self.assertIn(b"log in before you send what is compressed", answer)
        peer.sendall(struct.pack(">I", 40000))
        head = struct.unpack(">I", self.take(peer, 4))[0]
        self.assertIn(b"the limit before login", self.take(peer, head))
        self.assertEqual(peer.recv(1), b"")

    def test_vectors_of_a_login(self):
        self.write({"ann": ["read:t-*"], "root": ["write", "admin"]})
        self.start(listen=["tcp://127.0.0.1:0?codec=raw"])
        peer = self.connect()
        for line in (pathlib.Path(__file__).parents[2] / "vectors" / "login.jsonl").read_text().splitlines():
            row = json.loads(line)
            payload = bytes.fromhex(row["request_payload_hex"])
            peer.sendall(struct.pack(">I", len(payload)) + payload)
            size = struct.unpack(">I", self.take(peer, 4))[0]
            self.assertEqual(self.take(peer, size).hex(), row["response_payload_hex"], row["note"])

    def test_login_without_users_says_so(self):
        self.start(users=False)
        self.assertEqual(self.login(self.connect(), "root"), 501)

    def test_secrets_are_not_in_the_log_nor_on_a_command_line(self):
        self.start("--log-level", "trace")
        peer = self.connect()
        self.assertEqual(self.login(peer, "root"), 200)
        self.assertEqual(self.login(peer, "root", "a-wrong-secret"), 401)
        self.request("GET", "/v1/tables/t", basic("root", "another-secret"))
        self.assertEqual(self.stop(), 0)
        log = self.read_log()
        for secret in ["sesame", "a-wrong-secret", "another-secret", HASH, basic("root", "another-secret")["Authorization"]]:
            self.assertNotIn(secret, log)


class File(Server):
    def test_bad_line_at_start_is_named(self):
        self.write(RULES, "bob\n")
        run = subprocess.run([KVS, "--users", str(self.file), "--listen", "tcp://127.0.0.1:0"], text=True,
                             capture_output=True, timeout=60)
        self.assertEqual(run.returncode, 2)
        self.assertEqual(run.stderr, f"kvs: {self.file}:{len(RULES) + 1}: 'bob' has no hash, cert:CN or uid:N\n")

    def test_reload_takes_new_users_and_a_bad_file_changes_nothing(self):
        self.start()
        peer = self.connect()
        self.assertEqual(self.login(peer, "root"), 200)
        self.write(RULES, "bob\n")
        self.server.send_signal(signal.SIGHUP)
        self.wait_for(rf"event=reload-failed .*users:{len(RULES) + 1}: 'bob' has no hash")
        self.assertEqual(self.exchange(peer, field(1, text("t", "k"))), 404)
        self.write({"bob": ["read"]})
        self.server.send_signal(signal.SIGHUP)
        self.wait_for(r"event=reload .*users")
        self.assertEqual(self.exchange(peer, field(1, text("t", "k"))), 401)
        self.assertEqual(self.login(peer, "root"), 401)
        self.assertEqual(self.login(peer, "bob"), 200)

    def open_prompt(self, user):
        """Starts kvc's prompt in a terminal of its own. Returns the end at which a person sits."""
        secret = self.folder / "secret"
        secret.write_text("sesame\n")
        secret.chmod(0o600)
        person, terminal = os.openpty()
        kvc = subprocess.Popen([KVC, "--server", f"tcp://127.0.0.1:{self.port}", "--user", user, "--password-file",
                                str(secret)], stdin=terminal, stdout=terminal, stderr=terminal,
                               env=dict(os.environ, TERM="dumb", HOME=str(self.folder)), start_new_session=True)
        os.close(terminal)
        self.addCleanup(kvc.wait, 60)
        self.addCleanup(os.close, person)
        return person

    def see(self, person, pattern):
        shown = ""
        while not re.search(pattern, shown):
            shown += os.read(person, 4096).decode()
        return shown

    def test_prompt_logs_in_again_after_its_login_became_void(self):
        self.write({"root": ["write"], "ann": ["write"]})
        self.start()
        person = self.open_prompt("ann")
        self.see(person, r"kvc> ")
        os.write(person, b"hset t k first\n")
        self.see(person, r"\(empty\)\r?\n")
        # The password is the same, but its hash is another one, so what was proven is not what the file asks for.
        again = subprocess.run([KVS, "--hash-password"], input="sesame\n", text=True, capture_output=True, check=True)
        self.write({"root": ["write"]}, f"ann {again.stdout.strip()} write\n")
        self.server.send_signal(signal.SIGHUP)
        self.wait_for(r"event=reload .*users")
        os.write(person, b"hset t k second\n")
        self.assertNotIn("401", self.see(person, r"first\r?\n"))
        # A user who is gone is told so, once per command.
        self.write({"root": ["write"]})
        self.server.send_signal(signal.SIGHUP)
        self.wait_for(r"(?s)event=reload .*users.*event=reload .*users")
        os.write(person, b"hget t k\n")
        self.see(person, r"kvc: cannot log in as ann with the password from .*secret: 401 ")
        os.write(person, b"\x04")

    def test_reload_ends_the_connection_of_a_redis_subscriber_whose_rule_is_gone(self):
        publisher = {"root": ["read", "write", "subscribe", "admin"]}
        self.write({"sub": ["subscribe:news"], **publisher})
        self.start(listen=["tcp://127.0.0.1:0?codec=resp"])
        peer, other = self.connect(), self.connect()

        def say(to, line, answer):
            to.sendall(line + b"\r\n")
            self.assertEqual(self.take(to, len(answer)), answer)

        say(peer, b"AUTH sub sesame", b"+OK\r\n")
        say(other, b"AUTH root sesame", b"+OK\r\n")
        say(peer, b"SUBSCRIBE news", b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n")
        say(other, b"PUBLISH news one", b":1\r\n")
        message = b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\none\r\n"
        self.assertEqual(self.take(peer, len(message)), message)
        self.write({"sub": ["subscribe:sport"], **publisher})
        self.server.send_signal(signal.SIGHUP)
        self.wait_for(r"event=reload .*users")
        say(other, b"PUBLISH news two", b":1\r\n")
        self.assertEqual(peer.recv(100), b"")

    def test_hash_password_makes_what_the_file_takes(self):
        run = subprocess.run([KVS, "--hash-password"], input="open sesame\n", text=True, capture_output=True,
                             timeout=60)
        self.file.write_text(f"ann {run.stdout.strip()} read\n")
        self.start()
        peer = self.connect()
        self.assertEqual(self.login(peer, "ann", "open sesame"), 200)
        self.assertEqual(self.login(peer, "ann", "open sesamE"), 401)
        run = subprocess.run([KVS, "--hash-password"], input="\n", text=True, capture_output=True, timeout=60)
        self.assertEqual((run.returncode, run.stderr), (2, "kvs: standard input: the password is empty\n"))

    def test_check_prints_who_may_come_in(self):
        self.write({"ann": ["read"]}, "box uid:0 admin\n")
        words = [KVS, "--check", "--listen", "tcp://127.0.0.1:0", "--listen", f"unix:{self.folder}/s"]
        run = subprocess.run(words, text=True, capture_output=True, timeout=60, check=True)
        self.assertIn("exposure tcp://127.0.0.1:0 reach=machine encrypted=no who=anyone with=nothing\n", run.stdout)
        run = subprocess.run([*words, "--users", str(self.file)], text=True, capture_output=True, timeout=60, check=True)
        self.assertIn(f"exposure unix:{self.folder}/s reach=files encrypted=no "
                      "who=2-users with=password:1,certificate:0,uid:1\n", run.stdout)

    def test_remote_address_with_users_still_lacks_encryption(self):
        run = subprocess.run([KVS, "--listen", "tcp://0.0.0.0:0", "--users", str(self.file)], text=True,
                             capture_output=True, timeout=60)
        self.assertEqual(run.returncode, 2)
        self.assertIn("there is no encryption (tls://)", run.stderr)


class Sandbox(Server):
    def test_every_store_works_inside(self):
        check = subprocess.run([KVS, "--help-all"], text=True, capture_output=True, timeout=60)
        self.assertEqual(check.returncode, 0)
        for store in ["memory", "memory:{}/m", "lmdb:{}/l", "rocksdb:{}/r"]:
            url = store.format(self.folder)
            probe = subprocess.run([KVS, "--check", "--store", url, "--listen", "tcp://127.0.0.1:0"], text=True,
                                   capture_output=True, timeout=60)
            if probe.returncode != 0:
                self.assertIn("without", probe.stderr + probe.stdout)
                continue
            with self.subTest(store=store):
                for turn in range(2):
                    self.start("--store", url)
                    self.assertIn("event=sandbox new-privileges=no", self.read_log())
                    peer = self.connect()
                    self.assertEqual(self.login(peer, "root"), 200)
                    kept = turn > 0 and ":" in store
                    self.assertEqual(self.exchange(peer, field(1, text("t", "k"))), 200 if kept else 404)
                    for i in range(200):
                        change = field(4, field(1, "t") + field(2, pair(f"k{i}", "x" * 2000)))
                        self.assertEqual(self.exchange(peer, change), 200)
                    self.assertEqual(self.exchange(peer, field(4, field(1, "t") + field(2, pair("k", "v")))), 200)
                    self.assertEqual(self.exchange(peer, field(2, text("t"))), 200)
                    self.server.send_signal(signal.SIGUSR1)
                    self.wait_for("event=counts")
                    self.server.send_signal(signal.SIGHUP)
                    self.wait_for("event=reload")
                    self.assertEqual(self.exchange(peer, field(1, text("t", "k"))), 200)
                    peer.close()
                    self.assertEqual(self.stop(), 0, self.read_log())

    def test_kvs_cannot_gain_privileges_and_filters_its_calls(self):
        self.start()
        status = pathlib.Path(f"/proc/{self.server.pid}/status").read_text()
        self.assertRegex(status, r"NoNewPrivs:\s+1")
        if "system-calls=seccomp" in self.read_log():
            self.assertRegex(status, r"Seccomp:\s+2")

    def test_no_sandbox_leaves_it_out(self):
        self.start("--no-sandbox")
        status = pathlib.Path(f"/proc/{self.server.pid}/status").read_text()
        self.assertRegex(status, r"NoNewPrivs:\s+0")
        self.assertNotIn("event=sandbox", self.read_log())


if __name__ == "__main__":
    os.environ.pop("KVS_NO_SANDBOX", None)
    KVS, KVC = server.KVS, server.KVC = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
