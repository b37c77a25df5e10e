# SPDX-License-Identifier: MIT
"""scraping.py BUILD PAIRS: what 100 scrapes of /metrics per second change for clients at full load. Windows of a second
with and without scrapes take turns, in an order that alternates too, so that what else the machine does meets both
alike. Prints the median over the pairs of the ratio of their p99 and of the first loop's CPU per request. Fails where
p99 grows by 5 % or more, or where fewer than 90 scrapes per second were answered."""
import http.client
import multiprocessing
import pathlib
import re
import statistics
import subprocess
import sys
import time

RATE, CONNECTIONS, DEPTH, SECONDS = 100, 50, 16, 1
GOAL, LEAST_RATE = 1.05, 90


def scrape(port, wanted, count):
    """Scrapes at the rate while it is wanted. A process, so that it takes no turn of the one that measures."""
    peer = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while True:
        wanted.wait()
        due = time.monotonic()
        while wanted.is_set():
            peer.request("GET", "/metrics")
            reply = peer.getresponse()
            if reply.status != 200 or b"weft_requests_total" not in reply.read():
                raise SystemExit("scraping: /metrics is not what it was")
            count.value += 1
            due = max(due + 1 / RATE, time.monotonic() - 0.1)
            time.sleep(max(0, due - time.monotonic()))


def start(build):
    """Returns kvs, and the ports of its endpoint and of its admin service."""
    kvs = subprocess.Popen([build / "kvs", "--threads", "1", "--log-level", "warn", "--listen",
                            "tcp://127.0.0.1:0?codec=raw", "--admin", "tcp://127.0.0.1:0"],
                           stdout=subprocess.PIPE, text=True)
    ports = [int(re.search(r"//127\.0\.0\.1:(\d+)", kvs.stdout.readline()).group(1)) for _ in range(2)]
    return kvs, *ports


def loop_cpu(pid):
    """Nanoseconds of CPU of the first loop."""
    return int(pathlib.Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0])


def window(build, kvs, port):
    """Loads kvs for a window. Returns p99 in microseconds, and nanoseconds of the loop's CPU per request."""
    words = ["kv", "get", port, 0, CONNECTIONS, DEPTH, SECONDS, 64]
    before = loop_cpu(kvs.pid)
    line = subprocess.run([build / "bench/blast", *map(str, words)], capture_output=True, check=True, text=True).stdout
    figures = dict(word.split("=") for word in line.split())
    return float(figures["p99"]), (loop_cpu(kvs.pid) - before) / (float(figures["rps"]) * SECONDS)


def measure(build, pairs, kvs, port, wanted):
    """Returns the windows of the pairs, without scrapes and with them, and the seconds of the latter."""
    taken, seconds = {False: [], True: []}, 0.0
    window(build, kvs, port)
    for i in range(pairs):
        for scraped in (i % 2 == 0, i % 2 == 1):
            begin = time.monotonic()
            if scraped:
                wanted.set()
            taken[scraped].append(window(build, kvs, port))
            wanted.clear()
            seconds += time.monotonic() - begin if scraped else 0
    return taken[False], taken[True], seconds


def main(build, pairs):
    kvs, port, admin = start(build)
    wanted, count = multiprocessing.Event(), multiprocessing.Value("q", 0)
    scraper = multiprocessing.Process(target=scrape, args=(admin, wanted, count), daemon=True)
    scraper.start()
    try:
        without, scraped, seconds = measure(build, pairs, kvs, port, wanted)
    finally:
        scraper.terminate()
        scraper.join()
        kvs.terminate()
        kvs.wait()
    rate = count.value / seconds
    p99 = statistics.median(b[0] / a[0] for a, b in zip(without, scraped))
    cpu = statistics.median(b[1] / a[1] for a, b in zip(without, scraped))
    spread = statistics.quantiles((b[0] / a[0] for a, b in zip(without, scraped)), n=4)
    print(f"scrapes per second {rate:.0f}, pairs of windows {pairs}")
    print(f"p99 without {statistics.median(a[0] for a in without):.0f} us, "
          f"with {statistics.median(b[0] for b in scraped):.0f} us")
    print(f"p99 ratio, median {p99:.3f} (quartiles {spread[0]:.3f} to {spread[2]:.3f}), of at most {GOAL}")
    print(f"CPU of the loop per request, ratio, median {cpu:.3f}")
    return p99 < GOAL and rate >= LEAST_RATE


if __name__ == "__main__":
    sys.exit(0 if main(pathlib.Path(sys.argv[1]), int(sys.argv[2])) else 1)
