# SPDX-License-Identifier: MIT
"""test_service.py KVS KVC: kvs as a service of a manager, and kvs that takes over from kvs."""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

from service_manager import Manager

KVS, KVC = sys.argv[1:]
ANY_PORT = ["--listen", "tcp://127.0.0.1:0"]


def check(held, what):
    if not held:
        raise SystemExit(f"test_service: not so: {what}")


def kvc(url, *words):
    done = subprocess.run([KVC, "--server", url, "--timeout", "100", *words], capture_output=True, text=True,
                          check=False)
    check(done.returncode == 0, f"kvc {words} succeeds: {done.stderr}")
    return done.stdout


def listen(address, family=socket.AF_INET, **options):
    listener = socket.socket(family, socket.SOCK_STREAM)
    if "v6only" in options:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, options["v6only"])
    listener.bind(address)
    listener.listen()
    return listener


def end(run):
    run.signal(signal.SIGTERM)
    check(run.wait() == 0, "it drains")


def log_of(manager):
    with open(manager.log, encoding="utf-8") as file:
        return file.read()


def test_tells_what_it_does(manager, folder):
    conf = os.path.join(folder, "kvs.conf")
    with open(conf, "w", encoding="utf-8") as file:
        file.write("log-level info\n")
    run = manager.start(["--config", conf, *ANY_PORT, "--drain-timeout", "7"])
    run.read_url()
    check(manager.receive() == {"STATUS": "Loading", "EXTEND_TIMEOUT_USEC": "300000000"}, "it opens its store")
    check(manager.receive()["FDNAME"].startswith("kvs-tcp---127.0.0.1-"), "a listener goes into the store")
    check(manager.receive() == {"READY": "1", "STATUS": "Serving"}, "it is ready")
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    run.signal(signal.SIGHUP)
    message = manager.receive()
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    check(message["RELOADING"] == "1" and before <= int(message["MONOTONIC_USEC"]) <= after, "it says when it reloads")
    check(manager.receive() == {"READY": "1", "STATUS": "Serving"}, "and when it has")
    with open(conf, "w", encoding="utf-8") as file:
        file.write("log-levle info\n")
    run.signal(signal.SIGHUP)
    manager.wait_for("RELOADING")
    message = manager.receive()
    check(message["READY"] == "1" and "unknown setting 'log-levle'" in message["STATUS"], "it says what was refused")
    run.signal(signal.SIGTERM)
    message = manager.receive()
    check(message["STOPPING"] == "1" and message["EXTEND_TIMEOUT_USEC"] == "12000000", "it says that it stops")
    check(run.wait() == 0, "it drains")


