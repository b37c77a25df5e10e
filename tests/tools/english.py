# SPDX-License-Identifier: MIT
"""Comments that begin as a fragment: "Of what ...", "Whether ...", "How many ...".

usage: english.py FOLDER...

A reader has to guess the subject and the verb of such a comment. "Returns how many ...", "True if ..." and
"The value of ..." say the same and need no guess. Only the first words of a comment are judged, and only
those forms; a comment of one line that labels a field ("bytes sent so far") is none of them.
"""
import pathlib
import re
import sys

FRAGMENT = re.compile(
    r"(?:Of|Whether|How (?:many|much|long|far|often)|What|Who|Whose|Whom|Where|As|Likewise|The same)\b")
# A comment's opening, or the second paragraph of one: what stands after " * " behind an empty line.
COMMENT = re.compile(r"/\*\s*(?:SPDX[^\n]*\n(?: \*\n)?)?(?:\s*\* ?)?((?:[^*]|\*(?!/))*?)\*/")


def comments_of(text):
    for match in COMMENT.finditer(text):
        yield text.count("\n", 0, match.start(1)) + 1, match.group(1).strip()


def main():
    found = 0
    for folder in sys.argv[1:]:
        for path in sorted(pathlib.Path(folder).rglob("*.[ch]")):
            for line, comment in comments_of(path.read_text()):
                if FRAGMENT.match(comment):
                    found += 1
                    print(f"{path}:{line}: {' '.join(comment.split())[:90]}")
    print(f"{found} comments begin as a fragment")
    sys.exit(found > 0)


if __name__ == "__main__":
    main()
