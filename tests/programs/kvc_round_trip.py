# SPDX-License-Identifier: MIT
"""Every pair that a server took comes back equal through export and import, at the default limits of kvs
and kvc.

usage: kvc_round_trip.py KVC URL FOLDER csv|ndjson
"""
import base64
import hashlib
import json
import pathlib
import random
import struct
import subprocess
import sys

KVC, URL, FOLDER, FORM = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), sys.argv[4]
MIB = 1 << 20
PAIRS = 2000
random.seed(1)

BITS = [0, 1, 1 << 63, 0x3FF0000000000001, 0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000000,
        0xFFF8000000000000, 0x7FF0000000000001, 0xFFFFFFFFFFFFFFFF]
PIECES = ['"', ",", "\n", "\r", "\r\n", "\t", " ", "\\", "#", "\0", "\x1b", "\x7f", "\u0080", "\u009b",
          "\ufeff", "\u2028", "\u00e9", "\u8868", "\U0001f600", "int:", "str:", "float:", "hex:",
          "base64:", "empty:", "file:", "-", "{", "}", "[", "'", "7", "a", "true"]


def text():
    return "".join(random.choice(PIECES) for _ in range(random.randrange(12)))


def number(bits):
    """A double as kvc has it in JSON; the odd ones as text."""
    exponent, fraction = bits >> 52 & 0x7FF, bits & (1 << 52) - 1
    if exponent == 0x7FF and fraction:
        short = {0x7FF8000000000000: "nan", 0xFFF8000000000000: "-nan"}
        return {"float": short.get(bits, f"nan(0x{bits:016x})")}
    if exponent == 0x7FF:
        return {"float": "-inf" if bits >> 63 else "inf"}
    return struct.unpack(">d", bits.to_bytes(8, "big"))[0]


def value():
    kind = random.randrange(6)
    if kind == 0:
        return {"base64": base64.b64encode(random.randbytes(random.randrange(40))).decode()}
    if kind == 1:
        integer = random.choice([0, -1, 2**53 - 1, -2**63, 2**63 - 1, random.getrandbits(62)])
        return integer if abs(integer) < 2**53 else {"integer": str(integer)}
    if kind == 2:
        return number(random.choice(BITS + [random.getrandbits(64)]))
    if kind == 3:
        return random.choice([True, False, None])
    return text()


def binary(data):
    return {"base64": base64.b64encode(data).decode()}


def large():
    """Values of 1 MiB to 30 MiB: those that do not compress fit into the server's max-frame as they are."""
    words = "the quick brown fox, \"jumps\" over\n"
    yield "zeros 30", binary(bytes(30 * MIB))
    yield "zeros 9", binary(bytes(9 * MIB))
    yield "zeros 3", binary(bytes(3 * MIB))
    yield "text 30", words * (30 * MIB // len(words))
    yield "text 9", words * (9 * MIB // len(words))
    yield "text 1", words * (MIB // len(words))
    yield "nul text 2", "\0" * (2 * MIB)
    yield "random 7", binary(random.randbytes(7 * MIB))
    yield "random 3", binary(random.randbytes(3 * MIB))
    yield "random 1", binary(random.randbytes(MIB))


def kvc(*words):
    run = subprocess.run([KVC, "--server", URL, "--timeout", "100", *words], capture_output=True,
                         check=False)
    assert run.returncode == 0, (words, run.returncode, run.stdout[-500:], run.stderr[-500:])


def rows(path):
    """The hash of each row's value by its key."""
    found = {}
    with open(path, "rb") as lines:
        for line in lines:
            row = json.loads(line)
            assert row["key"] not in found, row["key"]
            found[row["key"]] = digest(row["value"])
    return found


def digest(it):
    return hashlib.sha1(repr(it).encode()).hexdigest()


def write(path, pairs):
    with open(path, "w", encoding="ascii") as out:
        for key, it in pairs:
            out.write(json.dumps({"key": key, "value": it}) + "\n")


def main():
    pairs = {f"{text()}{i if i % 2 else ''}{text()}": value() for i in range(PAIRS * 2)}
    pairs = dict(list(pairs.items())[:PAIRS])
    assert len(pairs) == PAIRS
    pairs.update(large())
    expected = {key: digest(it) for key, it in pairs.items()}
    first = FOLDER / "first.ndjson"
    write(first, pairs.items())
    del pairs
    path, again = FOLDER / f"out.{FORM}", FOLDER / "again.ndjson"
    kvc("import", f"{FORM} 1", str(first))
    first.unlink()
    kvc("export", f"{FORM} 1", str(path))
    kvc("import", f"{FORM} 2", str(path))
    path.unlink()
    kvc("export", f"{FORM} 2", str(again))
    found = rows(again)
    again.unlink()
    wrong = [key for key in expected if found.get(key) != expected[key]]
    assert not wrong and len(found) == len(expected), (wrong[:3], len(found))


main()
