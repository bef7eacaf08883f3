"""How text looks on a terminal: 80 columns, colour only as decoration."""

from __future__ import annotations

import os
import textwrap

from grader import processes

WIDTH = 80
CODES = {"bad": "31", "good": "32", "dim": "2", "bold": "1"}


class Style:
    """Paints words; does nothing with NO_COLOR or where nobody watches."""

    def __init__(self, enabled: bool):
        self.enabled = enabled

    def paint(self, kind: str, text: str) -> str:
        if not self.enabled or not text:
            return text
        return f"\033[{CODES[kind]}m{text}\033[0m"


NO_PAINT = Style(False)


def for_terminal() -> Style:
    """The style for standard output."""
    return Style(processes.on_terminal() and not os.environ.get("NO_COLOR"))


def clean(text: str) -> str:
    """Without control characters: a guest or a file may have written it."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in str(text))


def labelled(label: str, text: str, column: int, indent: int = 2) -> list[str]:
    """A label and its text, wrapped below itself; `column` is where the text starts."""
    head = " " * indent + label
    head = head.ljust(column) if len(head) < column else head + " "
    lines: list[str] = []
    for paragraph in clean(text).splitlines() or [""]:
        lines += textwrap.wrap(paragraph, WIDTH - column, break_long_words=True,
                               break_on_hyphens=False) or [""]
    return [(head if not index else " " * column) + line for index, line in enumerate(lines)]


def sentence(text: str) -> str:
    """The text with a full stop."""
    text = clean(text).strip()
    return text if text.endswith((".", "!", "?", ":")) else f"{text}."


def join(words: list[str]) -> str:
    """"a", "a and b", "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + " and " + words[-1]
