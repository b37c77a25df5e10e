# SPDX-License-Identifier: MIT
"""What `kvc --json` prints, read by Python's json: one object a reply, types kept.

usage: kvc_json.py KVC URL
"""
import base64
import json
import math
import subprocess
import sys

KVC, URL = sys.argv[1:]


def kvc(*words, code=0, stdin=None):
    run = subprocess.run([KVC, "--server", URL, "--timeout", "100", "--json", *words],
                         input=stdin, capture_output=True, check=False)
    assert run.returncode == code, (words, run)
    assert run.stderr == b"", (words, run.stderr)
    return [json.loads(line) for line in run.stdout.splitlines()]


def one(*words, code=0):
    replies = kvc(*words, code=code)
    assert len(replies) == 1, (words, replies)
    return replies[0]


def equal(got, wanted):
    assert got == wanted and type(got) is type(wanted), (got, wanted)


# A value as kvc takes it, and as JSON has it.
VALUES = {
    "string": ("str:text", "text"),
    "empty string": ("", ""),
    "odd string": ("\"\\/\b\f\n\r\t\x01\x7f\u00e9\u8868\U0001f600", None),
    "binary": ("hex:00ff", {"base64": base64.b64encode(b"\0\xff").decode()}),
    "one byte": ("hex:61", {"base64": "YQ=="}),
    "no bytes": ("hex:", {"base64": ""}),
    "integer": ("int:-3", -3),
    "exact integer": ("int:9007199254740991", 2**53 - 1),
    "large integer": ("int:9007199254740992", {"integer": "9007199254740992"}),
    "lowest integer": ("int:-9223372036854775808", {"integer": "-9223372036854775808"}),
    "float": ("float:0.1", 0.1),
    "whole float": ("float:1", 1.0),
    "large float": ("float:1e300", 1e300),
    "infinity": ("float:-inf", {"float": "-inf"}),
    "not a number": ("float:nan", {"float": "nan"}),
    "other bits": ("float:nan(0x7ff0000000000001)", {"float": "nan(0x7ff0000000000001)"}),
    "true": ("bool:true", True),
    "false": ("bool:false", False),
    "empty": ("empty:", None),
}
VALUES["odd string"] = (VALUES["odd string"][0],) * 2


def check_values():
    for key, (word, wanted) in VALUES.items():
        equal(one("hset", "values", key, "--", word), {"status": 200, "value": None})
        equal(one("hget", "values", key)["value"], wanted)
    zero = one("hset", "zero", "k", "--", "float:-0")
    equal(zero["value"], None)
    assert math.copysign(1, one("hget", "zero", "k")["value"]) == -1


def check_commands():
    equal(one("hmset", "t", "a", "int:1", "b", "2"), {"status": 200, "values": [None, None]})
    equal(one("hmget", "t", "b", "x", "a"), {"status": 200, "values": ["2", None, 1]})
    equal(one("hexist", "t", "a"), {"status": 200, "value": True})
    equal(one("hmexist", "t", "a", "x"), {"status": 200, "values": [True, False]})
    pairs = one("hgetall", "t")
    equal([p["key"] for p in pairs["pairs"]], ["a", "b"])
    equal(one("hdel", "t", "a"), {"status": 200, "value": 1})
    equal(one("hmdel", "t", "b", "x"), {"status": 200, "values": ["2", None]})
    equal(one("hgetall", "t"), {"status": 200, "pairs": []})
    equal(one("hget", "t", "a", code=1),
          {"status": 404, "message": "Not found for table: t, key: a"})
    ping = one("ping")
    equal((ping["status"], ping["server"]), (200, URL))
    assert ping["milliseconds"] >= 0


def check_pages():
    seen, cursor = [], ""
    while True:
        page = one("hscan", "values", cursor, "5")
        assert len(page["pairs"]) <= 5
        seen += [p["key"] for p in page["pairs"]]
        cursor = page.get("cursor", "")
        if not cursor:
            break
    equal(sorted(seen), sorted(VALUES))
    page = one("hscan", "values", "", "5")
    lines = json.dumps(["hscan", "values", page["cursor"]]) + "\n"
    rest, = kvc("batch", stdin=lines.encode())
    equal(sorted(p["key"] for p in page["pairs"] + rest["pairs"]), sorted(VALUES))
    equal(one("hscan", "values", "AAAA", code=1),
          {"status": 410, "message": "cursor expired: start again"})


def check_round_trip():
    """What JSON says of a value is taken as that value by batch."""
    lines = "".join(json.dumps(["hset", "back", key, wanted]) + "\n"
                    for key, (_, wanted) in VALUES.items())
    replies = kvc("batch", stdin=lines.encode())
    equal([r["line"] for r in replies], list(range(1, len(VALUES) + 1)))
    for key, (_, wanted) in VALUES.items():
        equal(one("hget", "back", key)["value"], wanted)


def check_failures():
    """Whatever goes wrong is an object on standard output, and nothing on standard error."""
    equal(one("hget", "t", code=2), {
        "error": "wrong number of arguments; usage: kvc hget TABLE KEY", "exit": 2})
    for words, code, error in [
            (("--colour", "ping"), 2, "unknown option '--colour'"),
            (("--server", "unix:/nowhere/kvs.sock", "ping"), 3, "cannot connect to unix:/nowhere"),
            (("--server", "unix:/nowhere/kvs.sock", "batch", "/dev/null"), 0, None),
            (("export", "nothing"), 1, 'there is no table "nothing"'),
            (("import", "t", "/nowhere"), 2, "cannot read /nowhere"),
            (("--server", "unix:/nowhere/kvs.sock", "bench"), 3, "cannot connect to unix:/nowhere"),
            (("help", "nothing"), 2, "unknown command"),
    ]:
        replies = kvc(*words, code=code)
        if error:
            equal(replies[0]["exit"], code)
            assert error in replies[0]["error"], replies
    run = subprocess.run([KVC, "--server", "unix:/nowhere/kvs.sock", "--json", "import", "t", "-"],
                         input=b"a,1\n", capture_output=True, check=False)
    assert run.returncode == 3, run
    assert "cannot connect to" in json.loads(run.stdout)["error"], run


check_values()
check_commands()
check_pages()
check_round_trip()
check_failures()
