# SPDX-License-Identifier: MIT
"""A network of machines, each of which is a network namespace with one address. Any two of them can be cut off from each
other: packets between them then vanish without a word, as in a network whose link fails beyond the next switch."""
import os
import subprocess
import sys

WITHIN = "WEFT_WITHIN_NETWORK"


def enter():
    """Runs this program again in a network namespace of its own, which ends with it. It is the router that all machines
    hang on, so that nobody else's network is touched. As another user than root it takes a user namespace as well."""
    if WITHIN in os.environ:
        call("ip", "link", "set", "lo", "up")
        with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as switch:
            switch.write("1")
        return
    unshare = ["unshare", "--net"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    tried = subprocess.run([*unshare, "ip", "link", "add", "weft", "type", "veth"], capture_output=True, text=True,
                           check=False)
    if tried.returncode != 0:
        raise SystemExit("This scenario cuts machines off from each other in network namespaces, and may not make any "
                         f"({tried.stderr.strip()}). Run it as root.")
    os.execvpe(unshare[0], [*unshare, sys.executable, "-B", *sys.argv], {**os.environ, WITHIN: "1"})


def call(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"network: {' '.join(words)}: {done.stdout}{done.stderr}")


class Machine:
    """A namespace, which lasts until `close` or until this process ends."""

    def __init__(self, number):
        self.address, router = f"10.77.{number}.2", f"10.77.{number}.1"
        self.keeper = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        self.keeper.stdout.readline()
        outside, self.inside = f"weft{number}", ["nsenter", f"--net=/proc/{self.keeper.pid}/ns/net"]
        call("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", str(self.keeper.pid))
        call("ip", "address", "add", f"{router}/24", "dev", outside)
        call("ip", "link", "set", outside, "up")
        for words in (("link", "set", "lo", "up"), ("address", "add", f"{self.address}/24", "dev", "eth0"),
                      ("link", "set", "eth0", "up"), ("route", "add", "default", "via", router)):
            call(*self.inside, "ip", *words)

    def start(self, words, **settings):
        """Starts a program on the machine, whose process is the program's own."""
        return subprocess.Popen([*self.inside, *words], **settings)

    def close(self):
        self.keeper.stdin.close()
        self.keeper.wait()


def cut(one, other):
    """The router drops what these two send each other, and says nothing to either."""
    switch("add", one, other)


def heal(one, other):
    switch("del", one, other)


def switch(what, one, other):
    for source, target in ((one, other), (other, one)):
        call("ip", "rule", what, "from", source.address, "to", target.address, "blackhole")
