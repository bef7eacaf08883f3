"""A class of lab 1 as it might be handed in, honest, clumsy and hostile, and what each must get.

`python3 -m grader.selftest.handedin DIR 60` writes one, for a run by hand.
"""

from __future__ import annotations

import io
import os
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grader.course.mutants import apply, load_mutants
from grader.labs import find_labs
from grader.options import Options, parse
from grader.sources import Source, collect

SLUG = "lab1-stack-switch"
CELL = "x86_64/bochs"
TESTS = ("1.1a", "1.1b")        # what TEST=1.1 runs, 5 points each
WORDS = ("LAB=1", "ARCH=x86_64", "EMU=bochs", "TEST=1.1", "SEED=7c1e")


@dataclass
class Expected:
    """What the table must say: the state, the score (None: any that is not full), a reason."""

    state: str = "graded"
    score: float | None = 10
    reason: str = ""


Files = dict[str, bytes]


def reference() -> Source:
    lab = find_labs()[1]
    return collect(lab, lab, parse({"FROM": "solutions"}))


def skeleton() -> Files:
    lab = find_labs()[1]
    return collect(lab, lab, Options()).files


def folder(at: Path, files: Files, inside: str = f"labs/{SLUG}") -> None:
    """A submission as a folder."""
    place = at / inside
    place.mkdir(parents=True)
    for name, data in files.items():
        (place / name).write_bytes(data)


def zipped(at: Path, files: Files, inside: str = "", more: dict[str, bytes] = {}) -> None:
    """A submission as a zip; `more` are names as they are."""
    with zipfile.ZipFile(at.with_name(f"{at.name}.zip"), "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            packed.writestr(f"{inside}{name}", data)
        for name, data in more.items():
            packed.writestr(name, data)


def tarred(at: Path, files: Files, inside: str = "",
           more: Callable[[tarfile.TarFile], None] = lambda packed: None) -> None:
    """A submission as a tar.gz."""
    with tarfile.open(at.with_name(f"{at.name}.tar.gz"), "w:gz") as packed:
        for name, data in files.items():
            info = tarfile.TarInfo(f"{inside}{name}")
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))
        more(packed)


def _link(packed: tarfile.TarFile) -> None:
    info = tarfile.TarInfo(f"{SLUG}/tss.c")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    packed.addfile(info)


def _bomb(packed: tarfile.TarFile) -> None:
    info = tarfile.TarInfo("zeros")
    info.size = 600 << 20
    packed.addfile(info, io.BufferedReader(_Zeros()))       # type: ignore[arg-type]


class _Zeros(io.RawIOBase):
    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        buffer[:] = bytes(len(buffer))
        return len(buffer)


