#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Instruction budgets: what each work of tests/bench costs in instructions an operation, counted by
callgrind, against budgets.json. More than 3 % over a budget fails. Instructions do not mind a busy
machine; they do mind the compiler and the libraries, so the file says which ones it was made with,
and with others the figures are printed but not judged, which is said in as many words.

usage: budgets.py FOLDER-OF-MICRO [--update]
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SLACK = 1.03
# A work, another one, and the instructions that the first may cost more.
MORE = [
    ("hget-64-depth-64-guarded", "hget-64-depth-64", 64),
    ("hget-64-depth-64-measured", "hget-64-depth-64", 48),
    ("hget-64-depth-64-guarded-measured", "hget-64-depth-64-guarded", 40),
]
BUDGETS = pathlib.Path(__file__).with_name("budgets.json")
# The variants of memcpy and its like that the baseline of x86-64 has, whatever this CPU has besides.
TUNABLES = "glibc.cpu.hwcaps=" + ",".join(
    f"-{feature}"
    for feature in (
        "AVX",
        "AVX2",
        "AVX512F",
        "AVX512VL",
        "AVX_Fast_Unaligned_Load",
        "BMI2",
        "ERMS",
        "EVEX",
        "FSRM",
        "RTM",
        "SSE4_1",
        "SSSE3",
    )
)


def versions(micro):
    lines = subprocess.run([micro, "versions"], check=True, capture_output=True, text=True).stdout
    return dict(line.split(" ", 1) for line in lines.splitlines())


def total(profile):
    return int(re.search(r"^totals: (\d+)$", profile.read_text(), re.MULTILINE).group(1))


def count(micro):
    """Instructions an operation, by the work's name: callgrind writes a profile after each call of
    bench_counted(), numbered in the order of the works."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "profile"
        command = [
            "valgrind",
            "--quiet",
            "--tool=callgrind",
            f"--callgrind-out-file={out}",
            "--toggle-collect=bench_counted",
            "--dump-after=bench_counted",
            micro,
            "count",
        ]
        environment = {"PATH": os.environ["PATH"], "GLIBC_TUNABLES": TUNABLES}
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
        works = [line.split() for line in done.stdout.splitlines()]
        return {
            name: total(pathlib.Path(f"{out}.{number}")) / int(operations)
            for number, (name, operations) in enumerate(works, 1)
        }


def update(counts, made_with):
    rounded = {name: round(cost, 1) for name, cost in counts.items()}
    text = json.dumps({"made-with": made_with, "instructions": rounded}, indent=2)
    BUDGETS.write_text(text + "\n")
    print(f"budgets: wrote {len(counts)} to {BUDGETS}")


def compare(counts, budgets):
    """Prints all; returns the names of those over budget or without one."""
    bad = []
    for name, cost in counts.items():
        budget = budgets.get(name)
        if budget is None:
            bad.append(name)
            print(f"{name:36} {cost:12.1f}  has no budget")
            continue
        over = cost > budget * SLACK
        bad += [name] if over else []
        mark = "  OVER" if over else ""
        print(f"{name:36} {cost:12.1f} of {budget:12.1f}  {100 * cost / budget - 100:+6.1f} %{mark}")
    for work, base, most in MORE:
        more = counts[work] - counts[base]
        bad += [f"{work} - {base}"] if more > most else []
        print(f"{work} costs {more:.1f} more than {base}, of at most {most}")
    gone = sorted(budgets.keys() - counts.keys())
    for name in gone:
        print(f"{name:36} has a budget and is not there")
    return bad + gone


def main():
    micro = pathlib.Path(sys.argv[1]) / "micro"
    here = versions(micro)
    counts = count(micro)
    if "--update" in sys.argv[2:]:
        update(counts, here)
        return 0
    known = json.loads(BUDGETS.read_text())
    bad = compare(counts, known["instructions"])
    if here != known["made-with"]:
        print(f"budgets: NOT CHECKED: they were made with {known['made-with']}, this is {here}")
        return 0
    if bad:
        print(f"budgets: {len(bad)} of {len(counts)} failed: {', '.join(bad)}")
        print("budgets: where more is meant, say why in the commit and run ./dev budgets --update")
        return 1
    print(f"budgets: {len(counts)} kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
