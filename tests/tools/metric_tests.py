#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""metric_tests.py ROOT: each metric of the sources has a test that looks at its value, and a place in docs/admin.md.

Metrics are found where they are defined: as a name, a unit or NULL, and a help in a row. A test looks at a metric where it
calls what reads a value by that name: sum() and the like in C and Python, or a row of test_each_counter_moves. Those that say
what the process is, and never change, are in FIXED. Fails with the names of those without.
"""
import os
import pathlib
import re
import sys

DEFINED = re.compile(r'"((?:weft|process)_[a-z_]+)",\s*(?:NULL|"[a-z]+"),[\s\\]*"[A-Z]')
SOURCES = ("core", "transports", "codecs", "services", "programs")
LOOKED_AT = r'(?:sum|count_of|assert_sum|assert_count|assert_sample|self\.rows|gauge|value_of)\w*\([^;"]*"{0}"|\("{0}", \{{'
TEXT = r'"{0}(?:_total)?(?:\{{[^"]*\}})? [0-9-]|"{0}_total\) \[1-9\]|{0}(?:_total)? (?:\[1-9\]|\\?[0-9])'
FIXED = {"weft_build_info", "process_start_time_seconds"}


def defined(root):
    found = {}
    for folder in SOURCES:
        for path in sorted((root / folder).rglob("*.[ch]")):
            for match in DEFINED.finditer(path.read_text(encoding="utf-8")):
                found.setdefault(match[1], path.relative_to(root))
    return found


def test_texts(root):
    texts = []
    for folder, below, names in os.walk(root / "tests"):
        below[:] = [name for name in below if name not in ("node_modules", "tools", "corpus")]
        texts += [pathlib.Path(folder, name).read_text(encoding="utf-8") for name in names if name.endswith((".c", ".py"))]
    return texts


def is_looked_at(name, texts):
    pattern = re.compile(LOOKED_AT.format(name) + "|" + TEXT.format(name))
    return any(name in text and pattern.search(text) for text in texts)


def is_documented(name, page):
    """A name that ends in `_*` stands for all that begin so."""
    return re.search(rf"`{name}(?:_total)?`", page) or any(
        name.startswith(prefix) for prefix in re.findall(r"`((?:weft|process)_[a-z_]*)\*`", page))


def main():
    root = pathlib.Path(sys.argv[1])
    found, texts = defined(root), test_texts(root)
    page = (root / "docs/admin.md").read_text(encoding="utf-8")
    bad = [f"{path}: no test looks at the metric {name}" for name, path in found.items()
           if name not in FIXED and not is_looked_at(name, texts)]
    bad += [f"{path}: docs/admin.md does not have the metric {name}" for name, path in found.items()
            if not is_documented(name, page)]
    if len(found) < 60:
        bad.append(f"only {len(found)} metrics were found")
    print("\n".join(bad) if bad else f"{len(found)} metrics have tests")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
