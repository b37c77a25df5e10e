# SPDX-License-Identifier: MIT
"""test_container.py BASE WORK: does what packages/Containerfile says in a folder instead of an image, then runs what it
would run, with a network of its own, and asks after its health. For where no container engine is."""
import ctypes
import fcntl
import json
import os
import shlex
import signal
import socket
import struct
import subprocess
import sys
import time

from machine import Machine, make_base

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def read_steps(path):
    """Yields the instructions of a Containerfile that has no continued lines."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.strip()
            if line and not line.startswith("#"):
                word, _, rest = line.partition(" ")
                yield word, rest


def build(base, root):
    """Returns the machine, and what the image says of a run."""
    image = {"USER": "root", "ENTRYPOINT": [], "CMD": [], "HEALTHCHECK": None}
    machine = None
    for word, rest in read_steps("packages/Containerfile"):
        if word == "FROM":
            assert rest == "docker.io/library/debian:12-slim", rest
            machine = Machine(base, root)
            machine.update()
        elif word == "COPY":
            *sources, folder = shlex.split(rest)
            machine.copy(sources, folder)
        elif word == "RUN":
            machine.run(["sh", "-c", rest])
        elif word in ("ENTRYPOINT", "CMD"):
            image[word] = json.loads(rest)
        elif word == "HEALTHCHECK":
            image[word] = json.loads(rest.partition("CMD ")[2])
        elif word == "USER":
            image[word] = rest
        elif word not in ("VOLUME", "EXPOSE"):
            raise SystemExit(f"test_container: {word} is not understood here")
    return machine, image


def enter_new_network():
    """From here on nothing is reachable but what is started here, on a loopback of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", flags | IFF_UP, b""))


def start(machine, image):
    server = subprocess.Popen(machine.inside(image["ENTRYPOINT"] + image["CMD"], image["USER"]))
    for _ in range(100):
        healthy = subprocess.run(machine.inside(image["HEALTHCHECK"], image["USER"]), capture_output=True, check=False)
        if healthy.returncode == 0:
            return server
        assert server.poll() is None, "the server has ended"
        time.sleep(0.1)
    raise SystemExit(f"test_container: it is not healthy: {healthy.stderr}")


def stop(server):
    server.send_signal(signal.SIGTERM)
    assert server.wait(30) == 0, "it did not drain"


def main():
    base, work = sys.argv[1:]
    make_base(base)
    machine, image = build(base, os.path.join(work, "container"))
    try:
        enter_new_network()
        server = start(machine, image)
        assert os.stat(f"/proc/{server.pid}").st_uid != 0, "it runs as root"
        machine.run(["kvc", "hset", "table1", "hello", "world"])
        stop(server)
        server = start(machine, image)
        assert machine.run(["kvc", "hget", "table1", "hello"]) == "world\n"
        stop(server)
        print("ok  the image is healthy, runs as nobody special, and its volume keeps what was set")
    finally:
        machine.remove()


main()
