# SPDX-License-Identifier: MIT
"""unit.py PACKAGES BASE WORK ROUNDS: the service and the socket unit of the Debian package, under a systemd that is PID 1 of
a fresh Debian 12. It has namespaces of its own, the network's included. BASE is the archive of that Debian, which is
made if it is not there. Needs root, and a kernel with control groups of version 2."""
import ctypes
import glob
import os
import signal
import subprocess
import sys
import time

from machine import Machine, make_base, run

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "soak"))
from counting import Client, report, wait_for_progress  # pylint: disable=wrong-import-position

CLIENTS, ADDRESS, DEADLINE = 16, ("127.0.0.1", 9527), 120
NAMESPACES = ["--mount", "--pid", "--fork", "--uts", "--ipc", "--net", "--cgroup", "--kill-child"]
CLONE_NEWNET = 0x40000000


def check(held, what):
    if not held:
        raise SystemExit(f"unit: not so: {what}")
    print(f"ok  {what}", flush=True)


def wait_until(held, what):
    deadline = time.monotonic() + DEADLINE
    while not held():
        if time.monotonic() > deadline:
            raise SystemExit(f"unit: {what}: not within two minutes")
        time.sleep(0.02)


class System:
    """A folder with a systemd that runs as its PID 1, in a control group of its own."""

    def __init__(self, root, work):
        with open("/proc/mounts", encoding="utf-8") as mounts:
            places = [line.split()[1] for line in mounts if line.split()[2] == "cgroup2"]
        if not places:
            raise SystemExit("unit: no control groups of version 2 are mounted here")
        self.group = os.path.join(places[0], f"weft-unit-{os.getpid()}")
        os.mkdir(self.group)
        here = os.path.dirname(os.path.abspath(__file__))
        enter = f'echo $$ >{self.group}/cgroup.procs; exec unshare {" ".join(NAMESPACES)} sh {here}/boot.sh {root}'
        with open(os.path.join(work, "boot.log"), "w", encoding="utf-8") as log:
            self.outside = subprocess.Popen(["sh", "-c", enter], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.pid = None
        wait_until(self.has_booted, "systemd boots")

    def has_booted(self):
        if self.outside.poll() is not None:
            raise SystemExit(f"unit: systemd ended with {self.outside.returncode}: see boot.log")
        with open(f"/proc/{self.outside.pid}/task/{self.outside.pid}/children", encoding="ascii") as children:
            found = children.read().split()
        self.pid = int(found[0]) if found else None
        return bool(found) and self.call("systemctl", "is-active", "basic.target").stdout == "active\n"

    def call(self, *words):
        return subprocess.run(["nsenter", "-t", str(self.pid), "-a", *words], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)

    def do(self, *words):
        done = self.call(*words)
        if done.returncode != 0:
            raise SystemExit(f"unit: {' '.join(words)}: {done.stdout}{self.call('journalctl', '-n', '40', '--no-pager').stdout}")
        return done.stdout

    def forgive(self):
        """Has systemd forget how often it has started kvs: by default more than five times in ten seconds are too many."""
        self.do("systemctl", "reset-failed", "kvs.service")
        self.call("systemctl", "reset-failed", "kvs.socket")  # which may not be loaded

    def show(self, name):
        return self.do("systemctl", "show", "kvs", "--value", "-p", name).strip()

    def join_network(self):
        """From now on this process, and the threads that it starts, are in the network of the system."""
        libc = ctypes.CDLL(None, use_errno=True)
        namespace = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
        if libc.setns(namespace, CLONE_NEWNET) != 0:
            raise SystemExit(f"unit: setns: {os.strerror(ctypes.get_errno())}")
        os.close(namespace)

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
        self.outside.kill()
        self.outside.wait()
        for folder, _, _ in os.walk(self.group, topdown=False):
            wait_until(lambda group=folder: is_removed(group), "the processes of the system end")


def is_removed(group):
    try:
        os.rmdir(group)
    except OSError:
        return False
    return True


def check_start(system):
    system.do("systemctl", "start", "kvs")
    check(system.show("ActiveState") == "active" and system.show("StatusText") == "Serving", "start: it serves")
    path = f"/proc/{system.pid}/root/proc/{system.show('MainPID')}/status"
    with open(path, encoding="utf-8") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    check(status["NoNewPrivs"] == "1" and status["Seccomp"] == "2" and int(status["CapEff"], 16) == 0
          and status["Uid"].split()[0] != "0", "it is confined, and has no capability")
    check(system.show("NFileDescriptorStore") == "1", "its socket is in the descriptor store")
    system.do("kvc", "hset", "unit", "key", "value")


def check_reload(system):
    setting = f"/proc/{system.pid}/root/etc/weft/kvs.d/unit.conf"
    os.makedirs(os.path.dirname(setting), exist_ok=True)
    with open(setting, "w", encoding="utf-8") as file:
        file.write("log-levle debug\n")
    system.do("systemctl", "reload", "kvs")
    check("unknown setting 'log-levle'" in system.show("StatusText"), "reload: the status says what was refused")
    with open(setting, "w", encoding="utf-8") as file:
        file.write("log-level warn\n")
    system.do("systemctl", "reload", "kvs")
    check(system.show("StatusText") == "Serving", "reload: it has taken what was mended")


def restart_under_load(system, rounds, name):
    clients = [Client(i, ADDRESS) for i in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        wait_for_progress(clients)
        for _ in range(rounds):
            system.do("systemctl", "reload", "kvs")
            system.forgive()
            system.do("systemctl", "restart", "kvs")
            wait_for_progress(clients)
    finally:
        for client in clients:
            client.done = True
        for client in clients:
            client.join()
    check(report(name, rounds, clients), f"{name}: no connection refused, no answer lost")
    system.do("kvc", "drop", "restarts")


def check_crash(system):
    system.do("systemctl", "kill", "-s", "KILL", "kvs")
    wait_until(lambda: system.show("NRestarts") == "1" and system.show("ActiveState") == "active", "it starts again")
    check(system.do("kvc", "hget", "unit", "key") == "value\n", "kill: it is started again, and has what it had")


def check_stop(system):
    system.do("systemctl", "stop", "kvs")
    check(system.show("ActiveState") == "inactive" and system.show("Result") == "success", "stop: it drains")
    check(system.show("NFileDescriptorStore") == "0", "nobody listens any more")
    check(system.call("kvc", "ping").returncode == 3, "clients are refused")


def check_socket(system, rounds):
    system.forgive()
    system.do("systemctl", "start", "kvs.socket")
    check(system.show("ActiveState") == "inactive", "socket: systemd listens, and kvs does not run")
    check(system.do("kvc", "hget", "unit", "key") == "value\n", "the first client starts kvs")
    check(system.show("NFileDescriptorStore") == "0", "the socket stays systemd's")
    restart_under_load(system, rounds, "restarts with the socket unit")
    system.do("systemctl", "stop", "kvs")
    system.forgive()
    check(system.do("kvc", "hget", "unit", "key") == "value\n", "after a stop the next client starts it again")
    system.do("systemctl", "stop", "kvs.socket", "kvs")


def main():
    folder, base, work, rounds = sys.argv[1:]
    make_base(base)
    machine = Machine(base, os.path.join(os.path.abspath(work), "unit"))
    try:
        machine.update()
        packages = [glob.glob(os.path.join(folder, f"{name}_*.deb"))[0] for name in ("kvs", "kvc")]
        machine.run(["apt-get", "-q", "-y", "--no-install-recommends", "install", "systemd",
                     *machine.copy(packages, "/opt")])
        system = System(machine.root, work)
        try:
            system.join_network()
            check_start(system)
            check_reload(system)
            restart_under_load(system, int(rounds), "restarts")
            check_crash(system)
            check_stop(system)
            check_socket(system, int(rounds))
        finally:
            system.close()
    finally:
        run(["rm", "-rf", "--one-file-system", machine.root])


main()
