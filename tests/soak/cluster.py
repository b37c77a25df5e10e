# SPDX-License-Identifier: MIT
"""cluster.py KVS ROUNDS [STEP...]: two kvs over a Redis Cluster of three masters with a replica each, under 50 writers,
while its nodes fail, the network fails and its slots move. Each node and each kvs has a machine (network.py).

A round kills each master, freezes one for ten seconds, cuts one off from one of the two kvs for ten seconds, moves 4,096
slots to another master and on to a fourth one that is added, and back before that is removed. Each writer reads a key back before it
overwrites it, and all keys are read back after each failure: a write that was acknowledged and is not there shows, and
so does one that was refused and is there. STEP is kill, freeze, cut or move: a round then does those alone.

Fails if a write is lost, an answer wrong, or the memory of a kvs grows beyond its bound. Times are reported: a gap is the
longest time between two acknowledged writes of a writer. The column `machine` says by how much a sleep was late meanwhile."""
import itertools
import os
import signal
import statistics
import sys
import tempfile
import threading
import time

import network
from cluster_nodes import MASTERS, NODE_TIMEOUT_MS, PATIENCE, Cluster, Kvs, Node, wait_until
from cluster_writers import PAUSE, Writer, place_keys

STEPS = ("kill", "freeze", "cut", "move")
WRITERS, KEYS = 50, 8
FAILED_SECONDS, MOVED_SLOTS, MEMORY_MAX_MIB = 10, 4096, 64


class Clock(threading.Thread):
    """Notes by how much a short sleep was late at most: for so long the machine itself may have stood still."""

    def __init__(self):
        super().__init__(daemon=True)
        self.late = 0.0
        self.start()

    def run(self):
        while True:
            begin = time.monotonic()
            time.sleep(0.05)
            self.late = max(self.late, time.monotonic() - begin - 0.05)


