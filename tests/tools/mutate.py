# SPDX-License-Identifier: MIT
"""Mutation testing: makes one small mistake at a time in a source and tells which of them no test notices.

usage: mutate.py [--most N] [--seed N] [--line N]... [--nearest | --quick] FILE...

FILE is a .c of the tree. Each mutant is built in a copy of the tree (build-mutate/tree) and judged first by the tests of
its own folder, the quick ones before the slow ones, and then, if those pass, by all. With --nearest it counts as
survived if those of its folder pass, with --quick if those of them pass that take seconds. A mutant counts for nothing
if it does not compile, if it compiles to the same code, or if equivalent_mutants.txt names it. Prints the survivors and
exits 1 if there are any.
"""
import argparse
import hashlib
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build-mutate"
TREE, BUILD = WORK / "tree", WORK / "build"
TEST_SECONDS = 120  # for a test, the first time and where all are asked
SHORT_SECONDS = 20  # a mutant that loops for ever is killed by its time: this, or eight times what the test takes
QUICK_SECONDS = (1, 10)  # the bounds of the groups in which tests are asked, the quickest first
EQUIVALENT = pathlib.Path(__file__).with_name("equivalent_mutants.txt")

# The tests that are asked first: those that stand nearest to a folder.
NEAREST = [
    ("core/base", r"^test_(blob|body|buf|bytes|chain|err|frame_cache|log|mem|settings|units|url|limits|option"
                  r"|pages|reason|utf8|compiler)"),
    ("core/loop", r"^test_(turn|timer|loop|virtual_loop)"),
    ("core/conn", r"^test_(conn|server|simulation|order)"),
    ("core/server", r"^test_(server|registry|endpoint|plan|plugin|conn)"),
    ("core/client", r"^test_client"),
    ("transports", r"^test_(tcp|unix|socket|transport)"),
    ("codecs/grpc", r"^test_(grpc|hostile_grpc|streams_simulation|flows_simulation)"),
    ("codecs", r"^test_(raw|http|hostile|varint|length_field|line|resp|vectors_codecs|length_delimited|gzip|compress|scratch"
               r"|first_bytes|vectors_frames|must_shrink|probes)"),
    ("services/kv/stores/memory", r"^test_(account|entry|epoch|map|pool|runs|segment|siphash|tour|store_(batch|tables|memory|late|faults|refusals|steps|sweep|threads|drop"
                                  r"|expiry|update|watch))"),
    ("services/kv/client", r"^test_kv_client"),
    ("services/kv", r"^test_(kv|pb)_"),
    ("services", r"^test_(echo|pb|kv)_?"),
    ("programs", r"^test_(cli|bench|process|kvs|kvc)"),
]

