# SPDX-License-Identifier: MIT
"""A manager of services as systemd is one, for tests: it listens on a notify socket, keeps the descriptors of a service
in a store and passes them to its next run. What kvs tells it are its messages, each a dictionary."""
import os
import shutil
import socket
import tempfile

FIRST_FD = 3
DEADLINE = 120  # seconds: far more than anything here takes


class Run:
    """A running kvs."""

    def __init__(self, pid, out):
        self.pid, self.out = pid, out
        self.code = None

    def read_url(self):
        line = self.out.readline()
        assert line.startswith("listening "), f"it printed {line!r}"
        return line.split()[1]

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self):
        if self.code is None:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            self.out.close()
        return self.code


class Manager:
    def __init__(self, program, log):
        """log is the path that standard error is appended to."""
        self.program, self.log = program, log
        self.folder = tempfile.mkdtemp(prefix="weft-manager-")
        self.path = os.path.join(self.folder, "notify")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.path)
        self.notify.settimeout(DEADLINE)
        self.stored = {}  # name -> descriptor

    def close(self):
        self.notify.close()
        for descriptor in self.stored.values():
            os.close(descriptor)
        shutil.rmtree(self.folder)

    def start(self, words, passed=(), **environment):
        """Starts a run with the stored descriptors and those of `passed`, pairs of a name and a descriptor."""
        named = list(self.stored.items()) + list(passed)
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                self._become(words, named, writer, environment)
            finally:
                os._exit(127)
        os.close(writer)
        return Run(pid, os.fdopen(reader, encoding="utf-8"))

    def _become(self, words, named, out, environment):
        log = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(out, 1)
        os.dup2(log, 2)
        high = [os.dup2(descriptor, 200 + i) for i, (_, descriptor) in enumerate(named)]
        for i, descriptor in enumerate(high):
            os.dup2(descriptor, FIRST_FD + i)
        os.closerange(FIRST_FD + len(named), 300)
        variables = dict(os.environ, NOTIFY_SOCKET=self.path, **environment)
        if named:
            variables |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(named)),
                          "LISTEN_FDNAMES": ":".join(name for name, _ in named)}
        os.execve(self.program, [self.program, *words], variables)

    def receive(self):
        """Returns the next message, and does to the store what it says."""
        text, descriptors, _, _ = socket.recv_fds(self.notify, 8192, 4)
        message = dict(line.split("=", 1) for line in text.decode().split("\n"))
        if message.get("FDSTORE") == "1":
            assert len(descriptors) == 1, message
            kept = self.stored.setdefault(message["FDNAME"], descriptors[0])
            if kept != descriptors[0]:  # systemd keeps a socket once that it is given twice
                assert os.path.sameopenfile(kept, descriptors[0]), message
                os.close(descriptors[0])
        if message.get("FDSTOREREMOVE") == "1" and message["FDNAME"] in self.stored:
            os.close(self.stored.pop(message["FDNAME"]))
        return message

    def wait_for(self, name):
        """Receives up to the first message that has the name, and returns it."""
        while True:
            message = self.receive()
            if name in message:
                return message
