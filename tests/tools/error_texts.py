# SPDX-License-Identifier: MIT
"""Whether each error text that kvs and kvc can print is expected by some test.

usage: error_texts.py SOURCE_FOLDER

A text is a string of a call that makes an error or writes to standard error. What it says apart from
its conversions must stand within a string of a test; or a string of a test, of some length, in it.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1])
SOURCES = ("core", "transports", "codecs", "services", "programs/lib", "programs/kvs", "programs/kvc")

COMMENT = re.compile(r'/\*.*?\*/', re.S)
CALL = re.compile(r'\b(?:weft_error_set|weft__client_fail|fail_row|refuse|refuse_value'
                  r'|fprintf\s*\(\s*(?:\w+(?:->|\.))*err\b|fprintf\s*\(\s*stderr\b)\s*[(,]')
ADVICE = re.compile(r'\{E[A-Z]+,\s*("(?:[^"\\\n]|\\.)*"\s*)+\}')
REASON = re.compile(r'(?:\bwhy|\bwhat|\bwrong)\s*=[^;]*;')
CONVERSION = re.compile(r'%[-+#0-9.*]*(?:hh|ll|[hlzjt])?[a-zA-Z%]')
# Texts that no test can provoke, and why.
EXEMPT = {
    "answered in another protocol": "each codec of the tree says which",
    "kvc: no prompt: %s": "signalfd(2) and libedit fail for want of memory only",
    "cannot make a temporary file: %s": "tmpfile(3) fails for want of a folder for temporary files only",
    "kvc: connected again; no change was missed": "a network would have to break",
    "the connection broke to": "the peer of a filter would have to break its protocol after the handshake",
    "--make-certificate: built without OpenSSL": "the build of the tests has it",
    "it is getting shorter": "a file would have to shrink between two system calls",
    "too many codecs for one WebSocket": "the names of all codecs that there are fit",
    "the URL has a path already": "a URL with both is refused before by its own path",
    "libsodium does not start": "sodium_init(3) fails where the kernel has no random numbers only",
    "sandbox: %s; --no-sandbox starts without": "the bit is in every kernel since 3.5",
    "sandbox: %s: %s; --no-sandbox starts without": "a kernel that has a filter does not refuse to load it",
    "there is no file of users": "kvs registers the layer with one only",
    "--admin: cannot start its thread: %s": "pthread_create(3) fails for want of memory only",
    "no thread to send from: %s": "pthread_create(3) fails for want of memory only",
    "cannot start a thread: %s": "pthread_create(3) fails for want of memory only",
    "--user: cannot give %s to user %u: %s": "root may give away the socket that it has just bound",
    "--user: the privileges of root could not be given up": "the kernel would have to be wrong",
    "memory store: no random seed: %s": "getrandom(2) is in every kernel since 3.17",
}
HOLD = 12  # characters of a test's string, two words among them, that are enough
WORDS = re.compile(r'[A-Za-z]{2,}.* .*[A-Za-z]{2,}')


def strip(path):
    return COMMENT.sub(" ", path.read_text())


def texts_of(code):
    """The strings of a piece of code, those that stand side by side as one; a macro is %s or %u."""
    code = re.sub(r'%"\s*PRI\w+\s*"', "%u", code)
    code = re.sub(r'%"\s*PRI\w+', '%u"', code)
    code = re.sub(r'"\s*[A-Z][A-Z_]+\s*"', "%s", code)
    return re.findall(r'"((?:[^"\\\n]|\\.)*)"', re.sub(r'"\s*"', "", code))


def end_of_call(code, at):
    """Where the parenthesis that is open at `at` closes."""
    depth, quoted = 1, False
    while depth > 0:
        char = code[at]
        if char == "\\" and quoted:
            at += 1
        elif char == '"':
            quoted = not quoted
        elif not quoted:
            depth += (char == "(") - (char == ")")
        at += 1
    return at


def said_by(path):
    """The error texts of a source file."""
    code = strip(path)
    pieces = [code[m.start():end_of_call(code, m.end())] for m in CALL.finditer(code)]
    pieces += [m.group() for m in ADVICE.finditer(code)] + [m.group() for m in REASON.finditer(code)]
    return {text for piece in pieces for text in texts_of(piece) if WORDS.search(text)}


def is_expected(text, expected):
    """A test's string has all of it, or all of the string is in one part of it."""
    plain = text.replace("\\n", "").replace("%%", "\1")
    parts = [part.replace("\1", "%").strip() for part in CONVERSION.split(plain)]
    whole = re.compile(".*".join(re.escape(part) for part in parts))
    return any(whole.search(other) or
               (len(other) >= HOLD and any(other in part for part in parts))
               for other in expected)


def sources():
    for folder in SOURCES:
        yield from sorted((ROOT / folder).rglob("*.c"))


def expected():
    """The strings of all tests."""
    found = set()
    for path in (ROOT / "tests").rglob("*"):
        if path.suffix in (".c", ".py") and "node_modules" not in path.parts:
            found.update(text.replace("\\n", "").strip() for text in texts_of(strip(path)))
    return {text for text in found if WORDS.search(text)}


def main():
    known, said = expected(), [(path, text) for path in sources() for text in said_by(path)]
    exempt = {text for _, text in said if text.replace("\\n", "") in EXEMPT}
    missing = sorted(f"{path.relative_to(ROOT)}: {text}" for path, text in said
                     if text not in exempt and not is_expected(text, known))
    print(f"{len(said)} error texts, {len(exempt)} exempt, {len(missing)} that no test expects")
    print("\n".join(missing))
    return 1 if missing or len(exempt) < len(EXEMPT) or len(said) < 100 else 0


sys.exit(main())