# What is replaced, and by what. Spaces around an operator tell it from a pointer or a negation.
REPLACEMENTS = [
    (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "),
    (r" < ", " > "), (r" > ", " < "),
    (r" == ", " != "), (r" != ", " == "),
    (r" && ", " || "), (r" \|\| ", " && "),
    (r" \+ ", " - "), (r" - ", " + "), (r" \+= ", " -= "), (r" -= ", " += "),
    (r"\+\+", "--"), (r"(?<=\w)--", "++"),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
    (r"\bif \((?!\!)", "if (!("), (r"(?<=[(\s])!(?=\w)", ""),
    (r"\breturn 0;", "return 1;"), (r" \+ 1\b", ""), (r" - 1\b", ""),
]
STATEMENT = re.compile(r"^\s+[\w>.\[\]()*-]+(\(.*\)| [-+|&]?= .*|\+\+|--);$")
DECLARATION = re.compile(r"^\s+(const |static |struct |enum |unsigned |u?int\w* |size_t |bool |char |void |return|goto)")


def in_comment_or_directive(lines):
    """The numbers of the lines that are no code."""
    outside, inside = set(), False
    for number, line in enumerate(lines):
        if inside or line.lstrip().startswith(("#", "/*", "*", "//")) or line.rstrip().endswith("\\"):
            outside.add(number)
        opened, closed = line.rfind("/*"), line.rfind("*/")
        inside = opened > closed or (inside and closed < 0)
    return outside


def close_condition(line):
    """The second parenthesis of a negated condition, which ends where the first does."""
    at = line.index("if (!(") + len("if (!(")
    depth = 1
    while at < len(line) and depth:
        depth += {"(": 1, ")": -1}.get(line[at], 0)
        at += 1
    return None if depth else line[:at] + ")" + line[at:]


def mutants_of(text):
    """Every (line number, what the line becomes)."""
    lines = text.split("\n")
    skipped = in_comment_or_directive(lines)
    for number, line in enumerate(lines):
        code = line.split("/*")[0]
        if number in skipped or not code.startswith((" ", "\t")) or "assert(" in code:
            continue
        for pattern, new in REPLACEMENTS:
            for match in re.finditer(pattern, code):
                changed = line[:match.start()] + new + line[match.end():]
                if new == "if (!(":
                    changed = close_condition(changed)
                if changed is not None:
                    yield number, changed
        if STATEMENT.match(code.rstrip()) and not DECLARATION.match(code):
            yield number, re.match(r"\s*", line).group() + ";"


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def copy_tree():
    files = run(["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard"]).stdout.split("\n")
    TREE.mkdir(parents=True, exist_ok=True)
    for name in filter(None, files):
        source, copy = ROOT / name, TREE / name
        if not source.is_file():
            continue
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
    modules = ROOT / "tests/package/clients/node/node_modules"
    if modules.exists() and not (TREE / "tests/package/clients/node/node_modules").exists():
        (TREE / "tests/package/clients/node/node_modules").symlink_to(modules)


def configure():
    if run(["cmake", "--preset", "debug", "-S", str(TREE), "-B", str(BUILD), "-DWEFT_TEST_SECONDS=0"], cwd=TREE).returncode:
        sys.exit("mutate: the tree cannot be configured")


def build(targets=()):
    """Builds these targets, or all. True if it works."""
    return run(["cmake", "--build", str(BUILD)] + (["--target", *targets] if targets else [])).returncode == 0


def tests_matching(pattern):
    """The tests that are programs of the build; scripts of others' programs are not asked."""
    listed = run(["ctest", "--test-dir", str(BUILD), "-N", "-R", pattern]).stdout
    targets = set(re.findall(r"^(\S+): phony", run(["ninja", "-C", str(BUILD), "-t", "targets", "all"]).stdout, re.M))
    return [name for name in re.findall(r"Test +#\d+: (\S+)", listed) if name in targets]


def ask(pattern, seconds=TEST_SECONDS):
    command = ["ctest", "--test-dir", str(BUILD), "-j", str(os.cpu_count()), "--stop-on-failure",
               "--timeout", str(seconds)]
    return run(command + (["-R", pattern] if pattern else []))


def costs():
    """What ctest remembers of the seconds that tests took."""
    file = BUILD / "Testing/Temporary/CTestCostData.txt"
    lines = [line.split() for line in file.read_text().split("\n")] if file.exists() else []
    return {line[0]: float(line[2]) for line in lines if len(line) == 3}


class Judges:
    """Tests in groups, the quickest first, and for each group the time that a test of it may take."""

    def __init__(self, pattern, quick_only):
        self.names = tests_matching(pattern)
        if quick_only:
            self.names = [name for name in self.names if costs().get(name, 0) < QUICK_SECONDS[-1]]
        if not build(self.names):
            sys.exit("mutate: the tree does not build as it is")
        asked = ask("^(" + "|".join(map(re.escape, self.names)) + ")$", 10 * TEST_SECONDS)
        if not self.names or asked.returncode:
            sys.exit(f"mutate: the tests {pattern} do not pass as they are")
        took = dict(re.findall(r"Test +#\d+: (\S+) \.+ +Passed +([\d.]+) sec", asked.stdout))
        took = {name: float(took.get(name, 0)) for name in self.names}
        bounds = (0, *QUICK_SECONDS) + (() if quick_only else (float("inf"),))
        groups = [[name for name in self.names if low <= took[name] < high] for low, high in zip(bounds, bounds[1:])]
        if quick_only and not any(groups):
            sys.exit(f"mutate: none of the tests {pattern} takes seconds; leave --quick out")
        self.groups = [("^(" + "|".join(map(re.escape, group)) + ")$", max(SHORT_SECONDS, 8 * max(map(took.get, group))))
                       for group in groups if group]

    def fail(self):
        return any(ask(pattern, seconds).returncode for pattern, seconds in self.groups)


def equivalents():
    """The file, the line and what it becomes, of each mutant that is known to do what the original does."""
    known = set()
    for line in EQUIVALENT.read_text().split("\n"):
        if line and not line.startswith("#"):
            known.add(tuple(line.split(" | ")[:3]))
    return known


def object_of(name):
    found = sorted(BUILD.rglob(f"{pathlib.Path(name).name}.o"))
    return [path for path in found if "tests" not in path.relative_to(BUILD).parts]


def code_of(name):
    """A digest of the machine code, so that an equivalent mutant is seen as one."""
    digest = hashlib.sha256()
    for path in object_of(name):
        digest.update(run(["objdump", "-d", "--no-show-raw-insn", str(path)]).stdout.split("\n", 3)[-1].encode())
    return digest.digest()


def judge(name, original, number, changed, judges, code, ask_all):
    """"dead", "survived", or None where the mutant counts for nothing."""
    path = TREE / name
    lines = original.split("\n")
    lines[number] = changed
    path.write_text("\n".join(lines))
    try:
        if not build(judges.names):
            return None
        if code_of(name) == code:
            return None
        if judges.fail():
            return "dead"
        if not ask_all:
            return "survived"
        if not build():
            return None
        return "dead" if ask(None, 10 * TEST_SECONDS).returncode else "survived"
    finally:
        path.write_text(original)


def mutate(name, arguments, judges_of):
    original = (ROOT / name).read_text()
    nearest = next((pattern for folder, pattern in NEAREST if name.startswith(folder)), r"^test_")
    if nearest not in judges_of:
        judges_of[nearest] = Judges(nearest, arguments.quick)
    code = code_of(name)
    known = equivalents()
    lines = original.split("\n")
    all_mutants = sorted((number, changed) for number, changed in set(mutants_of(original))
                         if (name, lines[number].strip(), changed.strip()) not in known)
    if arguments.line:
        all_mutants = [mutant for mutant in all_mutants if mutant[0] + 1 in arguments.line]
    chosen = random.Random(arguments.seed).sample(all_mutants, min(arguments.most, len(all_mutants)))
    dead, survivors = 0, []
    for number, changed in sorted(chosen):
        verdict = judge(name, original, number, changed, judges_of[nearest], code, not (arguments.nearest or arguments.quick))
        dead += verdict == "dead"
        if verdict == "survived":
            survivors.append((number + 1, changed))
            print(f"{name}:{number + 1}: survived: {changed.strip()}", flush=True)
    counted = dead + len(survivors)
    print(f"{name}: {dead} of {counted} killed, of {len(all_mutants)} that there are", flush=True)
    return survivors


def main():
    parser = argparse.ArgumentParser(prog="./dev mutate", description=__doc__.split("\n")[0])
    parser.add_argument("--most", type=int, default=20, help="mutants of a file (20)")
    parser.add_argument("--seed", type=int, default=1, help="which ones are drawn (1)")
    parser.add_argument("--line", type=int, action="append", help="only mutants of this line, or of these")
    parser.add_argument("--nearest", action="store_true", help="ask the tests of the folder alone")
    parser.add_argument("--quick", action="store_true", help="ask only those of them that take seconds")
    parser.add_argument("files", nargs="+", metavar="FILE")
    arguments = parser.parse_args()
    names = [os.path.relpath(pathlib.Path(name).resolve(), ROOT) for name in arguments.files]
    for name in names:
        if not name.endswith(".c") or not (ROOT / name).is_file():
            parser.error(f"{name} is no source of the tree")
    copy_tree()
    configure()
    judges_of = {}
    sys.exit(1 if [survivor for name in names for survivor in mutate(name, arguments, judges_of)] else 0)


if __name__ == "__main__":
    main()
