"""Looks for pieces of solutions in a tree that students get.

A piece is three lines in a row of one hole of a reference, or of an alternate where neither the
skeleton nor the kernel has them; lines without a word, such as a brace, do not count.  Neither comments nor indentation,
escapes, numbers in front, nor the signs of a diff hide one.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.course.markers import MARKER
from grader.course.skeleton import generate
from grader.labs import Lab
from grader.paths import ROOT
from grader.sources import SUFFIXES

RUN = 3             # lines
WORD = 4            # letters and digits that make a line count
FRAMES = re.compile(r"\.macro.*|\.endm|\.endr|\.?endif|else")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
TAG = re.compile(r"<[^<>\n]{1,400}>")
PRINTABLE = re.compile(rb"[\t -~]{4,}")

Piece = tuple[str, ...]


@dataclass(frozen=True)
class Leak:
    """A piece that was found: where, and where it comes from."""

    where: str      # "docs/spot-the-bug.rst:101"
    origin: str     # "solutions/lab1-stack-switch/entry64.S:60"


def _lines(text: str, first: int = 1) -> list[tuple[int, str]]:
    """(number, bare line) of the lines that count."""
    found = []
    for number, line in enumerate(text.splitlines(), first):
        bare = re.sub(r"\s+", "", line).replace("'", '"')
        bare = re.sub(r"^[^A-Za-z_.]+", "", bare)
        bare = re.sub(r"(\*/|[\\;,{}\"'])+$", "", bare)
        if len(re.sub(r"[^A-Za-z0-9]", "", bare)) >= WORD \
                and not FRAMES.fullmatch(bare):
            found.append((number, bare))
    return found


def _uncommented(text: str) -> str:
    return COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)


def _runs(lines: list[tuple[int, str]]) -> Iterator[tuple[int, Piece]]:
    for at in range(len(lines) - RUN + 1):
        yield lines[at][0], tuple(line for _, line in lines[at:at + RUN])


def pieces(labs: Iterable[Lab]) -> dict[Piece, str]:
    """Every piece of the labs' references and alternates, and where it stands."""
    found: dict[Piece, str] = {}
    kernel = {piece for path in sorted((ROOT / "kernel").rglob("*.[chS]"))
              for _, piece in _runs(_lines(_uncommented(path.read_text(encoding="utf-8"))))}
    for lab in labs:
        folder = lab.root / "solutions" / lab.slug
        for path in sorted(folder.glob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                _of_holes(path, found)
        given = kernel | {piece for data in generate(lab).values()
                          for _, piece in _runs(_lines(_uncommented(data.decode())))}
        for path in sorted(folder.glob("alternates/*/*")):
            if path.suffix in SUFFIXES:
                for number, piece in _runs(_lines(_uncommented(path.read_text("utf-8")))):
                    if piece not in given:
                        found.setdefault(piece, _name(path, number))
    return found


def _of_holes(path: Path, found: dict[Piece, str]) -> None:
    """Adds the pieces between BEGIN and INSTEAD."""
    hole: list[str] | None = None
    started = 0
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        marker = MARKER.match(line)
        if marker is None:
            if hole is not None:
                hole.append(line)
            continue
        if hole is not None:
            for at, piece in _runs(_lines(_uncommented("\n".join(hole)), started + 1)):
                found.setdefault(piece, _name(path, at))
        hole, started = ([], number) if marker[1] == "BEGIN" else (None, 0)


def _name(path: Path, number: int) -> str:
    parts = path.parts
    return f"{'/'.join(parts[parts.index('solutions'):])}:{number}"


def search(tree: Path, secrets: dict[Piece, str]) -> list[Leak]:
    """Where the files of a tree hold one of these pieces: one leak a file and origin."""
    found: dict[tuple[Path, str], Leak] = {}
    for path in sorted(tree.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        for number, piece in _runs_of(path.read_bytes()):
            if piece in secrets:
                origin = secrets[piece]
                found.setdefault((path, origin.rpartition(":")[0]),
                                 Leak(f"{path.relative_to(tree)}:{number}", origin))
    return list(found.values())


def _runs_of(data: bytes) -> Iterator[tuple[int, Piece]]:
    """The runs of a file: as it is, without comments, without markup, with "\\n" as a new line."""
    try:
        text = data.decode("utf-8")
        if "\0" in text:
            raise ValueError
    except ValueError:
        text = "\n".join(each.decode("ascii") for each in PRINTABLE.findall(data))
    forms = {text, _uncommented(text)}
    if "\\n" in text:
        opened = text.replace("\\n", "\n").replace("\\t", " ").replace('\\"', "'")
        forms |= {opened, _uncommented(opened), opened.replace('"', "\n")}
    for form in list(forms):
        if "&" in form or "<" in form:
            bare = html.unescape(TAG.sub("", form))
            forms |= {html.unescape(form), bare, _uncommented(bare),
                      html.unescape(TAG.sub("\n", form))}
    for form in forms:
        yield from _runs(_lines(form))
