# SPDX-License-Identifier: MIT
"""kvs against the rules of HTTP/2, each tried with bytes that a client wrote by hand, on a connection of its own. Behind a case
that leaves the connection as it is, a call on it is answered. Run from the root of the tree: test_http2_rules.py KVS."""
import os
import pathlib
import re
import subprocess
import sys
import unittest

from http2_cases import CASES, GROUPS, STREAMS_MAX, call_on
from http2_frames import ACK, PREFACE, Connection, error_of, ping, settings

PAGE = pathlib.Path("docs/grpc.md").resolve()
LAST, LAST_CALL = b"the last", 101
USUAL_PREFACE = PREFACE + settings() + settings(flags=ACK)


def is_last(event):
    return event[0] == "PING" and event[3] == LAST


def describe(events):
    """What the server did, where the case does not say what to look at."""
    by_kind = {}
    for event in events:
        by_kind.setdefault(event[0], []).append(event)
    closed = "END" in by_kind
    for _, _, _, payload in by_kind.get("GOAWAY", ()):
        code = int.from_bytes(payload[4:8], "big")
        if code != 0:
            return f"GOAWAY {error_of(code)}" + ("" if closed else ", not closed")
    if closed:
        return "closed"
    for _, _, _, payload in by_kind.get("RST_STREAM", ()):
        code = int.from_bytes(payload, "big")
        if code != 0:
            return f"RST_STREAM {error_of(code)}"
    return "answer" if any(event[1] == 1 for event in by_kind.get("HEADERS", ())) else "ignored"


LOOKS = {
    None: describe,
    "ping": lambda events: ", ".join(f"PING {event[3].decode()}" for event in events if event[0] == "PING" and event[2] & ACK
                                     and event[3] != LAST),
    "data": lambda events: ", ".join(f"DATA {len(event[3])}" for event in events if event[0] == "DATA"),
    # One is for the SETTINGS of the preface.
    "settings": lambda events: "SETTINGS acknowledged" if sum(event[0] == "SETTINGS" and event[2] & ACK
                                                              for event in events) == 2 else "SETTINGS not acknowledged",
    "end": lambda events: ", ".join(name for kind, name in (("HEADERS", "answer"), ("END", "closed"))
                                    if any(event[0] == kind for event in events)),
}


def outcome_of(case, connection):
    for step in case.steps:
        if callable(step):
            connection.wait_for(step)
        else:
            connection.send(step)
    connection.send(ping(LAST))
    connection.wait_for(is_last)
    return LOOKS[case.look](connection.events)


class Rules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = subprocess.Popen([KVS, "--log-level", "error", "--listen",
                                       f"tcp://127.0.0.1:0?codec=grpc&max-streams={STREAMS_MAX}"],
                                      stdout=subprocess.PIPE, text=True)
        cls.port = int(re.search(r":(\d+)", cls.server.stdout.readline())[1])

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.communicate()

    def connect(self, preface):
        connection = Connection(self.port, preface or USUAL_PREFACE)
        self.addCleanup(connection.close)
        return connection

    def test_each_case_ends_as_the_rules_say(self):
        for case in CASES:
            with self.subTest(section=case.section, case=case.name):
                connection = self.connect(case.preface)
                outcome = outcome_of(case, connection)
                first = connection.events[0]
                self.assertTrue(first[0] == "SETTINGS" and not first[2] & ACK or outcome == "closed", first)
                if case.instead:
                    self.assertEqual(outcome, case.instead)
                else:
                    self.assertIn(outcome, case.must)
                if not connection.ended():
                    connection.send(call_on(LAST_CALL))
                    self.assertTrue(connection.wait_for(lambda event: event[0] == "HEADERS" and event[1] == LAST_CALL))

    def test_page_tells_how_many_pass_and_what_comes_instead(self):
        page = PAGE.read_text()
        for name, cases in GROUPS:
            self.assertIn(f"| {name} | {len(cases)} | {sum(not case.instead for case in cases)} |\n", page)
        for case in CASES:
            if case.instead:
                instead = "ignored" if case.instead == "answer" else case.instead  # it is that of an earlier frame
                self.assertIn(f"| {case.section} | {case.name} | {case.must[0]} | {instead} |\n", page)


if __name__ == "__main__":
    KVS = os.path.abspath(sys.argv.pop(1))
    unittest.main()
