#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws the pictures of the documents: draw.py FOLDER writes request.svg, frame.svg and order.svg."""

import pathlib
import sys
from xml.sax.saxutils import escape

INK, MUTED, LINE = "#1f2933", "#5f6b7a", "#8a94a3"
# Who owns a step: fill and border.
CORE = ("#f1f3f6", "#8a94a3")
TRANSPORT = ("#e4effc", "#2f6fb5")
CODEC = ("#e3f4e8", "#2d8a4e")
SERVICE = ("#fdeedb", "#b96a12")
HELD = ("#f7e4ef", "#a8457f")

SANS = "Inter, 'Segoe UI', Roboto, 'DejaVu Sans', Helvetica, Arial, sans-serif"
MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"


class Picture:
    """An SVG as it grows; coordinates in pixels, y downwards."""

    def __init__(self, width, height, title):
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" font-family="{SANS}">',
            "<!-- SPDX-License-Identifier: MIT; made by docs/pictures/draw.py -->",
            f"<title>{escape(title)}</title>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
            'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
            f'<path d="M0 0L8 4L0 8z" fill="{INK}"/></marker></defs>',
            # A ground of its own, so that it can be read on a dark page too.
            f'<rect width="{width}" height="{height}" rx="10" fill="#ffffff"/>',
        ]

    def text(self, x, y, text, size=13, fill=INK, anchor="middle", bold=False, mono=False):
        self.parts.append(
            f'<text x="{x}" y="{y}" font-size="{size}" fill="{fill}" text-anchor="{anchor}"'
            + (' font-weight="600"' if bold else "")
            + (f' font-family="{MONO}"' if mono else "")
            + f">{escape(text)}</text>"
        )

    def rect(self, x, y, width, height, colours, radius=6, dash=False):
        fill, border = colours
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}" '
            f'fill="{fill}" stroke="{border}" stroke-width="1.3"'
            + (' stroke-dasharray="5 4"' if dash else "")
            + "/>"
        )

    def path(self, d, tip=True, colour=INK, width=1.6, dash=False):
        self.parts.append(
            f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="{width}"'
            + (' stroke-dasharray="4 4"' if dash else "")
            + (' marker-end="url(#tip)"' if tip else "")
            + "/>"
        )

    def step(self, x, y, width, colours, number, name, lines):
        """A box with a name, a number at its corner, and what happens there."""
        self.rect(x, y, width, 92, colours)
        self.text(x + width / 2, y + 28, name, 15, bold=True, mono=True)
        for i, line in enumerate(lines):
            self.text(x + width / 2, y + 52 + 18 * i, line, 12.5, MUTED)
        if number:
            self.parts.append(f'<circle cx="{x}" cy="{y}" r="11" fill="{colours[1]}"/>')
            self.text(x, y + 4.5, str(number), 12.5, "#ffffff", bold=True)

    def key(self, x, y, entries):
        for colours, name, width in entries:
            self.rect(x, y - 11, 16, 14, colours, 3)
            self.text(x + 23, y, name, 12.5, MUTED, "start")
            x += width

    def save(self, path):
        path.write_text("\n".join(self.parts + ["</svg>", ""]))


