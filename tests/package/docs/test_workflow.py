# SPDX-License-Identifier: MIT
"""The hosted workflow runs every step that ./dev check has, and no other."""
import re
import sys

import yaml

with open(".github/workflows/ci.yml", encoding="utf-8") as file:
    jobs = yaml.safe_load(file)["jobs"]
with open("dev", encoding="utf-8") as file:
    steps = set(re.search(r"steps=\((format.*?)\)", file.read(), re.S).group(1).split())

run = set()
for name in ("check", "figures"):
    run |= set(jobs[name]["strategy"]["matrix"]["step"])
if run != steps:
    sys.exit(f"ci.yml and ./dev check differ in: {', '.join(sorted(run ^ steps))}")
if len(jobs["build"]["strategy"]["matrix"]["include"]) < 4:
    sys.exit("ci.yml builds on fewer than four other systems")
