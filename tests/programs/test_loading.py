# SPDX-License-Identifier: MIT
"""test_loading.py KVS SLOW_DISK: what kvs answers, and how it ends, while its store loads. The store's journal is read through
SLOW_DISK, which waits in the middle of it until the test lets it go on."""
import http.client
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from service_manager import Manager

KVS, SLOW_DISK = sys.argv[1:]
VALUES, VALUE, GATE_AT = 4, 1 << 20, 2 << 20


def check(held, what):
    if not held:
        raise SystemExit(f"test_loading: not so: {what}")


class UnixConnection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.host)


def connect(place):
    if isinstance(place, str):
        return UnixConnection(place)
    return http.client.HTTPConnection("127.0.0.1", place)


def ask(connection, path, method="GET"):
    """Returns the status and the text of an answer."""
    connection.request(method, path, headers={"Host": "localhost"})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def ask_at(place, path, method="GET"):
    connection = connect(place)
    try:
        return ask(connection, path, method)
    finally:
        connection.close()


def make_store(folder):
    """Makes a store of some megabytes that do not compress."""
    path = os.path.join(folder, "kvs.sock")
    server = subprocess.Popen([KVS, "--listen", f"unix:{path}?codec=http", "--store", f"memory:{folder}/data?sync=off"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    server.stdout.readline()
    for i in range(VALUES):
        connection = connect(path)
        connection.request("PUT", f"/v1/tables/t/keys/{i}", os.urandom(VALUE),
                           {"Host": "localhost", "Content-Type": "application/octet-stream"})
        check(connection.getresponse().status == 201, "a value is stored")
        connection.close()
    server.terminate()
    server.communicate()
    check(server.returncode == 0, "it drains")


class World:
    """A manager, and a folder with a copy of the store and the gate in its journal."""

    def __init__(self, folder, store):
        self.folder = folder
        self.manager = Manager(KVS, os.path.join(folder, "log"))
        self.data, self.gate = os.path.join(folder, "data"), os.path.join(folder, "gate")
        self.admin, self.clients = os.path.join(folder, "admin.sock"), os.path.join(folder, "kvs.sock")
        os.mkfifo(self.gate)
        shutil.copytree(store, self.data)
        self.words = ["--listen", f"unix:{self.clients}?codec=http", "--store", f"memory:{self.data}"]

    def load(self, *words, passed=()):
        """Starts kvs and waits until it has come to the gate. Returns the run, and the gate, to be closed."""
        options = os.environ.get("ASAN_OPTIONS", "")
        run = self.manager.start([*self.words, *words], passed, LD_PRELOAD=SLOW_DISK, WEFT_GATE=self.gate,
                                 WEFT_GATE_AT=str(GATE_AT), ASAN_OPTIONS=f"{options}:verify_asan_link_order=0")
        return run, open(self.gate, "wb")

    def log(self):
        with open(self.manager.log, encoding="utf-8") as file:
            return file.read()


def assert_loading(world, place):
    check(ask_at(place, "/healthz") == (200, "ok\n"), "the process is well")
    status, text = ask_at(place, "/readyz")
    match = re.fullmatch(r"loading: (\d+) of (\d+) bytes\n", text)
    size = sum(entry.stat().st_size for entry in os.scandir(world.data) if entry.name.startswith("journal-"))
    check(status == 503 and match, f"it is not ready: {status} {text}")
    check(GATE_AT // 2 <= int(match[1]) < int(match[2]) == size, f"it says how far it is: {text}")


def wait_until_ready(place):
    """Asks until it is ready. A connection that ends without an answer was open when the one server followed the other."""
    while True:
        try:
            status, text = ask_at(place, "/readyz")
        except (http.client.RemoteDisconnected, ConnectionResetError):
            continue
        if status == 200:
            return
        check(status == 503 and text.startswith("loading"), f"it loads: {status} {text}")


def end(run):
    run.signal(signal.SIGTERM)
    check(run.wait() == 0, "it drains")


def test_a_passed_socket_is_answered_while_it_loads_and_after(world):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        run, gate = world.load("--admin", f"tcp://127.0.0.1:{port}", passed=[("admin", listener.fileno())])
    check(world.manager.receive() == {"STATUS": "Loading", "EXTEND_TIMEOUT_USEC": "300000000"}, "the manager is to wait")
    message = world.manager.receive()
    check(re.fullmatch(r"Loading: 0 of \d+ bytes", message["STATUS"]) and "EXTEND_TIMEOUT_USEC" in message,
          f"and hears how far it is: {message}")
    assert_loading(world, port)
    check("\nweft_ready 0\n" in ask_at(port, "/metrics")[1], "Prometheus sees that it is not ready")
    check(ask_at(port, "/reload", "POST")[0] == 503, "no order is taken")
    check(not os.path.exists(world.clients), "clients are refused")
    kept = connect(port)
    check(ask(kept, "/readyz")[0] == 503, "a connection that stays is answered")
    gate.close()
    wait_until_ready(port)
    check(kept.sock.recv(1) == b"", "a connection of before is told to end")
    kept.close()
    run.read_url()
    check(run.out.readline().startswith(f"admin tcp://127.0.0.1:{port} "), "the socket is the same")
    check("FDSTORE" in world.manager.wait_for("FDSTORE") and world.manager.wait_for("READY")["STATUS"] == "Serving",
          "the manager hears that it serves")
    check(len(world.manager.stored) == 1, "a socket of the manager's is not stored")
    check("event=socket-unused" not in world.log(), "each socket is used")
    end(run)


def test_a_socket_of_its_own_goes_on(world):
    run, gate = world.load("--admin", f"unix:{world.admin}")
    assert_loading(world, world.admin)
    gate.close()
    wait_until_ready(world.admin)
    world.manager.wait_for("READY")
    check(len(world.manager.stored) == 2, "both sockets are in the descriptor store")
    end(run)
    check(os.path.exists(world.admin), "as is the file for the next run")
    run, gate = world.load("--admin", f"unix:{world.admin}")
    assert_loading(world, world.admin)
    gate.close()
    wait_until_ready(world.admin)
    world.manager.wait_for("READY")
    end(run)


def test_signals_end_it_while_it_loads(world):
    for number, name in (signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "SIGINT"):
        for words in [], ["--admin", f"unix:{world.admin}"]:
            run, gate = world.load(*words)
            run.signal(number)
            check(world.manager.wait_for("STOPPING")["STATUS"] == "Draining", "the manager hears that it ends")
            check(run.wait() == 0, f"{name} ends it although the store loads")
            check(not os.path.exists(world.admin), "its socket is gone")
            gate.close()
        check(world.log().count(f"event=drain signal={name}") >= 2, "the log says why")


def test_other_signals_do_nothing_while_it_loads(world):
    run, gate = world.load("--admin", f"unix:{world.admin}")
    for number in signal.SIGUSR1, signal.SIGHUP, signal.SIGPIPE:
        run.signal(number)
    assert_loading(world, world.admin)
    gate.close()
    wait_until_ready(world.admin)
    end(run)


def test_a_second_signal_cuts_who_is_slow(world):
    run, gate = world.load("--admin", f"unix:{world.admin}")
    slow = connect(world.admin)
    check(ask(slow, "/healthz")[0] == 200, "it is open")
    slow.sock.sendall(b"GET /healthz HTTP/1.1\r\n")
    run.signal(signal.SIGTERM)
    world.manager.wait_for("STOPPING")
    run.signal(signal.SIGTERM)
    check(run.wait() == 0, "it ends")
    slow.close()
    gate.close()


def test_an_order_to_drain_ends_it_while_it_loads(world):
    run, gate = world.load("--admin", f"unix:{world.admin}")
    check(ask_at(world.admin, "/drain", "POST") == (200, '{"done":true,"result":""}\n'), "the order is answered")
    check(run.wait() == 0, "it ends")
    gate.close()


def test_users_guard_what_is_not_open(world):
    users = os.path.join(world.folder, "users")
    with open(users, "w", encoding="utf-8") as file:
        file.write("somebody cert:somebody.example admin\n")
    run, gate = world.load("--admin", f"unix:{world.admin}", "--users", users)
    assert_loading(world, world.admin)
    check(ask_at(world.admin, "/info")[0] == 401 and ask_at(world.admin, "/drain", "POST")[0] == 401, "strangers see no more")
    gate.close()
    wait_until_ready(world.admin)
    check(ask_at(world.admin, "/info")[0] == 401, "nor afterwards")
    end(run)


def test_an_address_that_cannot_be_bound_is_told_at_once(world):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        done = subprocess.run([KVS, *world.words, "--admin", f"tcp://127.0.0.1:{busy.getsockname()[1]}"],
                              env=dict(os.environ, LD_PRELOAD=SLOW_DISK, WEFT_GATE=world.gate, WEFT_GATE_AT="0",
                                       ASAN_OPTIONS="verify_asan_link_order=0"),
                              capture_output=True, text=True, check=False)
    check(done.returncode == 1 and "--admin: cannot listen on" in done.stderr, f"it does not load first: {done.stderr}")


def test_what_only_the_whole_server_knows_is_bound_later(world):
    run, gate = world.load("--admin", f"unix:{world.admin}?layers=access", "--access-log", os.path.join(world.folder, "access"))
    check(not os.path.exists(world.admin), "a layer is not there yet")
    gate.close()
    run.read_url()
    run.out.readline()
    check(ask_at(world.admin, "/readyz") == (200, "ready\n"), "it is there now")
    end(run)


def test_root_answers_nobody_before_it_is_the_user(world):
    run, gate = world.load("--admin", f"unix:{world.admin}", "--user", pwd.getpwuid(os.geteuid()).pw_name)
    check(os.path.exists(world.admin) == (os.geteuid() != 0), "others answer as the user that they are")
    gate.close()
    run.read_url()
    end(run)


def main():
    with tempfile.TemporaryDirectory(prefix="weft-loading-") as store:
        make_store(store)
        for name, test in sorted(globals().items()):
            if name.startswith("test_"):
                run_test(name, test, os.path.join(store, "data"))


def run_test(name, test, store):
    with tempfile.TemporaryDirectory(prefix="weft-loading-") as folder:
        world = World(folder, store)
        try:
            test(world)
        except BaseException:
            print(world.log())
            raise
        finally:
            world.manager.close()
    print(f"ok  {name}", flush=True)


main()