def test_gives_signs_of_life(manager, _folder):
    run = manager.start([*ANY_PORT, "--threads", "3"], WATCHDOG_USEC="40000")
    manager.wait_for("READY")
    for _ in range(3):
        check(manager.receive() == {"WATCHDOG": "1"}, "each loop has turned")
    end(run)
    for watchdog in ({"WATCHDOG_USEC": "40000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}):
        run = manager.start(ANY_PORT, **watchdog)
        url = run.read_url()
        manager.wait_for("READY")
        kvc(url, "ping")
        run.signal(signal.SIGTERM)
        check("STOPPING" in manager.receive(), "nobody asked this process for signs of life")
        check(run.wait() == 0, "it drains")


def test_restart_keeps_those_who_wait(manager, folder):
    path = os.path.join(folder, "kvs.sock")
    words = ["--listen", "tcp://127.0.0.1:0?codec=line", "--listen", f"unix:{path}?codec=line", "--admin",
             "tcp://127.0.0.1:0"]
    run = manager.start(words)
    urls, admin = [run.read_url(), run.read_url()], run.out.readline()
    manager.wait_for("READY")
    check(len(manager.stored) == 3, "all listeners are in the store")
    end(run)
    check(os.path.exists(path), "the socket's file stays")
    waiting = []
    for url in urls:
        host, _, port = url.rpartition("/")[2].rpartition(":")
        peer = socket.socket(socket.AF_UNIX if url.startswith("unix") else socket.AF_INET)
        peer.connect(path if url.startswith("unix") else (host, int(port)))
        peer.sendall(b"ping\n")
        waiting.append(peer)
    run = manager.start(words)
    check([run.read_url(), run.read_url()] == urls and run.out.readline() == admin,
          "port 0 is the port of the run before")
    check("FDSTORE" not in manager.wait_for("READY") and len(manager.stored) == 3, "nothing is stored twice")
    for peer in waiting:
        check(peer.recv(100).startswith(b"200"), "who connected in between is answered")
        peer.close()
    end(run)
    run = manager.start(words[:2])
    run.read_url()
    manager.wait_for("READY")
    check(len(manager.stored) == 1, "a socket that nobody listens on any more leaves the store")
    check("event=socket-unused name=\"kvs-unix" in log_of(manager), "and the log says so")
    end(run)


def test_takes_sockets_of_a_socket_unit(manager, folder):
    path, plain = os.path.join(folder, "unit.sock"), os.path.join(folder, "file")
    v4, by_path, unused = listen(("127.0.0.1", 0)), listen(path, socket.AF_UNIX), listen(("127.0.0.1", 0))
    dual = listen(("::", 0), socket.AF_INET6, v6only=0)
    abstract = listen(f"\0weft-test-{os.getpid()}", socket.AF_UNIX)
    dgram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with open(plain, "w", encoding="utf-8") as file:
        passed = [("kvs.socket", listener.fileno()) for listener in (v4, by_path, dual, unused, dgram, abstract)]
        passed.append(("a file", file.fileno()))
        port, any_port = v4.getsockname()[1], dual.getsockname()[1]
        run = manager.start(["--allow-remote", "--listen", f"tcp://127.0.0.1:{port}", "--listen", f"unix:{path}", "--listen",
                             f"tcp://*:{any_port}", "--listen", f"unix:@weft-test-{os.getpid()}"], passed)
    urls = [run.read_url() for _ in range(4)]
    manager.wait_for("READY")
    check(not manager.stored, "what the manager has already is not stored")
    for listener in (v4, by_path, unused, dual, abstract):
        listener.close()
    for url in urls[:2] + [urls[3], f"tcp://127.0.0.1:{any_port}", f"tcp://[::1]:{any_port}"]:
        check(kvc(url, "hexist", "t", "k") == "false\n", f"it serves {url}")
    log = log_of(manager)
    check(log.count("event=socket-refused") == 2, "a datagram socket and a file are refused")
    check(log.count('event=socket-unused name="kvs.socket"') == 1, "a socket without a --listen is closed")
    end(run)
    check(os.path.exists(path), "the file is the socket unit's")


def test_takes_a_socket_for_admin_by_its_name(manager, _folder):
    with listen(("127.0.0.1", 0)) as admin:
        port = admin.getsockname()[1]
        run = manager.start([*ANY_PORT, "--admin", "tcp://127.0.0.1:0"], [("admin", admin.fileno())])
    check(run.read_url() != f"tcp://127.0.0.1:{port}", "clients have another port")
    check(run.out.readline().startswith(f"admin tcp://127.0.0.1:{port} "), "the socket that is called admin is its own")
    manager.wait_for("READY")
    check(len(manager.stored) == 1, "the manager has it already")
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        check(peer.recv(100).startswith(b"HTTP/1.1 200 "), "it is answered")
    end(run)


def test_serves_without_a_manager(manager, _folder):
    for variable in ({"NOTIFY_SOCKET": "/nowhere/notify"}, {"NOTIFY_SOCKET": "relative"}, {"NOTIFY_SOCKET": "@weft-nobody"}):
        server = subprocess.Popen([KVS, *ANY_PORT], env=dict(os.environ, LISTEN_PID="1", LISTEN_FDS="3", **variable),
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        check(server.stdout.readline().startswith("listening "), "it serves")
        server.terminate()
        check("event=notify-failed" in server.communicate()[1] and server.returncode == 0, "it says who did not hear it")
    gone = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.path = os.path.join(manager.folder, "gone")
    gone.bind(manager.path)
    run = manager.start(ANY_PORT)
    run.read_url()
    gone.recv(4096)
    gone.close()
    end(run)
    check("event=notify-failed error=ECONNREFUSED" in log_of(manager), "a manager that is gone stops nothing")


def start_alone(words):
    server = subprocess.Popen([KVS, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return server, server.stdout.readline().split(" ")


def test_takes_over(_manager, folder):
    path, data = os.path.join(folder, "handover"), os.path.join(folder, "data")
    words = [*ANY_PORT, "--handover", path, "--store", f"memory:{data}", "--admin", "tcp://127.0.0.1:0"]
    first, line = start_alone(words)
    admin = first.stdout.readline()
    kvc(line[1], "hset", "t", "k", "v")
    # What the second could not serve with is refused before the first has to go.
    for more, code, text in (["--listen", "tcp://127.0.0.1:0?codec=nothing"], 2, "unknown codec"), \
                            (["--access-log", f"{folder}/l", "--access-format", "$no"], 2, "the template has no '$no'"), \
                            (["--users", "/nowhere.users"], 1, "/nowhere.users"):
        expect_refused(words + more, code, text)
        check(kvc(line[1], "hget", "t", "k") == "v\n", "the first serves on")
    second, other = start_alone(words)
    check(other == line and second.stdout.readline() == admin, "the second listens where the first did")
    log = first.communicate()[1]
    check(first.returncode == 0 and f"event=handover pid={second.pid}" in log, "the first has drained")
    check(kvc(line[1], "hget", "t", "k") == "v\n", "and its store is the second's")
    check(os.path.exists(path), "the socket is the second's, too")
    # Whoever asks and goes, or says something else, changes nothing.
    for word in (None, b"stay"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as curious:
            curious.connect(path)
            while socket.recv_fds(curious, 300, 1)[0] != b"end":
                pass
            if word:
                curious.send(word)
                check(curious.recv(10) == b"", "it hangs up")
    check(kvc(line[1], "hget", "t", "k") == "v\n", "it still serves")
    second.terminate()
    log = second.communicate()[1]
    check(second.returncode == 0 and "event=takeover from=" in log, "the second says whom it replaced")
    check(log.count("event=handover-failed") == 2, "and who changed their mind")
    check(not os.path.exists(path), "the last one removes the socket")


def expect_refused(words, code, text):
    done = subprocess.run([KVS, *words], capture_output=True, text=True, check=False)
    check(done.returncode == code and text in done.stderr, f"{words} is refused: {done.stderr}")


def pretend(path, *messages):
    """Listens at a path as a kvs that sends these messages to the first that asks."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen()
    if os.fork() == 0:
        peer = listener.accept()[0]
        for text, descriptors in messages:
            socket.send_fds(peer, [text], descriptors)
        os._exit(0)
    listener.close()


def test_refuses_to_take_over_from_others(_manager, folder):
    path = os.path.join(folder, "other")
    expect_refused([*ANY_PORT, "--handover", "/" + 200 * "x"], 2, "--handover: the path has more than")
    expect_refused([*ANY_PORT, "--handover", "/nowhere/socket"], 1, "--handover: cannot listen on /nowhere/socket: No such file")
    with open(path, "w", encoding="utf-8"):
        expect_refused([*ANY_PORT, "--handover", path], 1, "--handover: cannot listen on")
    os.remove(path)
    with listen(path, socket.AF_UNIX):
        expect_refused([*ANY_PORT, "--handover", path], 1, "--handover: cannot connect to")
    os.remove(path)
    pretend(path, (b"who are you?", []))
    expect_refused([*ANY_PORT, "--handover", path], 1, "--handover: cannot take over at")
    os.remove(path)
    pretend(path)
    expect_refused([*ANY_PORT, "--handover", path], 1, "--handover: cannot take over at")
    os.remove(path)
    pretend(path, *[(b"one more", [0]) for _ in range(129)])
    expect_refused([*ANY_PORT, "--handover", path], 1, "--handover: cannot take over at")
    # What a dead server left behind is no hindrance.
    server, _ = start_alone([*ANY_PORT, "--handover", path])
    server.terminate()
    check(server.wait() == 0, "it serves all the same")
    server.communicate()


def main():
    for test in (test_tells_what_it_does, test_gives_signs_of_life, test_restart_keeps_those_who_wait,
                 test_takes_sockets_of_a_socket_unit, test_takes_a_socket_for_admin_by_its_name,
                 test_serves_without_a_manager, test_takes_over, test_refuses_to_take_over_from_others):
        with tempfile.TemporaryDirectory(prefix="weft-service-") as folder:
            manager = Manager(KVS, os.path.join(folder, "log"))
            try:
                test(manager, folder)
            except BaseException:
                if os.path.exists(manager.log):
                    print(log_of(manager))
                raise
            finally:
                manager.close()
        print(f"ok  {test.__name__}", flush=True)


main()
