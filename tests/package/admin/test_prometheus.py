# SPDX-License-Identifier: MIT
"""Prometheus itself scrapes a kvs under load: every series appears, the queries of docs/grafana/weft.json and the alerts of
docs/operating.md are evaluated, and no alert fires. Run from the root of the tree:
test_prometheus.py KVS KVC PROMETHEUS PROMTOOL [SECONDS]."""
import json
import pathlib
import re
import subprocess
import sys
import time
import unittest
import urllib.parse
import urllib.request

from admin import Served

DASHBOARD = pathlib.Path("docs/grafana/weft.json")
OPERATING = pathlib.Path("docs/operating.md")
DEADLINE = 60


class Scraped(Served):
    prometheus = ""
    seconds = 3
    options = ["--store", "memory:FOLDER/data?sync=0.01", "--slowlog", "1us"]

    def setUp(self):
        super().setUp()
        port = self.admin_url.rsplit(":", 1)[1]
        config = pathlib.Path(self.folder.name, "prometheus.yml")
        config.write_text("global: {scrape_interval: 200ms, evaluation_interval: 200ms}\n"
                          "rule_files: [alerts.yml]\n"
                          "scrape_configs:\n- job_name: kvs\n  static_configs:\n"
                          f"  - targets: ['127.0.0.1:{port}']\n", encoding="ascii")
        alerts = re.search(r"```yaml\n(groups:.*?)```", OPERATING.read_text(encoding="utf-8"), re.S)[1]
        pathlib.Path(self.folder.name, "alerts.yml").write_text(alerts, encoding="utf-8")
        self.watcher = subprocess.Popen(
            [self.prometheus, f"--config.file={config}", f"--storage.tsdb.path={self.folder.name}/tsdb",
             "--web.listen-address=127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.watcher.communicate)
        self.addCleanup(self.watcher.kill)
        for line in self.watcher.stderr:
            if found := re.search(r'msg="Listening on" address=(\S+)', line):
                break
        self.api = f"http://{found[1]}/api/v1/"
        self.load = subprocess.Popen([self.kvc, "--server", self.urls[0], "bench", "--clients", "2", "--requests",
                                      "1000000000"], stdout=subprocess.DEVNULL)
        self.addCleanup(self.load.wait)
        self.addCleanup(self.load.kill)

    def ask(self, what, **parameters):
        url = self.api + what + "?" + urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
            return json.load(answer)["data"]

    def query(self, text):
        return self.ask("query", query=text)["result"]

    def wait_for(self, text):
        deadline = time.monotonic() + self.seconds + DEADLINE
        while not (found := self.query(text)):
            self.assertLess(time.monotonic(), deadline, text)
        return found

    def test_every_series_appears_and_every_query_finds_something(self):
        self.run_kvc("hset", "t", "large", "v" * 5000)
        for _ in range(3):
            self.run_kvc("hget", "t", "large")
        self.wait_for(f'count_over_time(up[10m]) >= {5 * self.seconds}')
        self.assertEqual([found["value"][1] for found in self.query("min_over_time(up[10m])")], ["1"])
        names = set(self.ask("label/__name__/values"))
        for metric in self.json("/metrics", "-H", "Accept: application/json")["metrics"]:
            suffix = {"counter": "_total", "histogram": "_bucket", "gauge": ""}[metric["kind"]]
            self.assertIn(metric["name"] + suffix, names)
        self.assertTrue(self.query('weft_requests_total{command="hget",status="200"} > 0'))
        self.check_dashboard()
        self.check_alerts()

    def check_dashboard(self):
        queries = [target["expr"] for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
                   for target in panel.get("targets", [])]
        self.assertGreater(len(queries), 30)
        for text in queries:
            text = text.replace("$__rate_interval", "1m").replace("$instance", ".*")
            with self.subTest(query=text):
                self.assertTrue(self.query(text))

    def check_alerts(self):
        rules = [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]
        self.assertGreater(len(rules), 8)
        for rule in rules:
            with self.subTest(alert=rule["name"]):
                self.assertEqual(rule["health"], "ok", rule.get("lastError"))
                self.assertNotEqual(rule["state"], "firing")


if __name__ == "__main__":
    Served.kvs, Served.kvc, Scraped.prometheus, Served.promtool = sys.argv[1:5]
    if len(sys.argv) > 5:
        Scraped.seconds = int(sys.argv[5])
    unittest.main(argv=sys.argv[:1])