def request():
    """A request's life: one turn of one loop, there and back."""
    p = Picture(960, 430, "A request's life")
    p.rect(126, 50, 810, 310, ("#fbfcfd", LINE), 10, dash=True)
    p.text(531, 41, "one loop, one thread; in the usual case, one turn of it", 13, MUTED)

    p.rect(24, 92, 70, 226, TRANSPORT)
    p.text(59, 200, "socket", 15, bold=True, mono=True)
    p.text(59, 222, "tcp, unix", 12.5, MUTED)

    top, low, width, pitch = 92, 226, 164, 198
    x = [152 + pitch * i for i in range(4)]
    p.step(x[0], top, width, TRANSPORT, 1, "read", ["into the loop's buffer,", "which all share in turn"])
    p.step(x[1], top, width, CODEC, 2, "decode", ["a frame is consumed,", "its message is a view"])
    p.step(x[2], top, width, CORE, None, "message", ["good, malformed", "or too big"])
    p.step(x[3], top, width, SERVICE, 3, "call", ["a bad message goes to", "reject instead"])
    p.step(x[3], low, width, SERVICE, 4, "end", ["exactly once:", "at once or later"])
    p.step(x[2], low, width, CORE, 5, "order", ["a reply waits for those", "asked before it"])
    p.step(x[1], low, width, CODEC, 6, "encode", ["written once, in place,", "behind its header"])
    p.step(x[0], low, width, TRANSPORT, 7, "writev", ["all replies of the turn", "leave together"])

    for i in range(3):
        p.path(f"M{x[i] + width + 3} {top + 46}H{x[i + 1] - 4}")
        p.path(f"M{x[i + 1] - 3} {low + 46}H{x[i] + width + 4}")
    p.path(f"M97 {top + 46}H{x[0] - 4}")
    p.path(f"M{x[0] - 3} {low + 46}H98")
    middle = x[3] + width / 2
    p.path(f"M{middle} {top + 95}V{low - 4}")

    p.text(531, 346, "no allocation, no lock, no log line, no call to the clock", 13, MUTED)
    p.key(236, 400, [(TRANSPORT, "transport", 120), (CODEC, "codec", 100), (CORE, "core", 90),
                     (SERVICE, "service", 100)])
    p.text(650, 400, "a plugin sees its own steps only", 12.5, MUTED, "start")
    return p


def frame():
    """The frame: header, flag, payload; and the two forms of one codec."""
    p = Picture(960, 470, "The frame")
    p.text(32, 42, "length-delimited-gzip", 16, bold=True, anchor="start", mono=True)
    left, bit = 32, 10
    header, tail = 32 * bit, 544 + 32
    p.rect(left, 78, bit * 2, 58, SERVICE, 3)
    p.rect(left + bit * 2, 78, header - bit * 2, 58, CODEC, 3)
    p.rect(left + header, 78, tail, 58, CORE, 3)
    p.text(left + bit, 113, "Z", 16, bold=True, mono=True)
    p.text(left + (header + bit * 2) / 2, 104, "payload length in bytes", 14)
    p.text(left + (header + bit * 2) / 2, 123, "31 bits, big endian", 12.5, MUTED)
    p.text(left + header + tail / 2, 113, "payload", 14)
    for at, name in ((left, "0"), (left + bit * 2, "1"), (left + header, "32")):
        p.text(at, 70, name, 12, MUTED, "start")
    p.text(left, 160, "Z = 0: the payload is the message.   Z = 1: it is one gzip member of the message, "
           "for messages over 1436 bytes that shrink.", 13, MUTED, "start")

    def example(y, name, small, cells):
        p.text(left, y + 24, name, 13.5, anchor="start", bold=True)
        p.text(left, y + 42, small, 12, MUTED, "start")
        x = 232
        for width, colours, text, below in cells:
            p.rect(x, y, width, 42, colours, 3)
            p.text(x + width / 2, y + 26, text, 13, mono=True)
            p.text(x + width / 2, y + 60, below, 12, MUTED)
            x += width

    example(190, "a message of 13 bytes", "17 bytes on the wire", [
        (170, CODEC, "00 00 00 0d", "Z = 0, length 13"),
        (330, CORE, "0a 0b 0a 05 73 63 6f 72 …", "the message itself"),
    ])
    example(278, "a message of 1437 bytes", "62 bytes on the wire", [
        (170, CODEC, "80 00 00 3a", "Z = 1, length 58"),
        (130, CORE, "1f 8b 08 …", "gzip header, 10"),
        (180, CORE, "deflated data", "40"),
        (92, CORE, "CRC-32", "4"),
        (92, CORE, "ISIZE", "4: the 1437"),
    ])
    p.path("M32 364H928", tip=False, colour="#d7dce3", width=1)
    p.text(32, 398, "raw", 16, bold=True, anchor="start", mono=True)
    p.rect(232, 382, 170, 42, CODEC, 3)
    p.rect(402, 382, 330, 42, CORE, 3)
    p.text(317, 408, "length, 32 bits", 13)
    p.text(567, 408, "the message itself", 13)
    p.text(32, 420, "never compressed", 12, MUTED, "start")
    p.text(232, 448, "Every plain frame is the same in both codecs.", 12.5, MUTED, "start")
    return p


