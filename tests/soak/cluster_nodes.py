# SPDX-License-Identifier: MIT
"""A Redis Cluster of masters with a replica each, and kvs over it, on whatever machines they are told."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import redis

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
from servers import free_port  # pylint: disable=wrong-import-position

MASTERS, NODE_TIMEOUT_MS, PATIENCE = 3, 2000, 120


def wait_until(holds, what):
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"cluster: after {PATIENCE} s still not: {what}")
        time.sleep(0.1)


def cli(*words):
    done = subprocess.run(["redis-cli", "--cluster", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"cluster: redis-cli --cluster {' '.join(words)}: {done.stdout[-500:]}{done.stderr}")


class Here:
    """This machine, for programs that nothing is to come between."""

    address = "127.0.0.1"

    def start(self, words, **settings):
        return subprocess.Popen(words, **settings)


class Node:
    """A redis-server of the cluster, which finds its place again when it restarts."""

    def __init__(self, folder, machine):
        self.machine, self.process = machine, None
        self.port, self.bus = (free_port(), free_port()) if isinstance(machine, Here) else (6379, 16379)
        self.name = f"{machine.address}:{self.port}"
        self.folder = os.path.join(folder, self.name)

    def start(self):
        os.makedirs(self.folder, exist_ok=True)
        address = self.machine.address
        self.process = self.machine.start(
            ["redis-server", "--port", str(self.port), "--bind", address, "--dir", self.folder, "--save", "",
             "--protected-mode", "no", "--appendonly", "no", "--cluster-enabled", "yes", "--cluster-port", str(self.bus),
             "--cluster-announce-ip", address, "--cluster-node-timeout", str(NODE_TIMEOUT_MS),
             "--cluster-require-full-coverage", "no", "--repl-diskless-sync-delay", "0", "--logfile", "log"])
        wait_until(self.answers, f"node {self.name} answers")

    def ask(self):
        return redis.Redis(self.machine.address, self.port, socket_timeout=5)

    def id(self):
        return self.ask().execute_command("CLUSTER MYID").decode()

    def answers(self):
        try:
            return self.ask().ping()
        except (redis.RedisError, OSError):
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def forget(self):
        """Ends it for good: started again, it is a new node."""
        self.kill()
        shutil.rmtree(self.folder)

    def describe(self):
        """What the node knows of the cluster, and of its replication."""
        try:
            return self.ask().execute_command("CLUSTER INFO"), self.ask().info("replication")
        except (redis.RedisError, OSError):
            return None, None

    def is_master(self):
        _, replication = self.describe()
        return bool(replication) and replication["role"] == "master"


class Cluster:
    def __init__(self, folder, machines):
        self.nodes = []
        try:
            for machine in machines:
                self.nodes.append(Node(folder, machine))
                self.nodes[-1].start()
            cli("create", *(node.name for node in self.nodes), "--cluster-replicas", "1", "--cluster-yes")
            wait_until(self.is_whole, "all nodes have joined")
        except BaseException:
            self.stop()
            raise

    def url(self, options):
        return "redis-cluster://" + ",".join(node.name for node in self.nodes) + options

    def is_whole(self):
        """Half of the nodes are masters and serve all slots, and each has a replica that has caught up."""
        masters = 0
        for node in self.nodes:
            told, replication = node.describe()
            if not told or told["cluster_state"] != "ok":
                return False
            if replication["role"] == "master":
                masters += 1
                if replication["connected_slaves"] < 1 or replication["slave0"]["state"] != "online":
                    return False
            elif replication["master_link_status"] != "up":
                return False
        return masters == len(self.nodes) / 2 and self.know_all()

    def masters(self):
        """Those that have slots, in the order of their first ones."""
        parts = sorted(self.nodes[0].ask().execute_command("CLUSTER SLOTS"), key=lambda part: part[0])
        names = dict.fromkeys(f"{address.decode()}:{port}" for _, _, (address, port, *_), *_ in parts)
        return [next(node for node in self.nodes if node.name == name) for name in names]

    def move(self, count, source, target):
        """Moves the lowest slots of a node."""
        cli("reshard", target.name, "--cluster-from", source.id(), "--cluster-to", target.id(),
            "--cluster-slots", str(count), "--cluster-yes")

    def add(self, master, replica):
        """Adds an empty master and its replica."""
        entry = self.nodes[0].name
        for node, words in ((master, ()), (replica, ("--cluster-slave", "--cluster-master-id"))):
            self.nodes.append(node)
            node.start()
            cli("add-node", node.name, entry, *words, *([master.id()] if words else []))
            wait_until(self.all_agree, "all nodes know the new one")
        wait_until(self.is_whole, "the new master has a replica")

    def remove(self, master, replica):
        """Removes a master that has no slots left, and its replica."""
        for node in (replica, master):
            self.nodes.remove(node)
            cli("del-node", self.nodes[0].name, node.id())
            node.forget()

    def all_agree(self):
        """The check of redis-cli, which refuses to change anything before."""
        check = ["redis-cli", "--cluster", "check", self.nodes[0].name]
        return self.know_all() and subprocess.run(check, stdout=subprocess.DEVNULL, check=False).returncode == 0

    def know_all(self):
        told = [node.describe()[0] for node in self.nodes]
        return all(one and int(one["cluster_known_nodes"]) == len(self.nodes) for one in told)

    def show(self):
        """For who looks for the reason of a failure."""
        for node in self.nodes:
            print(f"--- {node.name}, process {node.process and node.process.poll()}")
            print("".join(open(os.path.join(node.folder, "log"), encoding="utf-8").readlines()[-12:]), flush=True)

    def stop(self):
        for node in self.nodes:
            if node.process:
                node.process.send_signal(signal.SIGCONT)
                node.kill()


class Kvs:
    def __init__(self, program, store, threads=1, machine=Here()):
        listen = f"tcp://{machine.address}:0?codec="
        words = [program, "--listen", listen + "resp", "--listen", listen + "http", "--allow-remote", "--threads", str(threads),
                 "--log-level", "error", "--store", store]
        self.machine, self.process = machine, machine.start(words, stdout=subprocess.PIPE, text=True)
        urls = [self.process.stdout.readline().split()[1] for _ in range(2)]
        self.port, self.http_port = (int(url.rpartition(":")[2]) for url in urls)

    def connect(self):
        return redis.Redis(self.machine.address, self.port, socket_timeout=60, retry_on_timeout=False)

    def memory(self):
        """Its memory now and at most, in MiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return [int(re.search(name + r":\s+(\d+) kB", status).group(1)) / 1024 for name in ("VmRSS", "VmHWM")]

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        self.process.terminate()
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        assert failure or code == 0, f"kvs: exit {code}"
