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
        sources = "\n".join(path.read_text() for path in pathlib.Path("tests").rglob("*.[ch]"))
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


class Session(unittest.TestCase):
    """A line of the README that starts a server begins a session. Here the server has a port and a
    socket of its own."""

    def start_server(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.socket = os.path.join(folder.name, "kvs.sock")
        server = subprocess.Popen(
            [KVS, "--log-level", "warn", "--listen", "tcp://127.0.0.1:0",
             "--listen", f"unix:{self.socket}?codec=raw"],
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.communicate)
        self.addCleanup(server.terminate)
        self.listening = [server.stdout.readline() for _ in range(2)]

    def run_client(self, command):
        command = command.replace("build/kvc", shlex.quote(KVC)).replace(UNIX_PATH, self.socket)
        environment = {**os.environ, "KVC_SERVER": self.listening[0].split()[1]}
        return subprocess.run(command, shell=True, env=environment, text=True, check=True,
                              stdout=subprocess.PIPE).stdout

    def test_sessions_print_what_the_readme_shows(self):
        commands = 0
        for session in re.split(r"^    (?:\$ )?\./dev run", README.read_text(), flags=re.M)[1:]:
            self.start_server()
            for command, shown in re.findall(r"^    \$ (build/kvc .*)\n(\n|(?:    (?!\$).*\n)*)",
                                             session, re.M):
                with self.subTest(command=command):
                    commands += 1
                    self.assertEqual(self.run_client(command), re.sub(r"(?m)^    ", "", shown))
        self.assertGreater(commands, 5)

    def test_listening_lines_are_those_of_the_readme(self):
        self.start_server()
        here = [re.sub(r":\d+ ", ":9527 ", line.strip()).replace(self.socket, UNIX_PATH)
                for line in self.listening]
        self.assertEqual(here, re.findall(r"^    (listening .*)$", README.read_text(), re.M))


if __name__ == "__main__":
    KVC, KVS = os.path.abspath(sys.argv.pop()), os.path.abspath(sys.argv.pop())
    unittest.main()