def order():
    """Four requests of one connection, and when their replies may leave."""
    p = Picture(960, 484, "The order of replies in a pipelined connection")
    x0, pitch, lanes = 150, 62, 84

    def at(t):
        return x0 + pitch * t

    def lane(i):
        return lanes + 66 * i

    p.text(32, 36, "Four requests of one connection, sent without waiting", 16, bold=True, anchor="start")
    p.text(32, 57, "Only the oldest one that has not ended may write; what the others say is kept until "
           "their turn.", 13, MUTED, "start")

    def bar(i, begin, end, colours, text):
        p.rect(at(begin), lane(i), pitch * (end - begin), 32, colours, 4)
        p.text((at(begin) + at(end)) / 2, lane(i) + 21, text, 12.5)

    for i, (name, what) in enumerate((("A", "slow"), ("B", "fast"), ("C", "a stream"), ("D", "at once"))):
        p.text(52, lane(i) + 22, name, 17, bold=True, mono=True)
        p.text(70, lane(i) + 21, what, 12.5, MUTED, "start")
    turn = ("#ffffff", "#d7dce3")
    for t in (7, 11):
        p.path(f"M{at(t)} {lanes - 8}V{lane(4) + 42}", tip=False, colour="#c3cad4", width=1, dash=True)

    wire = lane(4) + 16
    p.text(32, wire + 21, "on the wire", 13, anchor="start", bold=True)
    p.rect(at(0), wire, pitch * 12.4, 32, turn, 4)

    # Arrows first: they pass behind the bars.
    def leaves(t, width, name, i):
        p.path(f"M{at(t) + width / 2} {lane(i) + 32}V{wire - 4}", width=1.3)
        p.rect(at(t), wire, width, 32, CODEC, 4)
        p.text(at(t) + width / 2, wire + 21, name, 13, bold=True, mono=True)

    leaves(7.0, 34, "A", 0)
    leaves(7.6, 34, "B", 1)
    leaves(8.2, 34, "C1", 2)
    leaves(9.6, 34, "C2", 2)
    leaves(10.4, 34, "C3", 2)
    leaves(11.0, 34, "D", 3)

    bar(0, 0, 7, SERVICE, "the service works")
    bar(1, 0.4, 2.4, SERVICE, "works")
    bar(1, 2.4, 7, HELD, "its reply is held")
    bar(2, 0.8, 4, SERVICE, "works")
    bar(2, 4, 7, HELD, "first reply is held")
    bar(2, 7, 11, SERVICE, "head: each reply leaves as it is said")
    bar(3, 1.2, 1.75, SERVICE, "")
    bar(3, 1.75, 11, HELD, "its reply is held")

    p.text(at(7), wire + 52, "A ends: B and what C has said follow in one write", 12.5, MUTED)
    p.text(at(11.3), wire + 52, "C ends: D", 12.5, MUTED)
    p.path(f"M{at(0)} {wire + 70}H{at(12.4)}", colour=LINE, width=1.2)
    p.text(at(12.4), wire + 94, "time", 12.5, MUTED, "end")
    p.key(32, wire + 94, [(SERVICE, "the service has it", 150), (HELD, "finished, waits for its turn", 200),
                          (CODEC, "encoded and written", 150)])
    return p


def main():
    folder = pathlib.Path(sys.argv[1])
    for draw in (request, frame, order):
        draw().save(folder / f"{draw.__name__}.svg")


if __name__ == "__main__":
    main()
