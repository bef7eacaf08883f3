"""Text in columns, as the drawings' text forms have it: a head line says where each column begins."""

from __future__ import annotations

import re


class ColumnError(ValueError):
    """The text is not in the columns of its head."""


def heads(line: str) -> list[tuple[int, str]]:
    """Where each column begins, and its name: words that two or more blanks part."""
    return [(match.start(), match[0]) for match in re.finditer(r"\S+(?: \S+)*", line)]


def cells(line: str, starts: list[int], exact: bool = True) -> list[str]:
    """The text of a line in each column.

    Words that stand across a boundary are a mistake; if not `exact`, a word that does belongs to the left
    column, with all that follows.
    """
    if line[:starts[0]].strip():
        raise ColumnError(f"{line.strip()!r} begins before the first column")
    found, begin = [], starts[0]
    for at in starts[1:]:
        near = line[at - 2:at + 2].ljust(4)
        if re.match(r".\S\S|\S \S|.\S \S" if exact else r".\S\S", near):      # one blank parts words
            if exact:
                raise ColumnError(f"{line.strip()!r} stands across the column at {at}")
            break
        found.append(line[begin:at].strip())
        begin = at
    found.append(line[begin:].strip())
    return found + [""] * (len(starts) - len(found))