class Scenario:
    def __init__(self, cluster, kvs, spare):
        self.cluster, self.kvs, self.spare = cluster, kvs, spare
        places = place_keys(cluster, kvs[0], WRITERS * KEYS * 2)
        self.writers = []
        for i in range(WRITERS):
            shard = i % MASTERS
            keys = [places[shard].pop() for _ in range(KEYS)]
            self.writers.append(Writer(keys, shard, kvs[i // MASTERS % len(kvs)]))
        self.figures, self.takeover, self.rounds_memory, self.clock = {}, None, [], Clock()
        for writer in self.writers:
            writer.start()
        self.wait_for_progress()

    def wait_for_progress(self):
        before = [writer.acknowledged for writer in self.writers]
        wait_until(lambda: all(writer.acknowledged > count + 2 for writer, count in zip(self.writers, before)),
                   "each writer goes on")

    def read_back(self):
        """Holds the writers, and reads all that they wrote."""
        for writer in self.writers:
            writer.hold()
        for writer in self.writers:
            assert writer.idle.wait(PATIENCE), "a writer waits"
        for writer in self.writers:
            writer.check_all()

    def during(self, name, fail, is_hit):
        """Fails something that some writers notice, and reports what they and the others saw."""
        before, begin = self.counts(), time.monotonic()
        for writer in self.writers:
            writer.longest = 0.0
        self.takeover, self.clock.late = None, 0.0
        fail()
        wait_until(self.cluster.is_whole, "the cluster is whole again")
        self.wait_for_progress()
        self.read_back()
        counts = [now - count for now, count in zip(self.counts(), before)]
        gaps = [[writer.longest for writer in self.writers if is_hit(writer) is which] for which in (True, False)]
        self.show(name, time.monotonic() - begin, [max(side, default=0) for side in gaps], counts)
        figures = self.figures.setdefault(name.split()[0], ([], [], []))
        for so_far, more in zip(figures, ([self.takeover] if self.takeover else [], *gaps)):
            so_far += more
        for writer in self.writers:
            writer.resume()
        self.wait_for_progress()

    def show(self, name, seconds, worst, counts):
        memory = max(kvs.memory() for kvs in self.kvs)
        takeover = f"{self.takeover:.2f} s" if self.takeover else ""
        print(f"{name:16} {seconds:5.0f} s {takeover:>10} {worst[0]:8.2f} s {worst[1]:8.2f} s {self.clock.late:8.2f} s "
              f"{counts[0]:8} {counts[1]:7} {counts[2]:7} {self.wrong():6} {memory[0]:7.1f} {memory[1]:7.1f} MiB",
              flush=True)

    def counts(self):
        return [sum(getattr(writer, what) for writer in self.writers)
                for what in ("acknowledged", "refused", "unknown")]

    def wrong(self):
        return sum(len(writer.wrong) for writer in self.writers)

    def kill(self, shard):
        node = self.cluster.masters()[shard]
        node.kill()
        self.wait_for_takeover(node)
        node.start()

    def wait_for_takeover(self, node):
        """Clients cannot see less than what the engine needs, so that is reported beside it."""
        begin = time.monotonic()
        others = [one for one in self.cluster.nodes if one is not node]
        wait_until(lambda: sum(one.is_master() for one in others) == MASTERS, "a replica has taken over")
        self.takeover = time.monotonic() - begin

    def freeze(self, shard):
        node = self.cluster.masters()[shard]
        node.process.send_signal(signal.SIGSTOP)
        begin = time.monotonic()
        self.wait_for_takeover(node)
        time.sleep(max(0, begin + FAILED_SECONDS - time.monotonic()))
        node.process.send_signal(signal.SIGCONT)

    def cut(self, shard, kvs):
        """The node stays in its cluster, so nobody takes over."""
        masters = self.cluster.masters()
        before = [writer.acknowledged for writer in self.writers]
        network.cut(kvs.machine, masters[shard].machine)
        time.sleep(FAILED_SECONDS)
        network.heal(kvs.machine, masters[shard].machine)
        assert self.cluster.masters() == masters, "a replica has taken over from a node that was not cut off from the others"
        for writer, count in zip(self.writers, before):
            if writer.shard == shard and writer.kvs is kvs:
                assert writer.acknowledged - count < 20, "the cut did not cut"

    def move(self, masters):
        self.cluster.move(MOVED_SLOTS, masters[0], masters[1])

    def add(self, masters):
        self.cluster.add(*self.spare)
        self.cluster.move(MOVED_SLOTS, masters[1], self.spare[0])

    def remove(self, masters):
        self.cluster.move(MOVED_SLOTS, self.spare[0], masters[0])
        self.cluster.remove(*self.spare)
        assert self.cluster.masters() == masters, "the slots are not where they were"

    def round(self, number, steps):
        shard, kvs = number % MASTERS, self.kvs[number % len(self.kvs)]
        if "kill" in steps:
            for killed in range(MASTERS):
                self.during(f"kill master {killed}", lambda: self.kill(killed), lambda writer: writer.shard == killed)
        if "freeze" in steps:
            self.during(f"freeze master {shard}", lambda: self.freeze(shard), lambda writer: writer.shard == shard)
        if "cut" in steps:
            self.during(f"cut master {shard}", lambda: self.cut(shard, kvs),
                        lambda writer: writer.shard == shard and writer.kvs is kvs)
        if "move" in steps:
            masters = self.cluster.masters()
            self.during("move slots", lambda: self.move(masters), lambda writer: writer.shard == 0)
            self.during("add master", lambda: self.add(masters), lambda writer: writer.shard == 0)
            self.during("remove master", lambda: self.remove(masters), lambda writer: writer.shard == 0)
        self.rounds_memory.append(max(kvs.memory()[0] for kvs in self.kvs))

    def end(self):
        for writer in self.writers:
            writer.done = True
        for writer in self.writers:
            writer.join(PATIENCE)


def report(scenario):
    for name, sides in scenario.figures.items():
        for who, times in zip(("takeover", "gap of its clients", "gap of the others"), sides):
            if times:
                print(f"{name}, {who}: {len(times)}, median {statistics.median(times):.2f} s, most {max(times):.2f} s")
    acknowledged, refused, unknown = scenario.counts()
    print(f"{acknowledged} writes acknowledged, {refused} refused, {unknown} unknown, {scenario.wrong()} wrong")
    print(f"memory of a kvs after each round: {' '.join(f'{memory:.1f}' for memory in scenario.rounds_memory)} MiB; "
          f"at most {most_memory(scenario):.1f} MiB")
    words = {}
    for text, count in itertools.chain(*(writer.words.items() for writer in scenario.writers)):
        words[text] = words.get(text, 0) + count
    for text, count in sorted(words.items()):
        print(f"  {count} times: {text}")
    for writer in scenario.writers:
        for key, kept, value, sent in writer.wrong:
            print(f"WRONG: {key} is {value}, acknowledged {kept}, sent {sent}")


def most_memory(scenario):
    return max(kvs.memory()[1] for kvs in scenario.kvs)


def fail_and_check(program, cluster, machines, spare, rounds, steps):
    store = cluster.url("?ack=replica")
    with Kvs(program, store, 2, machines[0]) as one, Kvs(program, store, 2, machines[1]) as other:
        scenario = Scenario(cluster, (one, other), spare)
        print(f"{WRITERS} writers, of at most {1 / PAUSE / 2:.0f} writes per second each, to two kvs; "
              f"cluster-node-timeout {NODE_TIMEOUT_MS} ms\n"
              f"{'':16} {'took':>7} {'takeover':>10} {'hit':>10} {'others':>10} {'machine':>10} "
              f"{'acked':>8} {'refused':>7} {'unknown':>7} {'wrong':>6} {'memory':>7} {'at most':>11}", flush=True)
        try:
            for number in range(rounds):
                scenario.round(number, steps)
        finally:
            report(scenario)
        scenario.end()
        if scenario.wrong() > 0:
            raise SystemExit("cluster: an acknowledged write is lost, or an answer was wrong")
        if most_memory(scenario) > MEMORY_MAX_MIB:
            raise SystemExit(f"cluster: a kvs took more than {MEMORY_MAX_MIB} MiB")


def main():
    program, rounds, steps = sys.argv[1], int(sys.argv[2]), sys.argv[3:] or STEPS
    network.enter()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("cluster: terminated"))
    machines = [network.Machine(number) for number in range(1, 2 * MASTERS + 5)]
    # Each slot that moves is synced to a file of each node, which takes long on a disk.
    fast = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(prefix="weft-cluster-", dir=fast) as folder:
        spare = [Node(folder, machine) for machine in machines[:2]]
        cluster = Cluster(folder, machines[4:])
        try:
            fail_and_check(program, cluster, machines[2:4], spare, rounds, steps)
        except BaseException:
            cluster.show()
            raise
        finally:
            cluster.stop()
            for machine in machines:
                machine.close()


main()
