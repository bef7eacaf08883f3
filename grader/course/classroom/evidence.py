"""What the submissions of a class have in common with each other, the reference and the alternates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from grader.course.classroom.record import Classroom, Record
from grader.course.classroom.similarity import Given, Pair, Prints, fingerprints, pairs
from grader.course.mutants import load_alternates
from grader.labs import Lab
from grader.sources import SUFFIXES

MOST_SHOWN = 30


@dataclass
class Evidence:
    """The pairs that are most alike, and those whose files are equal to the last byte."""

    each_other: list[Pair]
    ours: list[Pair]                # with the reference and the alternates
    equal: list[list[str]]          # ids with the same files


def gather(room: Classroom, record: Record, lab: Lab) -> Evidence:
    """Compares the files of the lab that is graded."""
    given = Given(_texts(lab.root / "kernel") + _texts(lab.root / "labs" / lab.slug))
    same: dict[tuple, list[str]] = {}
    for ident, submission in sorted(record.submissions.items()):
        if submission.digest:
            files = _files(room.taken(ident) / "labs" / lab.slug)
            same.setdefault(tuple(sorted(files.items())), []).append(ident)
    # Equal ones are told once; in the pairs the first stands for all of them.
    class_prints = [fingerprints(_all_of(ids), dict(files), given) for files, ids in same.items()]
    skeleton = tuple(sorted(_files(lab.root / "labs" / lab.slug).items()))
    return Evidence(
        pairs(class_prints),
        pairs(class_prints, own) if (own := _own(lab, given)) else [],
        [ids for files, ids in same.items() if len(ids) > 1 and files != skeleton])


def _all_of(ids: list[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{ids[0]} (and {len(ids) - 1} equal)"


def _own(lab: Lab, given: Given) -> list[Prints]:
    """The reference and the alternates, where the tree has them."""
    folder = lab.root / "solutions" / lab.slug
    if not folder.is_dir():
        return []
    reference = _files(folder)
    found = [fingerprints("the reference", reference, given)]
    for each in load_alternates(lab):
        found.append(fingerprints(f"alternate {each.name}", reference | _files(each.folder), given))
    return found


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())
            if path.suffix in SUFFIXES and path.is_file()} if folder.is_dir() else {}


def _texts(folder: Path) -> list[tuple[str, str]]:
    return [(path.name, path.read_text(encoding="utf-8", errors="replace"))
            for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES and path.is_file()]
