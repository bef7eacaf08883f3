"""The kind `art`: lines and arrows of plain characters become lines and arrows.

Two or more - are a line, three or more = a thick one, -> between blanks an arrow; | is a line where it goes
on above or below; + is a corner; < > ^ v at the end of a line are arrow heads; [text] is a box.  Everything
else is text and stays in its column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from canvas import CHAR, Canvas

ROW = 19
WIRE = "|+^v-="


def draw(text: str) -> Canvas:
    """The drawing of a text."""
    return Art(text).canvas


def describe(text: str) -> str:
    """Nothing can be said of the lines: the page must."""
    return ""


class Art:
    """The characters as a grid; `used` are those that are part of a line."""

    def __init__(self, text: str):
        lines = text.splitlines()
        self.width = max(map(len, lines), default=0)
        self.grid = [line.ljust(self.width) for line in lines]
        self.used: set[tuple[int, int]] = set()
        self.canvas = Canvas()
        for row in range(len(self.grid)):
            self._across(row)
        for column in range(self.width):
            self._down(column)
        self._heads()
        for row, line in enumerate(self.grid):
            for match in re.finditer(r"(?<!\w)\[[^][]+\]", line):
                self._box(row, match.start(), match.end() - 1)
        for row, line in enumerate(self.grid):
            for column, words in self._words(row, line):
                self.canvas.text(column * CHAR, row * ROW + 14, words, fixed=True)

    def at(self, row: int, column: int) -> str:
        inside = 0 <= row < len(self.grid) and 0 <= column < self.width
        return self.grid[row][column] if inside else " "

    def _across(self, row: int) -> None:
        y = row * ROW + 9.5
        for match in re.finditer(r"\+?(?:-{2,}\+?|={3,})+|(?<= <)-(?= )|(?<= )-(?=> )", self.grid[row]):
            first, last = match.start(), match.end() - 1
            left = first * CHAR + (CHAR / 2 if match[0][0] == "+" else 0)
            right = last * CHAR + (CHAR / 2 if match[0][-1] == "+" else CHAR)
            left -= CHAR / 2 if self.at(row, first - 1) == "|" else 0
            right += CHAR / 2 if self.at(row, last + 1) == "|" else 0
            self.canvas.line(left, y, right, y, "thick" if "=" in match[0] else "edge")
            self.used |= {(row, column) for column in range(first, last + 1)}
            self.used |= {(row, c) for c in (first - 1, last + 1) if self.at(row, c) == "|"}

    def _down(self, column: int) -> None:
        x, row = (column + 0.5) * CHAR, 0
        while row < len(self.grid):
            begin = row
            while self._is_down(row, column):
                row += 1
            if row == begin:
                row += 1
                continue
            end = row - 1
            top = begin * ROW + (9.5 if self.at(begin, column) == "+" else 0)
            bottom = end * ROW + (9.5 if self.at(end, column) == "+" else ROW)
            top -= 9.5 if begin and self.at(begin - 1, column) in "-=" else 0
            bottom += 9.5 if self.at(end + 1, column) in "-=" else 0
            if bottom > top:
                self.canvas.line(x, top, x, bottom)
            self.used |= {(r, column) for r in range(begin, end + 1)}

    def _box(self, row: int, first: int, last: int) -> None:
        x = (first + 0.5) * CHAR
        self.canvas.box(x, row * ROW + 1, (last - first) * CHAR, ROW - 2, "word", 3)
        self.used |= {(row, first), (row, last)}

    def _is_down(self, row: int, column: int) -> bool:
        if self.at(row, column) not in "|+":
            return False
        if (row, column) in self.used or self.at(row, column) == "|" and (
                self.at(row - 1, column) in WIRE or self.at(row + 1, column) in WIRE):
            return True
        return self.at(row, column) == "+" and "|" in (self.at(row - 1, column), self.at(row + 1, column))

    def _heads(self) -> None:
        for row, line in enumerate(self.grid):
            for column, sign in enumerate(line):
                left, right = (row, column - 1) in self.used, (row, column + 1) in self.used
                alone = not (self.at(row, column - 1) + self.at(row, column + 1)).strip()
                x, y = column * CHAR, row * ROW
                if sign == ">" and left:
                    self.canvas.head(x + CHAR, y + 9.5, sign)
                elif sign == "<" and right:
                    self.canvas.head(x, y + 9.5, sign)
                elif sign == "v" and alone and (row - 1, column) in self.used:
                    self.canvas.head(x + CHAR / 2, y + 12, sign)
                    self.canvas.line(x + CHAR / 2, y, x + CHAR / 2, y + 6)
                elif sign == "^" and alone and (row + 1, column) in self.used:
                    self.canvas.head(x + CHAR / 2, y + 7, sign)
                    self.canvas.line(x + CHAR / 2, y + 13, x + CHAR / 2, y + ROW)
                else:
                    continue
                self.used.add((row, column))

    def _words(self, row: int, line: str) -> Iterator[tuple[int, str]]:
        """Runs of text: words that one blank parts."""
        rest = "".join(" " if (row, column) in self.used else sign for column, sign in enumerate(line))
        for match in re.finditer(r"\S+(?: \S+)*", rest):
            yield match.start(), match[0]
