"""Exercises that are not written yet, as the kernel's ELF names them.

kernel/include/hole.h puts one record for each HOLE() into the section .corral.holes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from grader.errors import GraderError
from grader.labs import Test

RECORD = struct.Struct("<8s80sI164s")
SECTION = ".corral.holes"


@dataclass(frozen=True)
class Hole:
    """A place where an exercise is to be written."""

    exercise: str   # "1.2"
    file: str       # "labs/lab1-stack-switch/entry64.S"
    line: int
    what: str

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


def read_holes(elf: Path) -> list[Hole]:
    """The holes of a kernel, in the order of exercise, file and line."""
    try:
        with open(elf, "rb") as stream:
            section = ELFFile(stream).get_section_by_name(SECTION)
            data = section.data() if section is not None else b""
    except (OSError, ELFError) as error:
        raise GraderError(f"{elf} cannot be read: {error}") from error
    return parse(data)


def parse(data: bytes) -> list[Hole]:
    """Records of the section; a tail that is no whole record is ignored."""
    holes = set()
    for start in range(0, len(data) - RECORD.size + 1, RECORD.size):
        ident, file, line, what = RECORD.unpack_from(data, start)
        if ident.strip(b"\0"):
            holes.add(Hole(_text(ident), _text(file), line, _text(what)))
    return sorted(holes, key=lambda h: (h.exercise, h.file, h.line))


def _text(raw: bytes) -> str:
    text = raw.split(b"\0", 1)[0].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "?" for c in text)


def missing_for(test: Test, holes: list[Hole]) -> Hole | None:
    """The hole that keeps this test from running: its own exercise's first, or None."""
    blocking = [hole for hole in holes if hole.exercise in test.needs]
    own = [hole for hole in blocking if hole.exercise == test.exercise]
    return (own or blocking or [None])[0]
