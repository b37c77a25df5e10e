# SPDX-License-Identifier: MIT
"""test_logrotate.py KVS KVC LOGROTATE PACKAGED: rotates the logs of a kvs that is under load, with the configuration that
the Debian package installs. Its folder, its user and systemctl are the test's; all else is as packaged."""
import glob
import grp
import gzip
import os
import pwd
import re
import subprocess
import sys
import tempfile

KVS, KVC, LOGROTATE, PACKAGED = sys.argv[1:]
ROUNDS, REQUESTS = 4, 200

# It stands in the place of systemctl, and takes just what the configuration is to say.
SYSTEMCTL = """#!/bin/sh
[ "$*" = "kill --kill-who=main --signal=HUP kvs.service" ] || { echo "systemctl $*" >>"$ROTATION_WRONG"; exit 1; }
kill -HUP "$ROTATION_PID"
"""


def check(held, what):
    if not held:
        raise SystemExit(f"test_logrotate: not so: {what}")


def adapt(folder):
    """Writes the packaged configuration for the folder and this user. Returns its path."""
    with open(PACKAGED, encoding="utf-8") as file:
        text = file.read()
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    for there, here in (("/var/log/kvs/", f"{folder}/log/"), ("/run/systemd/system", f"{folder}/log"),
                        ("su kvs kvs", f"su {user} {group}")):
        check(text.count(there) >= 1, f"the configuration has {there}")
        text = text.replace(there, here)
    path = os.path.join(folder, "kvs.logrotate")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o644)
    return path


def rotate(folder, conf, pid):
    wrong = os.path.join(folder, "wrong")
    environment = {"PATH": f"{folder}/bin:/usr/bin:/bin", "ROTATION_PID": str(pid), "ROTATION_WRONG": wrong}
    done = subprocess.run([LOGROTATE, "--force", "--state", f"{folder}/state", conf], env=environment,
                          capture_output=True, text=True, check=False)
    check(done.returncode == 0 and "error" not in done.stderr, f"logrotate succeeds: {done.stderr}")
    check(not os.path.exists(wrong), "systemctl is called with what it understands")


def read_all(pattern):
    """Returns the lines of a log and of all that it was rotated to."""
    lines = []
    for path in glob.glob(pattern):
        opened = gzip.open(path, "rt") if path.endswith(".gz") else open(path, encoding="utf-8")
        with opened as file:
            lines += file.read().splitlines()
    return lines


def wait_for_reloads(path, count):
    """Waits until the log that is written now tells of that many reloads, since the first of its files."""
    while sum("event=reload " in line for line in read_all(path + "*")) < count:
        os.sched_yield()


def main(folder):
    log, access = f"{folder}/log/kvs.log", f"{folder}/log/access.log"
    for name in ("log", "bin"):
        os.mkdir(os.path.join(folder, name))
    with open(f"{folder}/bin/systemctl", "w", encoding="utf-8") as file:
        file.write(SYSTEMCTL)
    os.chmod(f"{folder}/bin/systemctl", 0o755)
    conf = adapt(folder)
    kvs = subprocess.Popen([KVS, "--listen", "tcp://127.0.0.1:0", "--log-file", log, "--access-log", access],
                           stdout=subprocess.PIPE, text=True)
    try:
        url = re.match(r"listening (\S+)", kvs.stdout.readline()).group(1)
        for i in range(1, ROUNDS + 1):
            batch = "".join(f"hset t key{i}-{k} value\n" for k in range(REQUESTS))
            # pylint: disable-next=consider-using-with
            load = subprocess.Popen([KVC, "--server", url, "batch"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                    text=True)
            load.stdin.write(batch[: len(batch) // 2])
            load.stdin.flush()
            rotate(folder, conf, kvs.pid)
            load.stdin.write(batch[len(batch) // 2 :])
            load.stdin.close()
            check(load.wait() == 0, "the client is served")
            wait_for_reloads(log, i)
        check(os.path.exists(log) and os.path.exists(access), "the logs are written under their names again")
    finally:
        kvs.terminate()
        check(kvs.wait() == 0, "kvs ends well")
    asked = sum("hset" in line for line in read_all(access + "*"))
    check(asked == ROUNDS * REQUESTS, f"no line of the access log is lost: {asked} of {ROUNDS * REQUESTS}")
    check(glob.glob(log + ".2.gz"), "the log but one before is compressed")
    text = read_all(log)
    check(any("event=end" in line or "event=counts" in line for line in text), "the last lines are in the new file")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        os.chmod(scratch, 0o755)
        main(scratch)
