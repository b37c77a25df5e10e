# SPDX-License-Identifier: MIT
"""The admin service of a real kvs: its resources with curl, its metrics with promtool, and one table that moves each
counter. Run from the root of the tree: test_admin.py KVS KVC PROMTOOL [TEST...]."""
import json
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import sys
import time
import unittest

from admin import Served


def frame(payload):
    return struct.pack(">I", len(payload)) + payload


def connect(url):
    host, port = url.removeprefix("tcp://").rsplit(":", 1)
    return socket.create_connection((host, int(port)), 60)


def read_all(sock):
    data = b""
    while chunk := sock.recv(65536):
        data += chunk
    return data


class Resources(Served):
    options = ["--max-connections", "2", "--slowlog", "1us"]
    listen = ["tcp://127.0.0.1:0", "tcp://127.0.0.1:0?codec=raw&service=echo&delay=3000"]

    def test_promtool_finds_nothing_to_mend(self):
        self.run_kvc("hset", "t", "k", "v")
        text = self.get("/metrics")
        self.assertIn('command="hset",status="200"} 1\n', text)
        self.assertTrue(self.promtool, "promtool is missing: apt-get install prometheus")
        checked = subprocess.run([self.promtool, "check", "metrics"], input=text, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual((checked.returncode, checked.stdout), (0, ""))
        self.assertTrue(self.get("/metrics", "-H", "Accept: application/openmetrics-text").endswith("# EOF\n"))

    def test_it_answers_while_clients_are_turned_away(self):
        held = [connect(self.urls[0]) for _ in range(2)]
        for sock in held:
            sock.sendall(frame(b""))
            self.assertTrue(sock.recv(1))
        with connect(self.urls[0]) as third:
            self.assertIn(b"Too many", read_all(third))
        self.assertEqual(self.get("/readyz"), "ready\n")
        self.assertEqual(self.sum("weft_connections_closed", reason="too-many-connections"), 1)
        ids = [row["id"] for row in self.json("/connections")["connections"]]
        self.assertEqual(len(ids), 2)
        status, body = self.curl(f"/connections/{ids[0]}", "-X", "DELETE")
        self.assertEqual((status, body), (200, '{"done":true,"result":"ended=1"}\n'))
        self.assertEqual(self.sum("weft_connections_closed", reason="killed"), 1)
        for sock in held:
            sock.close()

    def test_it_answers_while_the_loops_are_busy(self):
        load = subprocess.Popen([self.kvc, "--server", self.urls[0], "bench", "--clients", "1", "--pipeline", "64",
                                 "--requests", "3000000"], stdout=subprocess.DEVNULL)
        for _ in range(20):
            self.get("/healthz")
            self.get("/metrics")
        load.kill()
        load.wait()
        self.assertGreater(self.sum("weft_requests", command="hget"), 0)
        self.assertGreater(self.sum("weft_request_duration_seconds", command="hget"), 0)

    def test_it_is_not_ready_while_it_drains(self):
        with connect(self.urls[1]) as slow:
            slow.sendall(frame(b"x"))
            while self.json("/endpoints")["endpoints"][1]["requests"] == 0:
                pass
            self.assertEqual(self.curl("/drain", "-X", "POST"), (200, '{"done":true,"result":""}\n'))
            self.assertEqual(self.curl("/readyz"), (503, "draining\n"))
            self.assertEqual(self.get("/healthz"), "ok\n")
            self.assertEqual(self.json("/info")["state"], "draining")
            self.assertEqual(self.sum("weft_ready"), 0)
            self.assertEqual(read_all(slow), frame(b"x"))
        self.assertEqual(self.server.wait(60), 0)

    def test_slow_log_names_requests_and_shows_no_values(self):
        self.run_kvc("hset", "table", "secret-key", "secret-value")
        log = self.get("/slowlog")
        self.assertIn('"command":"hset","object":"table","status":200', log)
        self.assertNotIn("secret", log)
        self.assertEqual(self.json("/slowlog", "-X", "DELETE")["length"], 0)

    def test_orders_are_carried_out(self):
        self.assertEqual(self.json("/log-level?level=error", "-X", "POST"),
                         {"done": True, "result": "log-level=error"})
        self.assertEqual(self.json("/info")["log_level"], "error")
        self.assertEqual(self.curl("/log-level", "-d", "loud")[0], 400)
        self.assertEqual(self.json("/reload", "-X", "POST")["result"], "changed=log-level")
        self.assertEqual(self.json("/info")["log_level"], "warn")
        status, body = self.curl("/snapshot", "-X", "POST")
        self.assertEqual(status, 501)
        self.assertIn("The store makes no snapshots: see docs/stores.md", body)

    def test_limits_and_facts_are_those_of_the_command_line(self):
        limits = {row["name"]: row["value"] for row in self.json("/limits")["limits"]}
        self.assertEqual((limits["max-connections"], limits["max-key"]), (2, 65536))
        info = self.json("/info")
        self.assertEqual((info["store"], info["threads"], info["state"]), ("memory", "2", "ready"))

    def test_a_port_that_is_taken_is_refused(self):
        run = subprocess.run([self.kvs, "--listen", "tcp://127.0.0.1:0", "--admin", self.urls[0]],
                             text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(run.returncode, 1)
        self.assertIn("kvs: --admin: ", run.stderr)

    def test_check_prints_it_and_refuses_what_is_wrong(self):
        def check(*words):
            run = subprocess.run([self.kvs, "--check", *words], text=True, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
            return run.returncode, run.stdout + run.stderr

        code, text = check("--admin", "tcp://127.0.0.1:0")
        self.assertEqual(code, 0)
        self.assertIn("admin tcp://127.0.0.1:0 codec=http service=admin speaks=http\n", text)
        self.assertIn("exposure tcp://127.0.0.1:0 reach=machine", text)
        code, text = check("--admin", "tcp://0.0.0.0:0")
        self.assertEqual(code, 2)
        self.assertIn("--admin tcp://0.0.0.0:0: not a loopback address", text)
        code, text = check("--admin", "tcp://127.0.0.1:0?codec=raw&service=kv")
        self.assertEqual(code, 2)
        self.assertIn("names another service; it serves admin alone", text)
        code, text = check("--admin", "tcp://127.0.0.1:0?host=" + "x" * 300)
        self.assertEqual(code, 2)
        self.assertIn("host: at most 255 bytes of names", text)
        self.assertEqual(check("--admin", "unix:/nowhere/admin.sock")[0], 1)


class Probes(unittest.TestCase):
    def test_kvs_has_the_probes_that_the_page_lists(self):
        notes = subprocess.run(["readelf", "-n", Served.kvs], text=True, check=True, stdout=subprocess.PIPE).stdout
        found = set(re.findall(r"Provider: weft\n\s+Name: (\w+)", notes))
        listed = set(re.findall(r"^\| `weft:(\w+)` \|", pathlib.Path("docs/admin.md").read_text(encoding="utf-8"), re.M))
        self.assertEqual(found, listed)


class Unix(Served):
    admin = "unix:FOLDER/admin.sock"

    def test_a_unix_socket_serves_any_host(self):
        self.base = "http://anything"
        at = ["--unix-socket", self.folder.name + "/admin.sock"]
        self.assertEqual(self.get("/readyz", *at), "ready\n")
        self.stop()


class Users(Served):
    options = ["--users", "FOLDER/users"]

    def setUp(self):
        self.files = None
        super().setUp()

    def start(self):
        hashed = subprocess.run([self.kvs, "--hash-password"], input="sesame\n", text=True, check=True,
                                stdout=subprocess.PIPE).stdout.strip()
        with open(self.folder.name + "/users", "w", encoding="ascii") as file:
            file.write(f"ann {hashed} read\nadm {hashed} admin\n")
        super().start()

    def test_users_log_in_and_admins_may_do_more(self):
        self.assertEqual(self.get("/healthz"), "ok\n")
        self.assertEqual(self.curl("/metrics")[0], 401)
        self.assertEqual(self.curl("/metrics", "-u", "ann:wrong")[0], 401)
        self.assertIn("weft_users 2\n", self.get("/metrics", "-u", "ann:sesame"))
        self.assertEqual(self.curl("/connections", "-u", "ann:sesame")[0], 403)
        self.assertEqual(self.curl("/reload", "-X", "POST", "-u", "ann:sesame")[0], 403)
        self.get("/connections", "-u", "adm:sesame")
        text = self.get("/metrics", "-u", "adm:sesame")
        self.assertIn("weft_login_failures_total 1\n", text)
        self.assertRegex(text, r"weft_permission_refusals_total [1-9]")
        self.assertRegex(text, r"weft_logins_total [1-9]")
        self.stop()


class Journal(Served):
    options = ["--store", "memory:FOLDER/data?sync=always"]

    def test_journal_is_measured_and_snapshots_are_made(self):
        before = self.sum("weft_journal_bytes")
        self.run_kvc("batch", data="hset t k v\n" * 1000)
        written = self.sum("weft_journal_bytes")
        self.assertGreater(written, before)
        self.assertGreater(self.sum("weft_journal_sync_duration_seconds"), 0)
        self.assertEqual(self.sum("weft_journal_pending_changes"), 0)
        self.assertEqual(self.sum("weft_journal_failed"), 0)
        self.assertEqual(self.sum("weft_journal_full"), 0)
        self.assertEqual(self.json("/snapshot", "-X", "POST")["done"], True)
        deadline = time.monotonic() + 60
        while self.sum("weft_journal_bytes") >= written and time.monotonic() < deadline:
            pass
        self.assertLess(self.sum("weft_journal_bytes"), written)
        self.stop()


class Disk(Served):
    options = ["--store", "lmdb:FOLDER/data"]

    def test_commits_are_measured(self):
        before = self.sum("weft_store_commit_duration_seconds")
        self.run_kvc("hset", "t", "k", "v")
        self.assertGreater(self.sum("weft_store_commit_duration_seconds"), before)
        self.assertEqual(self.sum("weft_store_failed"), 0)
        self.stop()


class Tls(Served):
    listen = ["tls://127.0.0.1:0?cert=FOLDER/server.pem&key=FOLDER/server.key"]

    def start(self):
        subprocess.run([self.kvs, "--make-certificate", self.folder.name], check=True, stdout=subprocess.DEVNULL)
        super().start()

    def make_other(self):
        """A certificate that holds for a day, in place of the first."""
        end = self.folder.name
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "1", "-subj", "/CN=localhost", "-keyout", end + "/server.key", "-out",
                        end + "/server.pem"], check=True, stderr=subprocess.DEVNULL)

    def test_handshakes_and_certificates_are_measured(self):
        port = int(re.match(r"tls://127.0.0.1:(\d+)", self.urls[0])[1])
        self.urls = [f"tls://127.0.0.1:{port}?ca={self.folder.name}/ca.pem"]
        self.run_kvc("hset", "t", "k", "v")
        self.assertEqual(self.sum("weft_tls_handshakes"), 1)
        context = ssl.create_default_context(cafile=self.folder.name + "/ca.pem")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        session = None
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", port), 60) as sock:
                with context.wrap_socket(sock, server_hostname="localhost", session=session) as ended:
                    session = ended.session
        self.assertEqual(self.sum("weft_tls_resumptions"), 1)
        with socket.create_connection(("127.0.0.1", port), 60) as sock:
            sock.sendall(b"no TLS at all\r\n")
            read_all(sock)
        self.assertEqual(self.sum("weft_tls_failures"), 1)
        before = self.sum("weft_tls_certificate_expiry_seconds", file=self.folder.name + "/server.pem")
        self.assertGreater(before, time.time() + 2 * 86400)
        self.make_other()
        self.json("/reload", "-X", "POST")
        after = self.sum("weft_tls_certificate_expiry_seconds", file=self.folder.name + "/server.pem")
        self.assertLess(abs(after - time.time() - 86400), 600)
        self.stop()


class Resp(Served):
    """INFO and SLOWLOG of the RESP face."""
    listen = ["tcp://127.0.0.1:0?codec=resp"]
    options = ["--slowlog", "1us"]

    def ask(self, sock, line, until):
        sock.sendall(line.encode() + b"\r\n")
        data = b""
        while not data.endswith(until.encode() + b"\r\n"):
            data += sock.recv(65536)
        return data.decode()

    def test_info_and_slowlog_show_what_was_counted(self):
        with connect(self.urls[0]) as sock:
            self.ask(sock, "HSET table1 field secret", ":1")
            info = self.ask(sock, "INFO stats", "rejected_connections:0\r\n")
            self.assertIn("total_connections_received:1\r\ntotal_commands_processed:1\r\n", info)
            self.assertIn("connected_clients:1\r\n", self.ask(sock, "INFO clients", "maxclients:10000\r\n"))
            self.assertRegex(self.ask(sock, "SLOWLOG LEN", ""), r"^:[1-9]")
            log = self.ask(sock, "SLOWLOG GET -1", "")
            while "table1" not in log:
                log += sock.recv(65536).decode()
            self.assertRegex(log, r"\*6\r\n:0\r\n:\d+\r\n:\d+\r\n\*2\r\n\$4\r\nhset\r\n\$6\r\ntable1\r\n")
            self.assertNotIn("secret", log)
            self.ask(sock, "SLOWLOG RESET", "+OK")
            self.ask(sock, "SLOWLOG GET 0", "*0")
            self.ask(sock, "SLOWLOG GET x", "-ERR count should be greater than or equal to -1")
            self.ask(sock, "SLOWLOG WHAT", "-ERR unknown subcommand 'WHAT'. Try SLOWLOG HELP.")


class Client(Served):
    """The commands of kvc that ask the service."""
    options = ["--slowlog", "1us"]

    def ask(self, *words, code=0, url=None):
        run = subprocess.run([self.kvc, *words, "--admin", url or self.admin_url, "--timeout", "60"], text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(run.returncode, code, run.stderr)
        return run.stdout if code == 0 else run.stderr

    def test_info_prints_facts_and_sums(self):
        self.run_kvc("hset", "t", "k", "v")
        lines = dict(line.split("\t") for line in self.ask("info").splitlines())
        self.assertEqual((lines["state"], lines["weft_requests"]), ("ready", "1"))
        self.assertEqual(json.loads(self.ask("--json", "info"))["state"], "ready")
        self.assertIn("state\tready\n", self.ask("info", url=self.base + "/"))

    def test_clients_are_listed_and_ended(self):
        with connect(self.urls[0]) as sock:
            sock.sendall(frame(b""))
            self.assertTrue(sock.recv(1))
            lines = self.ask("clients").splitlines()
            self.assertEqual(len(lines), 2)
            self.assertEqual(self.ask("kill", lines[1].split()[0]), "ended=1\n")
            self.assertIn("404 No connection or session has this number", self.ask("kill", "9999", code=1))
        self.assertIn("the argument is a number", self.ask("kill", "../reload", code=2))

    def test_slow_requests_are_listed(self):
        self.run_kvc("hset", "table1", "secret", "v")
        out = self.ask("slowlog")
        self.assertRegex(out, r"Z +\S+ hset +table1 +200 127\.0\.0\.1")
        self.assertNotIn("secret", out)

    def test_top_prints_what_happened_between_two_looks(self):
        load = subprocess.Popen([self.kvc, "--server", self.urls[0], "bench", "--clients", "1", "--requests",
                                 "100000000"], stdout=subprocess.DEVNULL)
        self.addCleanup(load.wait)
        self.addCleanup(load.kill)
        while not self.sum("weft_requests", command="hget"):
            pass
        top = [json.loads(line) for line in
               self.ask("top", "--json", "--interval", "0.2", "--count", "2").splitlines()]
        self.assertEqual(len(top), 2)
        for look in top:
            self.assertEqual(look["commands"][0]["command"], "hget")
            self.assertGreater(look["requests"], 0)
            self.assertEqual(len(look["loops"]), 2)
        out = self.ask("top", "--interval", "0.2")
        self.assertIn("requests/s, 1 connections", out)
        self.assertRegex(out, r"\nhget +\d")

    def test_orders(self):
        self.assertEqual(self.ask("loglevel", "error"), "log-level=error\n")
        self.assertIn("400 unknown level 'loud'", self.ask("loglevel", "loud", code=1))
        self.assertEqual(self.ask("reload"), "changed=log-level\n")
        self.assertEqual(self.ask("drain"), "done\n")
        self.assertEqual(self.server.wait(60), 0)
        self.assertIn("kvs serves it with --admin URL", self.ask("info", code=3))

    def test_what_is_no_admin_service_is_refused(self):
        self.assertIn("kvc: ", self.ask("info", code=5, url=self.urls[0]))
        self.assertIn("--interval: '0' is not a time of 10 ms or more", self.ask("top", "--interval", "0", code=2))
        self.assertIn("kvc: ", self.ask("info", url="nonsense:", code=2))


class Counters(Served):
    """Each counter moves: a row has a metric, its labels, and what moves it."""
    listen = ["tcp://127.0.0.1:0", "tcp://127.0.0.1:0?codec=raw", "tcp://127.0.0.1:0?codec=resp"]
    options = ["--feed-ring", "1k", "--slowlog", "1us", "--max-bad-frames", "1", "--frame-timeout", "0.2", "--idle-timeout", "5"]

    def set(self):
        self.run_kvc("hset", "t", "k", "v")

    def large(self):
        self.run_kvc("hset", "t", "large", "v" * 5000)
        self.run_kvc("hget", "t", "large")
        self.run_kvc("hget", "t", "large")

    def grow(self):
        self.grown = getattr(self, "grown", 0) + 1
        self.run_kvc("hset", "t", f"large{self.grown}", "v" * 100000)
        self.run_kvc("hget", "t", f"large{self.grown}")

    def too_big(self):
        with connect(self.urls[1]) as sock:
            sock.sendall(struct.pack(">I", 1 << 30))
            self.assertTrue(sock.recv(1))

    def half_frame(self):
        with connect(self.urls[1]) as sock:
            sock.sendall(b"\0\0\0\5a")
            read_all(sock)

    def bad_frame(self):
        with connect(self.urls[1]) as sock:
            sock.sendall(frame(b"\xff\xff"))
            read_all(sock)

    def cut_frame(self):
        with connect(self.urls[1]) as sock:
            sock.sendall(b"\0\0")
            sock.shutdown(socket.SHUT_WR)
            read_all(sock)

    def look(self):
        self.json("/connections")

    def set_new(self):
        self.entered = getattr(self, "entered", 0) + 1
        self.run_kvc("hset", f"t{self.entered}", "k", "v")

    def publish(self):
        self.run_kvc("publish", "t", "v")

    def subscribe(self):
        self.subscribed = getattr(self, "subscribed", 0) + 1
        sock = connect(self.urls[2])
        self.addCleanup(sock.close)
        sock.sendall(f"SUBSCRIBE t{self.subscribed}\r\n".encode())
        self.assertTrue(sock.recv(1))

    def overtake(self):
        """The first of two messages that come at once is one too many for the ring."""
        self.subscribe()
        self.run_kvc("publish", f"t{self.subscribed}", "a" * 20000, "b" * 20000)

    def leave_unread(self):
        before = self.sum("weft_feed_memory_bytes")
        self.subscribe()
        before = self.sum("weft_feed_memory_bytes")
        for _ in range(100):
            self.run_kvc("publish", f"t{self.subscribed}", "v" * 120000)
            if self.sum("weft_feed_memory_bytes") > before:
                break

    rows = [
        ("weft_requests", {"command": "hset", "status": "200"}, set),
        ("weft_request_bytes", {"command": "hset"}, set),
        ("weft_reply_bytes", {"command": "hset"}, set),
        ("weft_slow_requests", {}, set),
        ("weft_connections_accepted", {"codec": "length-delimited-gzip"}, set),
        ("weft_frames_decoded", {}, set),
        ("weft_received_bytes", {}, set),
        ("weft_sent_bytes", {}, set),
        ("weft_loop_turns", {}, set),
        ("weft_loop_turn_duration_seconds", {}, set),
        ("weft_loop_posts", {"loop": "0"}, look),
        ("weft_loop_posts", {"loop": "1"}, look),
        ("process_cpu_seconds", {}, set),
        ("weft_connections_closed", {"reason": "peer-closed"}, set),
        ("weft_store_entries", {}, set_new),
        ("weft_store_memory_bytes", {}, grow),
        ("weft_store_resident_bytes", {}, grow),
        ("process_resident_memory_bytes", {}, grow),
        ("weft_deflated_messages", {}, large),
        ("weft_deflated_message_bytes", {}, large),
        ("weft_deflated_frame_bytes", {}, large),
        ("weft_deflate_seconds", {}, large),
        ("weft_inflated_messages", {}, large),
        ("weft_inflated_frame_bytes", {}, large),
        ("weft_inflated_message_bytes", {}, large),
        ("weft_frame_cache_hits", {}, large),
        ("weft_frame_cache_misses", {}, large),
        ("weft_frame_cache_bytes", {}, grow),
        ("weft_connections_closed", {"reason": "frame-timeout"}, half_frame),
        ("weft_connections_closed", {"reason": "bad-frames"}, bad_frame),
        ("weft_connections_closed", {"reason": "truncated"}, cut_frame),
        ("weft_rejections", {"codec": "raw"}, too_big),
        ("weft_feed_topics", {}, subscribe),
        ("weft_feed_followers", {}, subscribe),
        ("weft_feed_messages_published", {}, publish),
        ("weft_feed_messages_lost", {}, overtake),
        ("weft_feed_memory_bytes", {}, leave_unread),
    ]

    def test_each_counter_moves(self):
        for name, labels, move in self.rows:
            with self.subTest(name=name, **labels):
                before = self.sum(name, **labels) or 0
                for _ in range(20):
                    move(self)
                    if (self.sum(name, **labels) or 0) > before:
                        break
                self.assertGreater(self.sum(name, **labels), before)

    def test_request_is_timed_at_the_latest_after_128(self):
        before = self.sum("weft_request_duration_seconds", command="hset") or 0
        self.run_kvc("batch", data="hset t k v\n" * 128)
        self.run_kvc("batch", data="hset t k v\n" * 128)
        self.assertGreater(self.sum("weft_request_duration_seconds", command="hset"), before)

    def test_open_connections_are_counted_by_state_and_loop(self):
        with connect(self.urls[1]) as sock:
            sock.sendall(frame(b""))
            self.assertTrue(sock.recv(1))
            self.assertEqual(self.sum("weft_connections", state="open"), 1)
            self.assertEqual(self.sum("weft_connections_open", codec="raw"), 1)
            self.assertEqual(self.sum("weft_loop_connections"), 1)

    def test_every_metric_has_a_test(self):
        here = {row[0] for row in self.rows} | {
            "weft_request_duration_seconds", "weft_connections", "weft_connections_open", "weft_loop_connections"}
        # weft_tls_*: Tls, and test_tls_handshake. The others do not move by what a client does.
        rest = {"weft_ready", "weft_build_info", "process_start_time_seconds",
                "weft_store_limit_bytes", "weft_loop_turn_longest_seconds", "weft_tls_handshakes",
                "weft_tls_resumptions", "weft_tls_failures"}
        self.set()
        self.assertEqual({name for name, _, _ in self.samples()} - here - rest, set())


if __name__ == "__main__":
    Served.kvs, Served.kvc, Served.promtool = sys.argv[1:4]
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
