# SPDX-License-Identifier: MIT
"""What the pages say is so: their code is in the sources, their links lead somewhere, the tests they
name are there, and the session of the README prints what it shows. Run from the root of the tree: test_documents.py KVS KVC."""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

README = pathlib.Path("README.md")
PAGES = sorted([*pathlib.Path(".").glob("*.md"), *pathlib.Path("docs").glob("*.md"),
                pathlib.Path("examples/README.md")])
SOURCE_FOLDERS = ("core", "transports", "codecs", "services", "programs", "examples", "tests/unit")
UNIX_PATH = "/tmp/kvs.sock"


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.M | re.S)


def stripped(text):
    """Lines without their indentation: a page shows the inside of a function at the margin."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


class Code(unittest.TestCase):
    def test_code_is_in_the_sources(self):
        sources = [stripped(path.read_text())
                   for folder in SOURCE_FOLDERS for path in pathlib.Path(folder).rglob("*.c")]
        for page in PAGES:
            for block in blocks(page, "c"):
                with self.subTest(page=str(page), begins=block.split("\n", 1)[0]):
                    self.assertTrue(any(stripped(block) in source for source in sources),
                                    f"in no source:\n{block}")


class Links(unittest.TestCase):
    def test_links_lead_to_files(self):
        for page in PAGES:
            for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
                with self.subTest(page=str(page), target=target):
                    self.assertTrue("://" in target or (page.parent / target).exists())


class Tests(unittest.TestCase):
    def test_tests_that_are_named_are_there(self):
        sources = "\n".join(path.read_text() for kind in ("*.[ch]", "*.py") for path in pathlib.Path("tests").rglob(kind))
        names = {path.stem for path in pathlib.Path("tests").rglob("test_*")}
        names |= set(re.findall(r"\btest_\w+(?=\()", sources))
        names |= set(re.findall(r"TEST\w*\((test_\w+)", sources))
        for page in PAGES:
            for name in re.findall(r"`(test_\w+)`", page.read_text()):
                with self.subTest(page=str(page), name=name):
                    self.assertTrue(name in names, "no such test")


class States(unittest.TestCase):
    """The states of a connection: one enum, drawn above it and on two pages."""

    def test_drawings_have_the_states_of_the_enum(self):
        header = pathlib.Path("core/conn/state.h")
        states = re.findall(r"^    WEFT__CONN_([A-Z]+),?$", header.read_text(), re.M)
        self.assertGreater(len(states), 3)
        for page in (header, pathlib.Path("docs/architecture.md"), pathlib.Path("docs/contracts.md")):
            with self.subTest(page=str(page)):
                drawn = re.findall(r"^[ *]*(OPEN [─-]+[▶>].*)$", page.read_text(), re.M)
                self.assertEqual([re.findall("[A-Z]+", line) for line in drawn], [states])


def comments_removed(proto):
    return stripped(re.sub(r"//.*", "", proto))


class Facts(unittest.TestCase):
    """Numbers and lists that stand in the code as well as on pages."""

    PROTO = pathlib.Path("proto/abi.proto")
    WIRE = pathlib.Path("docs/wire.md")
    NUMBERS = {"eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13,
               "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18,
               "nineteen": 19, "twenty": 20}

    def section(self, page, title):
        return re.search(rf"^#+ {title}\n(.*?)(?=^#)", page.read_text(), re.M | re.S)[1]

    def commands(self):
        oneof = re.search(r"oneof request_data \{(.*?)\}", self.PROTO.read_text(), re.S)[1]
        # A login is no command of the store.
        return [name for name in re.findall(r"\w+ (\w+) = \d+;", oneof) if name != "login"]

    def test_messages_of_the_page_are_those_of_the_file(self):
        blocks_of_page = "".join(blocks(self.WIRE, "proto"))
        self.assertEqual(stripped(blocks_of_page), comments_removed(self.PROTO.read_text()))

    def test_statuses_are_those_of_the_code(self):
        enum = re.search(r"enum kv_status \{(.*?)\}", pathlib.Path("services/kv/command.h").read_text(),
                         re.S)[1]
        in_code = sorted(re.findall(r"= (\d+)", enum))
        in_proto = re.search(r"As in HTTP: (.*)\.", self.PROTO.read_text())[1]
        in_table = re.findall(r"^\| (\d{3}) \|", self.section(self.WIRE, "Statuses"), re.M)
        self.assertEqual(sorted(re.findall(r"\d+", in_proto)), in_code)
        self.assertEqual(sorted(set(in_table)), in_code)

    def test_commands_are_those_of_the_messages(self):
        table = pathlib.Path("services/kv/command.c").read_text()
        listed = re.findall(r"^\| `(\w+)` \|", self.section(self.WIRE, "Commands"), re.M)
        # An hexpire that only asks is called httl, for those who allow and count commands.
        # A watch is answered for ever, not by an operation of the store, and messages are not stored.
        named = set(re.findall(r'\.name = "(\w+)"', table)) - {"httl"}
        named |= {"watch", "subscribe", "unsubscribe", "publish"}
        self.assertEqual(sorted(named), sorted(self.commands()))
        self.assertEqual(sorted(listed), sorted(self.commands()))

    def test_numbers_of_commands_are_right(self):
        found = 0
        for page in PAGES:
            for word in re.findall(r"\b(\w+) commands\b", page.read_text()):
                if word in self.NUMBERS:
                    found += 1
                    with self.subTest(page=str(page)):
                        self.assertEqual(self.NUMBERS[word], len(self.commands()))
        self.assertGreater(found, 1)

    def test_numbers_of_vectors_are_right(self):
        rows = re.findall(r"`([\w-]+\.jsonl)`[:,] (\d+)\b", self.WIRE.read_text())
        files = {path.name: len(path.read_text().splitlines())
                 for path in pathlib.Path("tests/vectors").glob("*.jsonl")}
        self.assertEqual({name: int(number) for name, number in rows}, files)

    def as_shown(self, name, value):
        """A default as kvs prints it -> as the pages do."""
        if value == "0":
            return "off"
        value = re.sub(r"(?<=\d)(?=[KMG]iB$)", " ", value)
        return f"{value} s" if name.endswith("-timeout") else value

    def test_tables_of_limits_are_those_of_the_code(self):
        check = subprocess.run([KVS, "--check"], text=True, check=True, stdout=subprocess.PIPE).stdout
        lines = [line.split() for line in check.splitlines()]
        limits = {name: self.as_shown(name, value)
                  for name, value in lines[[line[0] for line in lines].index("store") + 1:]}
        for page in (pathlib.Path("SECURITY.md"), pathlib.Path("docs/operating.md")):
            table = {}
            for options, defaults in re.findall(r"^\| (`--[a-z-]+`(?:, `--[a-z-]+`)*) \| ([^|]+) \|",
                                                page.read_text(), re.M):
                table.update(zip(re.findall(r"`--([a-z-]+)`", options), defaults.split(", ")))
            with self.subTest(page=str(page)):
                self.assertEqual(table, limits)


class Session(unittest.TestCase):
    """A line of the README that starts a server begins a session. Here the server has a port and a
    socket of its own."""

    COMMAND = re.compile(r"^    \$ ((?:build/kvc|redis-cli|curl|printf) .*)\n(\n|(?:    (?!\$).*\n)*)", re.M)

    def start_server(self, *options):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.socket = os.path.join(folder.name, "kvs.sock")
        server = subprocess.Popen(
            [KVS, "--log-level", "warn", "--listen", "tcp://127.0.0.1:0", *options,
             "--listen", f"unix:{self.socket}?codec=raw"],
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.communicate)
        self.addCleanup(server.terminate)
        self.listening = [server.stdout.readline() for _ in range(2)]

    def run_client(self, command):
        url = self.listening[0].split()[1]
        command = command.replace("build/kvc", shlex.quote(KVC)).replace(UNIX_PATH, self.socket)
        command = command.replace("9527", url.rpartition(":")[2]).replace("curl ", "curl -sS ")
        environment = {**os.environ, "KVC_SERVER": url}
        return subprocess.run(command, shell=True, env=environment, text=True, check=True,
                              stdout=subprocess.PIPE).stdout

    def test_sessions_print_what_the_readme_shows(self):
        commands = 0
        for session in re.split(r"^    (?:\$ )?\./dev run", README.read_text(), flags=re.M)[1:]:
            shared = "codec=auto" in session.partition("\n")[0]
            self.start_server(*["--listen", "?codec=auto"] * shared)
            for command, shown in self.COMMAND.findall(session):
                shown = re.sub(r"(?m)^    ", "", shown)
                # On a terminal redis-cli puts quotes around text, and behind curl's the prompt follows.
                if command.startswith("redis-cli"):
                    shown = shown.replace('"', "")
                with self.subTest(command=command):
                    commands += 1
                    printed = self.run_client(command)
                    self.assertEqual(printed + "\n" * command.startswith("curl"), shown)
        self.assertGreater(commands, 8)

    def test_listening_lines_are_those_of_the_readme(self):
        self.start_server()
        here = [re.sub(r":\d+ ", ":9527 ", line.strip()).replace(self.socket, UNIX_PATH)
                for line in self.listening]
        self.assertEqual(here, re.findall(r"^    (listening .*)$", README.read_text(), re.M))


if __name__ == "__main__":
    KVC, KVS = os.path.abspath(sys.argv.pop()), os.path.abspath(sys.argv.pop())
    unittest.main()
