# SPDX-License-Identifier: MIT
"""The servers under comparison, on loopback and a free port, each with one thread unless asked
otherwise. What is started here is stopped here, by its own process."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_open(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.02)
    raise SystemExit(f"bench: nothing listens on port {port}")


class Server:
    """A running server: port, pid, and proto, which is what blast calls its protocol."""

    def __init__(self, name, proto, command, port, cpus=None):
        self.name, self.proto, self.port = name, proto, port
        self.command, self.cpus = command, cpus
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            self.command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=(lambda: os.sched_setaffinity(0, self.cpus)) if self.cpus else None,
        )
        self.pid = self.process.pid
        try:
            wait_until_open(self.port)
        except BaseException:
            self.stop()
            raise

    def revive(self):
        """The echo floor ends (SIGPIPE) when a client leaves while it writes to it."""
        if self.process.poll() is not None:
            self.start()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def resident_kib(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE).group(1))


def kvs(folder, threads=1, cpus=None, name="kvs"):
    port = free_port()
    listen = ["--listen", f"tcp://127.0.0.1:{port}"]
    command = [folder / "kvs", "--threads", str(threads), "--log-level", "warn", *listen]
    return Server(name, "kv", command, port, cpus)


def kvs_store(folder, store):
    port = free_port()
    command = [folder / "kvs", "--threads", "1", "--log-level", "warn", "--store", store]
    return Server("kvs", "kv", command + ["--listen", f"tcp://127.0.0.1:{port}"], port)


def kvs_resp(folder, cpus=None):
    port = free_port()
    command = [folder / "kvs", "--threads", "1", "--log-level", "warn"]
    return Server("kvs", "redis", command + ["--listen", f"tcp://127.0.0.1:{port}?codec=resp"], port, cpus)


def kvs_http(folder, cpus=None):
    port = free_port()
    command = [folder / "kvs", "--threads", "1", "--log-level", "warn"]
    return Server("kvs", "http", command + ["--listen", f"tcp://127.0.0.1:{port}?codec=http"], port, cpus)


NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log /dev/null;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    default_type text/plain;
    keepalive_requests 1000000000;
    client_body_temp_path {folder};
    proxy_temp_path {folder};
    fastcgi_temp_path {folder};
    uwsgi_temp_path {folder};
    scgi_temp_path {folder};
    {more}
    server {{
        listen 127.0.0.1:{port};
        root {folder};
    }}
}}
"""


class Nginx(Server):
    """nginx with a file for each key: its worker is what is measured. With a cache it keeps the files open."""

    def __init__(self, cached, cpus=None):
        self.folder = tempfile.TemporaryDirectory()
        folder, port = pathlib.Path(self.folder.name), free_port()
        os.chmod(folder, 0o755)
        keys = folder / "v1/tables/table1/keys"
        keys.mkdir(parents=True)
        for i in range(1000):
            (keys / f"key:{i:010}").write_bytes(b"x" * 64)
        more = "open_file_cache max=2000 inactive=1h; open_file_cache_valid 1h;" if cached else ""
        config = NGINX.format(folder=folder, port=port, more=more)
        (folder / "nginx.conf").write_text(config)
        command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
        super().__init__("nginx, files kept open" if cached else "nginx", "http", command, port, cpus)
        # The master only waits: blast is to read the CPU time of the worker.
        self.pid = int(pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()[0])

    def stop(self):
        super().stop()
        self.folder.cleanup()


def echo(folder, cpus=None):
    port = free_port()
    return Server("echo", "echo", [folder / "bench/echo_limit", str(port)], port, cpus)


def redis(cpus=None):
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--save", "", "--appendonly", "no", "--io-threads", "1", "--maxclients", "20000"]
    return Server("redis", "redis", command, port, cpus)


def redis_on_disk(folder, sync):
    """With an append-only file, or with sync None one that reads and writes dump.rdb alone."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    command += ["--save", "", "--io-threads", "1"]
    command += ["--appendonly", "yes", "--appendfsync", sync] if sync else ["--appendonly", "no"]
    return Server("redis", "redis", command, port)


def memcached(cpus=None):
    port = free_port()
    command = ["memcached", "-p", str(port), "-l", "127.0.0.1", "-U", "0", "-t", "1"]
    command += ["-c", "20000", "-m", "1024", "-u", "nobody"]
    return Server("memcached", "memcached", command, port, cpus)


def installed(program):
    return shutil.which(program) is not None
