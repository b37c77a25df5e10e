# SPDX-License-Identifier: MIT
"""scraping.py BUILD BLOCKS: what 100 scrapes of /metrics per second change for clients at full load.

A block is four windows of a second, without scrapes, with, with, and without, so that neither a load that comes nor one that
goes away favours one of them; the next block begins with scrapes. A block's ratio is that of its p99 with scrapes to those
without. Prints the median of the blocks' ratios, between which two values it lies with a probability of 95 %, whatever the
noise of the machine is like, and the load average; and so for the first loop's CPU per request. Fails unless all of the
interval of p99 is below 5 %: where only a part of it is, the machine was too busy to tell, which is said. Fails, too, where
fewer than 90 scrapes per second were answered."""
import http.client
import math
import multiprocessing
import os
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


def measure(build, blocks, kvs, port, wanted):
    """Returns the blocks, of each the windows without scrapes and with them, and the seconds of the latter."""
    taken, seconds = [], 0.0
    window(build, kvs, port)
    for i in range(blocks):
        block = {False: [], True: []}
        first = i % 2 == 1
        for scraped in (first, not first, not first, first):
            begin = time.monotonic()
            if scraped:
                wanted.set()
            block[scraped].append(window(build, kvs, port))
            wanted.clear()
            seconds += time.monotonic() - begin if scraped else 0
        taken.append(block)
    return taken, seconds


def ratios(taken, part):
    return sorted(sum(own[part] for own in block[True]) / sum(own[part] for own in block[False]) for block in taken)


def interval(values):
    """Returns the values between which the median of all such blocks lies with a probability of at least 95 %: those so far
    from the ends that a coin thrown as often as there are values shows no more heads than that in 2.5 % of the cases."""
    count, below, skipped = len(values), 0.0, 0
    while (below := below + math.comb(count, skipped) / 2**count) <= 0.025:
        skipped += 1
    skipped = max(skipped - 1, 0)
    return values[skipped], values[count - 1 - skipped]


def show(what, values, goal=""):
    low, high = interval(values)
    print(f"{what}, ratio, median {statistics.median(values):.3f} (95 %: {low:.3f} to {high:.3f}){goal}")


def main(build, blocks):
    kvs, port, admin = start(build)
    wanted, count = multiprocessing.Event(), multiprocessing.Value("q", 0)
    scraper = multiprocessing.Process(target=scrape, args=(admin, wanted, count), daemon=True)
    scraper.start()
    try:
        taken, seconds = measure(build, blocks, kvs, port, wanted)
    finally:
        scraper.terminate()
        scraper.join()
        kvs.terminate()
        kvs.wait()
    rate = count.value / seconds
    windows = {kind: [own[0] for block in taken for own in block[kind]] for kind in (False, True)}
    print(f"scrapes per second {rate:.0f}, blocks of four windows {blocks}, "
          f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
    print(f"p99 without {statistics.median(windows[False]):.0f} us, with {statistics.median(windows[True]):.0f} us")
    p99 = ratios(taken, 0)
    show("p99", p99, f", of at most {GOAL}")
    show("CPU of the loop per request", ratios(taken, 1))
    low, high = interval(p99)
    if low < GOAL <= high:
        print("the machine was too busy to tell: ask for more blocks, or again when it is quiet")
    return high < GOAL and rate >= LEAST_RATE


if __name__ == "__main__":
    sys.exit(0 if main(pathlib.Path(sys.argv[1]), int(sys.argv[2])) else 1)
