"""What every kind of drawing is made of: an SVG in a few primitives.

Colours are classes, which corral.css gives their values: the same drawing is right on light and on dark.
Letters have a fixed width, so that a drawing is laid out without asking a browser.
"""

from __future__ import annotations

from html import escape

CHAR = 7.9          # pixels of a letter of 13 px in the widest of the usual fixed-width fonts
LINE = 22           # pixels from one line of text to the next


class Canvas:
    """Collects shapes and knows how far they reach."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.width = self.height = 0.0

    def text(self, x: float, y: float, words: str, kind: str = "", anchor: str = "",
             fixed: bool = False) -> None:
        """Words on a base line; `fixed` keeps each letter in its column whatever the font is."""
        if not words:
            return
        length = f' textLength="{_n(len(words) * CHAR)}"' if fixed and len(words) > 1 else ""
        where = f' text-anchor="{anchor}"' if anchor else ""
        self.parts.append(f'<text x="{_n(x)}" y="{_n(y)}"{_class(kind)}{where}{length}>'
                          f"{escape(words)}</text>")
        self._reach(x + (len(words) * CHAR if anchor != "end" else 0), y + 6)

    def box(self, x: float, y: float, width: float, height: float, kind: str, round_: int = 0) -> None:
        corner = f' rx="{round_}"' if round_ else ""
        self.parts.append(f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'
                          f"{corner}{_class(kind)}/>")
        self._reach(x + width, y + height)

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str = "edge") -> None:
        self.parts.append(f'<path d="M{_n(x1)} {_n(y1)}L{_n(x2)} {_n(y2)}"{_class(kind)}/>')
        self._reach(max(x1, x2), max(y1, y2))

    def head(self, x: float, y: float, direction: str) -> None:
        """An arrow's head with its point here: one of < > ^ v."""
        dx, dy = {"<": (1, 0), ">": (-1, 0), "^": (0, 1), "v": (0, -1)}[direction]
        back, wide = 7, 3.6
        points = [(x, y), (x + dx * back + dy * wide, y + dy * back + dx * wide),
                  (x + dx * back - dy * wide, y + dy * back - dx * wide)]
        shown = " ".join(f"{_n(a)},{_n(b)}" for a, b in points)
        self.parts.append(f'<polygon points="{shown}" class="tip"/>')

    def _reach(self, x: float, y: float) -> None:
        self.width, self.height = max(self.width, x), max(self.height, y)

    def svg(self, ident: str, title: str, desc: str) -> str:
        """The element, with the names that a screen reader says."""
        width, height = round(self.width + 2), round(self.height + 2)
        return (f'<svg class="drawing" viewBox="-1 -1 {width} {height}" width="{width}" '
                f'height="{height}" role="img" aria-labelledby="{ident}-t {ident}-d">'
                f'<title id="{ident}-t">{escape(title)}</title>'
                f'<desc id="{ident}-d">{escape(desc)}</desc>{"".join(self.parts)}</svg>')


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
