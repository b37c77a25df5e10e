# SPDX-License-Identifier: MIT
"""kvc bench on a terminal: a line of progress that says what it is at, Ctrl-C, and a report.

usage: kvc_bench_terminal.py KVC URL
"""
import os
import pty
import re
import sys

KVC, URL = sys.argv[1:]


def interrupt_when(drawn, *options):
    """Presses Ctrl-C when the pattern is drawn; all that was shown until the end."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(KVC, ["kvc", "--server", URL, "--timeout", "100", "bench", "--table", "terminal",
                       "--clients", "2", *options])
    shown = b""
    while not re.search(drawn, shown):
        shown += os.read(terminal, 4096)
    os.write(terminal, b"\x03")
    try:
        while piece := os.read(terminal, 4096):
            shown += piece
    except OSError:  # as Linux tells the end of a terminal
        pass
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code == 130, (code, shown)
    return shown


def main():
    line = rb"\r\x1b\[K\[ +\]   0 %  \d+ s left  \d+ "
    shown = interrupt_when(line + rb"warm-up requests, \d+ warm-up requests/s",
                           "--warmup", "100000")
    assert b"\ninterrupted: nothing was measured\r\n" in shown, shown
    shown = interrupt_when(line + rb"requests, \d+ requests/s", "--warmup", "0", "--duration",
                           "100000")
    assert re.search(rb"\ninterrupted: \d+ requests in ", shown), shown


main()
