# SPDX-License-Identifier: MIT
"""A kvs with --admin, for tests."""
import json
import os
import re
import subprocess
import tempfile
import unittest


class Served(unittest.TestCase):
    """The tests of a class set `kvs`, `kvc`, and `options` beside --listen and --admin."""
    kvs = kvc = promtool = ""
    listen = ["tcp://127.0.0.1:0"]
    options = []
    admin = "tcp://127.0.0.1:0"

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.start()

    def start(self):
        words = [self.kvs, "--log-level", "warn", "--threads", "2", "--admin", self.admin, *self.options]
        for url in self.listen:
            words += ["--listen", url]
        self.server = subprocess.Popen([word.replace("FOLDER", self.folder.name) for word in words],
                                       stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.server.communicate)
        self.addCleanup(self.server.kill)
        self.urls = []
        while (word := self.server.stdout.readline().split())[0] == "listening":
            if word[1] not in self.urls:  # each codec of an address has a line
                self.urls.append(word[1])
        self.admin_url = word[1]
        self.base = self.admin_url.replace("tcp://", "http://")

    def stop(self):
        self.server.terminate()
        self.assertEqual(self.server.wait(60), 0)

    def curl(self, path, *words):
        """Returns the status and the body."""
        run = subprocess.run(["curl", "-sS", "--max-time", "60", "-w", "\n%{http_code}", *words, self.base + path],
                             text=True, check=True, stdout=subprocess.PIPE)
        body, status = run.stdout.rsplit("\n", 1)
        return int(status), body

    def get(self, path, *words):
        status, body = self.curl(path, *words)
        self.assertEqual(status, 200, body)
        return body

    def json(self, path, *words):
        return json.loads(self.get(path, *words))

    def samples(self):
        """Returns [(name, labels, value)], of a histogram its count."""
        found = []
        for metric in self.json("/metrics", "-H", "Accept: application/json")["metrics"]:
            for sample in metric["samples"]:
                found.append((metric["name"], sample["labels"], sample.get("value", sample.get("count"))))
        return found

    def sum(self, name, **labels):
        values = [value for found, have, value in self.samples()
                  if found == name and labels.items() <= have.items()]
        return sum(values) if values else None

    def run_kvc(self, *words, url=0, check=True, data=None):
        return subprocess.run([self.kvc, "--server", self.urls[url], *words], text=True, check=check, input=data,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "HOME": "/"}).stdout