def write(top: Path, count: int, hostile: bool = True) -> dict[str, Expected]:
    """Fills `top` with `count` submissions; gives what each must get."""
    top.mkdir(parents=True, exist_ok=True)
    right, empty = reference(), skeleton()
    expected: dict[str, Expected] = {}
    todo = [*_first(top, right.files, empty), *(_hostile(top, right.files) if hostile else ())]
    for ident, make, wanted in todo[:count]:
        make(top / ident)
        expected[ident] = wanted
    mutants = load_mutants(right.lab)
    shown = sorted((m for m in mutants if CELL in m.cells or m.forger),
                   key=lambda m: (not m.forger, not set(m.killed_by) & set(TESTS)))
    for mutant in shown[:(count - len(expected)) * 2 // 3]:
        ident = f"mutant-{mutant.id}"
        folder(top / ident, apply(mutant, right).files)
        expected[ident] = _of_mutant(mutant)
    forms = (folder, zipped, tarred)
    while len(expected) < count:
        number = len(expected)
        ident = f"student{number:02}"
        forms[number % 3](top / ident, right.files if number % 2 else empty)
        expected[ident] = Expected() if number % 2 else Expected(score=0, reason="nothing is written")
    return expected


def _of_mutant(mutant) -> Expected:
    if mutant.forger:
        return Expected(score=None)
    caught = [test for test in TESTS if test in mutant.killed_by]
    return Expected(score=None if caught else 10, reason=caught[0] if caught else "")


def _first(top: Path, right: Files, empty: Files) -> list[tuple]:
    broken = right | {"tss.c": b"int x = ;\n"}
    half = {name: data for name, data in right.items() if name != "return.c"}
    return [
        ("ref", lambda at: folder(at, right), Expected()),
        ("skeleton", lambda at: folder(at, empty, SLUG),
         Expected(score=0, reason="nothing is written yet: labs/")),
        ("broken", lambda at: folder(at, broken, "."),
         Expected(score=0, reason="does not build: labs/lab1-stack-switch/tss.c:1")),
        ("zip", lambda at: zipped(at, right, "my work/"), Expected()),
        ("slip", lambda at: zipped(at, right, more={"../../../slip.c": b"x"}),
         Expected(reason="a name that leads out of the archive")),
        ("linked", lambda at: tarred(at, {n: d for n, d in right.items() if n != "tss.c"},
                                     f"{SLUG}/", _link),
         Expected(score=0, reason="a symbolic link")),
        ("junk", lambda at: at.with_name("junk.zip").write_bytes(b"PK\3\4 no more"),
         Expected("not graded", 0, "no zip or tar that can be read whole")),
        ("half", lambda at: folder(at, half), Expected(score=0, reason="return.c is missing")),
    ]


def _hostile(top: Path, right: Files) -> list[tuple]:
    spy = right | {"tss.c": b'asm(".incbin \\"/etc/passwd\\"");\n'}
    loud = right | {"tss.c": b"#include <stdio.h>\n#error =cmd|' /C calc'!A0 <script>alert(1)</script>\n"}
    deep = right | {"tss.c": b"#define A(...) __VA_ARGS__ __VA_ARGS__ __VA_ARGS__ __VA_ARGS__\n"
                             b"#define B(...) A(A(A(A(A(__VA_ARGS__)))))\n"
                             b"int a[] = { B(B(B(B(1,)))) };\n"}

    def linked_folder(at: Path) -> None:
        at.mkdir()
        os.symlink("/etc", at / "labs")

    def pipe(at: Path) -> None:
        folder(at, {n: d for n, d in right.items() if n != "tss.c"})
        os.mkfifo(at / f"labs/{SLUG}/tss.c")

    def twice(at: Path) -> None:
        folder(at, right)
        zipped(at, right)

    return [
        ("bomb", lambda at: tarred(at, right, more=_bomb),
         Expected("not graded", 0, "unpacks to more than 512 MiB")),
        ("spy", lambda at: folder(at, spy), Expected(score=0, reason="incbin")),
        ("loud", lambda at: folder(at, loud), Expected(score=0, reason="does not build")),
        ("deep", lambda at: folder(at, deep), Expected(score=0, reason="does not build")),
        ("etc", linked_folder, Expected("not graded", 0, "it holds neither")),
        ("pipe", pipe, Expected(score=0, reason="no plain file")),
        ("twice", twice, Expected("not graded", 0, "it is there twice")),
        ("nothing", lambda at: at.mkdir(), Expected("not graded", 0, "it holds neither")),
        ("grader", lambda at: (folder(at, right), (at / "grader").mkdir(),
                               (at / "grader/score.py").write_text("1/0"),
                               (at / "Makefile").write_text("all:; touch /tmp/owned")), Expected()),
    ]


def wrong_rows(expected: dict[str, Expected], marks: dict[str, dict[str, str]]) -> list[str]:
    """What a marks.csv, by id, says otherwise."""
    found = [f"{ident}: not expected" for ident in marks.keys() - expected.keys()]
    for ident, wanted in expected.items():
        row = marks.get(ident)
        if row is None:
            found.append(f"{ident}: missing")
        elif row["state"] != wanted.state or wanted.reason not in row["reason"] or not (
                row["score"] != row["max"] if wanted.score is None
                else row["score"] == f"{wanted.score:g}"):
            found.append(f"{ident}: {wanted} expected, {row} seen")
    return found


if __name__ == "__main__":
    for name, what in write(Path(sys.argv[1]), int(sys.argv[2])).items():
        print(name, what)
