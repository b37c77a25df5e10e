# SPDX-License-Identifier: MIT
"""test_live_endpoints.py KVS KVC WITH-TLS: endpoints that a reload adds, changes and removes: with TLS and variants, under
load, across a handover and a restart by a manager, with yamux, and what /metrics sums up meanwhile."""
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading

from service_manager import Manager

KVS, KVC, WITH_TLS = sys.argv[1], sys.argv[2], sys.argv[3] == "yes"
DEADLINE = 120  # seconds: far more than anything here takes
PINGS = 32      # in flight on a connection


def check(held, what):
    if not held:
        raise SystemExit(f"test_live_endpoints: not so: {what}")


def kvc(url, *words):
    done = subprocess.run([KVC, "--server", url, "--timeout", "100", *words], capture_output=True, text=True,
                          check=False)
    check(done.returncode == 0, f"kvc --server {url} {words} succeeds: {done.stderr}")
    return done.stdout


class Server:
    """A kvs whose endpoints stand in a file."""

    def __init__(self, folder, endpoints, *words, environment=None):
        self.conf = os.path.join(folder, "kvs.conf")
        self.words = [KVS, "--config", self.conf, "--threads", "2", *words]
        self.environment = environment
        self.put(endpoints)
        self.start()

    def put(self, endpoints):
        with open(self.conf, "w", encoding="utf-8") as file:
            file.writelines(f"listen {url}\n" for url in endpoints)
        self.count = len(endpoints)

    def start(self):
        self.process = subprocess.Popen(self.words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.urls = [self.process.stdout.readline().split()[1] for _ in range(self.count)]
        self.admin = self.process.stdout.readline().split()[1] if "--admin" in self.words else None
        self.log = []

    def wait_log(self, text):
        """Reads the log up to a line with the text, and returns that line."""
        for line in self.process.stderr:
            self.log.append(line)
            if text in line:
                return line
        raise SystemExit(f"test_live_endpoints: the log ends before {text!r}:\n{''.join(self.log)}")

    def ask_reload(self, endpoints):
        self.put(endpoints)
        self.process.send_signal(signal.SIGHUP)

    def reload(self, endpoints):
        """Reloads, and returns what the log says of it."""
        self.ask_reload(endpoints)
        return self.wait_log("event=reload")

    def stop(self):
        self.process.terminate()
        self.log.append(self.process.communicate(timeout=DEADLINE)[1])
        check(self.process.returncode == 0, f"it drains:\n{''.join(self.log)}")


def connect(url):
    address = url.split("?")[0].split(" ")[0]
    if address.startswith("unix:"):
        peer = socket.socket(socket.AF_UNIX)
        where = address[5:]
    else:
        peer = socket.socket()
        host, _, port = address.split("//")[1].rpartition(":")
        where = (host, int(port))
    peer.settimeout(DEADLINE)
    peer.connect(where)
    return peer


def free_port():
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        return finder.getsockname()[1]


def exchange(peer, text):
    peer.sendall(text)
    return peer.recv(1000)


# --- codecs and TLS -----------------------------------------------------------------------------------


def test_tls_endpoint_is_added_changed_and_removed(folder):
    subprocess.run([KVS, "--make-certificate", folder], check=True, capture_output=True)
    port, plain = free_port(), f"unix:{folder}/plain"
    url = f"tls://127.0.0.1:{port}?cert={folder}/server.pem&key={folder}/server.key"
    ca = f"ca={folder}/ca.pem"
    server = Server(folder, [plain])
    line = server.reload([plain, url])
    check(f'added="tls://127.0.0.1:{port}"' in line, line)
    line_url = f"tls://127.0.0.1:{port}?{ca}&codec=line"
    waiting = connect(f"tcp://127.0.0.1:{port}")
    kvc(f"tls://127.0.0.1:{port}?{ca}", "hset", "t", "k", "v")  # so `waiting` has been accepted
    line = server.reload([plain, url + "&codec=line"])
    check(f'replaced="tls://127.0.0.1:{port}"' in line, line)
    check(waiting.recv(10) == b"", "who never spoke is sent away when its endpoint is replaced")
    check(kvc(line_url, "hget", "t", "k") == "v\n", "the new codec serves over TLS")
    line = server.reload([plain, url + "0"])
    check("event=reload-failed" in line and "changed=nothing" in line, line)
    check(kvc(line_url, "hget", "t", "k") == "v\n", "a bad key changes nothing")
    line = server.reload([plain])
    check(f'removed="tls://127.0.0.1:{port}"' in line, line)
    server.wait_log("event=endpoint-ended")
    try:
        connect(f"tcp://127.0.0.1:{port}")
        check(False, "nobody listens there any more")
    except ConnectionRefusedError:
        pass
    check(kvc(plain, "hget", "t", "k") == "v\n", "the other endpoint serves on")
    server.stop()


def test_variant_is_added_changed_and_removed(folder):
    url = f"unix:{folder}/first"
    server = Server(folder, [url, f"unix:{folder}/other"])
    before = connect(url)
    kvc(url, "hset", "t", "k", "v")  # connections are accepted in their order, so `before` has been
    check(f'replaced="{url}"' in server.reload([url, "?codec=line", f"unix:{folder}/other"]), server.log[-1])
    check(before.recv(10) == b"", "a variant replaces what its address had")
    check(kvc(f"{url}?codec=line", "hget", "t", "k") == "v\n", "the variant serves beside the first")
    line = server.reload([url, "?codec=resp", f"unix:{folder}/other"])
    check(f'replaced="{url}"' in line, line)
    peer = connect(url)
    check(exchange(peer, b"*1\r\n$4\r\nPING\r\n") == b"+PONG\r\n", "the other variant serves")
    peer.close()
    peer = connect(url)
    peer.sendall(b"ping\n")
    peer.shutdown(socket.SHUT_WR)
    check(not peer.recv(1000).startswith(b"200"), "and the first variant does not")
    peer.close()
    server.reload([url, f"unix:{folder}/other"])
    check(kvc(url, "hget", "t", "k") == "v\n", "without variants it serves on")
    line = server.reload([url, "?codec=no-such", f"unix:{folder}/other"])
    check("event=reload-failed" in line and "changed=nothing" in line, line)
    check(kvc(url, "hget", "t", "k") == "v\n", "a variant that cannot be changes nothing")
    server.stop()


# --- load ---------------------------------------------------------------------------------------------


class Load(threading.Thread):
    """Pings an endpoint over connections that stay and over new ones, and counts what is not answered."""

    def __init__(self, url, until):
        super().__init__()
        self.url, self.until = url, until
        self.answered, self.faults = 0, []

    def ask(self, peer):
        peer.sendall(b"ping\n" * PINGS)
        text = b""
        while text.count(b"\n") < PINGS:
            more = peer.recv(4096)
            if not more:
                raise ConnectionError(f"{len(text.splitlines())} of {PINGS} answers came")
            text += more
        wrong = [line for line in text.splitlines() if not line.startswith(b"200")]
        if wrong:
            raise ConnectionError(f"answered {wrong[0]}")
        self.answered += PINGS

    def run(self):
        try:
            with connect(self.url) as stays:
                while not self.until.is_set():
                    self.ask(stays)
                    with connect(self.url) as comes:
                        self.ask(comes)
        except OSError as error:
            self.faults.append(f"{self.url}: {error!r}")


def start_load(urls, count):
    until = threading.Event()
    load = [Load(url, until) for url in urls for _ in range(count)]
    for one in load:
        one.start()
    return load, until


def end_load(load, until):
    until.set()
    for one in load:
        one.join(DEADLINE)
    faults = [fault for one in load for fault in one.faults]
    check(not faults, f"every request at an endpoint that stays is answered: {faults}")
    check(all(one.answered > 0 for one in load), "all of them got answers")


def test_reloads_under_load_lose_and_refuse_nothing(folder):
    stay = ["tcp://127.0.0.1:0?codec=line", f"unix:{folder}/stay?codec=line"]
    come = f"unix:{folder}/come"
    server = Server(folder, stay)
    load, until = start_load(server.urls, 4)
    for _ in range(6):
        check("added=" in server.reload([*stay, f"{come}?codec=line"]), server.log[-1])
        peer = connect(come)
        check(exchange(peer, b"ping\n").startswith(b"200"), "the added endpoint serves under load")
        check("replaced=" in server.reload([*stay, f"{come}?codec=resp"]), server.log[-1])
        check(peer.recv(10) == b"", "it ends what the replaced endpoint had")
        check("removed=" in server.reload(stay), server.log[-1])
    end_load(load, until)
    server.stop()


# --- handover and manager ------------------------------------------------------------------------------


def test_handover_after_a_reload_gives_the_listeners_of_now(folder):
    gone, stays, comes = f"unix:{folder}/gone", "tcp://127.0.0.1:0?codec=line", f"unix:{folder}/comes"
    changes = f"unix:{folder}/changes"
    server = Server(folder, [stays, gone, changes], "--handover", f"{folder}/handover")
    first, urls = server.process, server.urls
    server.reload([stays, f"{changes}?codec=line", f"{comes}?codec=line", "tcp://127.0.0.1:0?codec=line&service=echo"])
    served = [urls[0], changes, comes]
    load, until = start_load(served[:1], 2)
    first_log = []
    reader = threading.Thread(target=lambda: first_log.extend(first.stderr))
    reader.start()
    server.start()
    reader.join(DEADLINE)
    check(first.wait(DEADLINE) == 0 and "event=handover" in "".join(first_log), f"the first drains: {first_log}")
    end_load_of_handover(load, until)
    check(server.urls[0] == urls[0] and server.urls[1:3] == [changes, comes], f"the second listens at {server.urls}")
    for url in served:
        with connect(url) as peer:
            check(exchange(peer, b"ping\n").startswith(b"200"), f"the second serves {url}")
    check(not os.path.exists(f"{folder}/gone"), "what was removed stays away")
    server.stop()
    check(not any("socket-unused" in line for line in server.log), f"it got no listener without an endpoint: {server.log}")
    check(not any(os.path.exists(f"{folder}/{name}") for name in ("changes", "comes")), "the last one removes its sockets")


def end_load_of_handover(load, until):
    """A connection to the old server ends when that drains; but none is refused, and nothing is lost within one."""
    until.set()
    for one in load:
        one.join(DEADLINE)
        refused = [fault for fault in one.faults if "Refused" in fault]
        check(not refused, f"no connection is refused: {refused}")


def test_manager_keeps_the_listeners_of_now(folder):
    manager = Manager(KVS, os.path.join(folder, "log"))
    conf = os.path.join(folder, "kvs.conf")

    def put(*urls):
        with open(conf, "w", encoding="utf-8") as file:
            file.writelines(f"listen {url}\n" for url in urls)

    stays, gone, comes, changes = (f"unix:{folder}/{name}?codec=line" for name in ("stays", "gone", "comes", "changes"))
    put(stays, gone, changes.replace("line", "resp"))
    try:
        run = manager.start(["--config", conf])
        manager.wait_for("READY")
        check(len(manager.stored) == 3, f"the manager keeps three: {list(manager.stored)}")
        put(stays, changes, comes)
        run.signal(signal.SIGHUP)
        manager.wait_for("READY")
        names = sorted(manager.stored)
        check(len(names) == 3 and any("comes" in name for name in names) and not any("gone" in name for name in names),
              f"the manager keeps what kvs listens on now: {names}")
        run.signal(signal.SIGTERM)
        check(run.wait() == 0, "it drains")
        check(not os.path.exists(f"{folder}/gone"), "the socket that was removed has no file")
        waiting = [connect(url) for url in (stays, changes, comes)]
        for peer in waiting:
            peer.sendall(b"ping\n")
        run = manager.start(["--config", conf])
        manager.wait_for("READY")
        for peer in waiting:
            check(peer.recv(100).startswith(b"200"), "who came in between is answered by the next run")
            peer.close()
        check(len(manager.stored) == 3, "nothing is stored twice")
        run.signal(signal.SIGTERM)
        check(run.wait() == 0, "it drains")
        with open(manager.log, encoding="utf-8") as file:
            check("socket-unused" not in file.read(), "each socket has an endpoint")
    finally:
        manager.close()


# --- yamux --------------------------------------------------------------------------------------------

DATA, WINDOW, PING, GO_AWAY = range(4)
SYN, ACK, FIN, RST = 1, 2, 4, 8


class Yamux:
    """A client's end of a session, as hashicorp's spec.md has it."""

    def __init__(self, url):
        self.peer = connect(url)
        self.buffer = b""

    def send(self, kind, flags, stream, data=b""):
        self.peer.sendall(struct.pack(">BBHII", 0, kind, flags, stream, len(data)) + data)

    def read(self, size):
        while len(self.buffer) < size:
            more = self.peer.recv(4096)
            if not more:
                return None
            self.buffer += more
        part, self.buffer = self.buffer[:size], self.buffer[size:]
        return part

    def receive(self):
        """Returns the next frame as kind, flags, stream, length, data, or None at the end."""
        head = self.read(12)
        if head is None:
            return None
        _, kind, flags, stream, length = struct.unpack(">BBHII", head)
        if kind == PING and flags & SYN:
            self.peer.sendall(struct.pack(">BBHII", 0, PING, ACK, 0, length))
        return kind, flags, stream, length, self.read(length) if kind == DATA else b""


def test_streams_of_a_removed_address_drain(folder):
    stays, leaves = f"unix:{folder}/stays?codec=line", f"yamux+unix:{folder}/leaves?codec=line"
    server = Server(folder, [stays, leaves])
    session = Yamux(f"unix:{folder}/leaves")
    streams = (1, 3, 5)
    for stream in streams:
        session.send(DATA, SYN, stream, b"ping\n")
    answered = set()
    while answered != set(streams):
        kind, _, stream, _, data = session.receive()
        if kind == DATA and data.startswith(b"200"):
            answered.add(stream)
    # These have come before the reload is asked for, as one frame each of many requests.
    for stream in streams:
        session.send(DATA, 0, stream, b"ping\n" * PINGS)
    server.ask_reload([stays])
    answers, ended, went = {stream: b"" for stream in streams}, set(), None
    while frame := session.receive():
        kind, flags, stream, length, data = frame
        check(not flags & RST, f"no stream is reset: {frame}")
        if kind == GO_AWAY:
            went = length
        if kind == DATA and data:
            answers[stream] += data
        if flags & FIN:
            ended.add(stream)
            session.send(WINDOW, FIN, stream)
    check(went == 0, "the session says that it goes away")
    check(ended == set(streams), f"each stream ends by itself: {ended}")
    for stream, text in answers.items():
        lines = text.splitlines()
        check(len(lines) == PINGS and all(line[:3] in (b"200", b"503") for line in lines),
              f"each request of stream {stream} has an answer: {lines}")
    check("removed=" in server.wait_log("event=reload"), server.log[-1])
    server.wait_log("event=endpoint-ended")
    with connect(f"unix:{folder}/stays") as peer:
        check(exchange(peer, b"ping\n").startswith(b"200"), "the other address serves on")
    server.stop()


# --- metrics ------------------------------------------------------------------------------------------


def scrape(admin):
    """Returns the counters: of each name, command, status and reason the sum over endpoints, and each series."""
    with connect(admin) as peer:
        peer.sendall(b"GET /metrics HTTP/1.0\r\nAccept: application/json\r\n\r\n")
        text = b""
        while more := peer.recv(65536):
            text += more
    sums, series = {}, {}
    for metric in json.loads(text.split(b"\r\n\r\n", 1)[1])["metrics"]:
        if metric["kind"] == "gauge":
            continue
        for sample in metric["samples"]:
            value, labels = sample.get("value", sample.get("count")), sample["labels"]
            rest = tuple(sorted((name, text) for name, text in labels.items()
                                if name not in ("endpoint", "codec", "service", "listen", "address")))
            sums[metric["name"], rest] = sums.get((metric["name"], rest), 0) + value
            series[metric["name"], tuple(sorted(labels.items()))] = value
    return sums, series


def fallen(before, after, gone_is_fine):
    return {key: (value, after.get(key)) for key, value in before.items()
            if (key in after or not gone_is_fine) and after.get(key, 0) < value}


def test_counters_never_fall_when_endpoints_go(folder):
    stays = f"unix:{folder}/stays?codec=line"
    server = Server(folder, [stays], "--admin", f"unix:{folder}/admin")
    until, faults, scrapes = threading.Event(), [], []

    def watch():
        try:
            before = scrape(server.admin)
            while not until.is_set() or len(scrapes) < 3:
                after = scrape(server.admin)
                for kind, old, new in (("sum", before[0], after[0]), ("series", before[1], after[1])):
                    lower = fallen(old, new, kind == "series")
                    if lower:
                        faults.append(f"{kind}: {lower}")
                        return
                before = after
                scrapes.append(len(after[1]))
        except (OSError, ValueError, KeyError) as error:
            faults.append(repr(error))

    watcher = threading.Thread(target=watch)
    watcher.start()
    load, end = start_load(server.urls, 2)
    for i in range(5):
        comes = f"unix:{folder}/comes{i}"  # a name that comes again would begin again at 0
        server.reload([stays, f"{comes}?codec=line"])
        peers = [connect(comes) for _ in range(3)]
        for peer in peers:
            check(exchange(peer, b"ping\n").startswith(b"200"), "the added endpoint serves")
        server.reload([stays, f"{comes}?codec=resp"])
        with connect(comes) as peer:
            check(exchange(peer, b"*1\r\n$4\r\nPING\r\n") == b"+PONG\r\n", "the changed endpoint serves")
        server.reload([stays])
        for peer in peers:
            peer.close()
    end_load(load, end)
    until.set()
    watcher.join(DEADLINE)
    check(not faults, f"no counter falls: {faults}")
    check(len(scrapes) >= 3, "it was scraped")
    sums, series = scrape(server.admin)
    pings = sum(value for (name, labels), value in sums.items()
                if name == "weft_requests" and ("command", "ping") in labels)
    asked = sum(one.answered for one in load) + 5 * 4
    check(pings == asked, f"{asked} pings are counted once each: {pings} in {series}")
    server.stop()


def main():
    tests = [test_variant_is_added_changed_and_removed, test_reloads_under_load_lose_and_refuse_nothing,
             test_handover_after_a_reload_gives_the_listeners_of_now, test_manager_keeps_the_listeners_of_now,
             test_streams_of_a_removed_address_drain, test_counters_never_fall_when_endpoints_go]
    if WITH_TLS:
        tests.append(test_tls_endpoint_is_added_changed_and_removed)
    for test in tests:
        if len(sys.argv) > 4 and test.__name__ not in sys.argv[4:]:
            continue
        with tempfile.TemporaryDirectory(prefix="weft-live-") as folder:
            test(folder)
        print(f"ok  {test.__name__}", flush=True)


main()
