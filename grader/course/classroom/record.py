"""What is kept of a class, in the folder that --out names.  Everything in it is written whole or not
at all, so that a kill at any moment leaves a state that can go on.

    class.json              what is graded, and how
    taken/ID/labs/SLUG/     the files that were taken of a submission
    grades/ID/              outcome.json, and of a grade grade.json, index.html, junit.xml
    superseded/             records of files that were handed in again since
    marks.csv table.txt index.html
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from grader import knobs
from grader.errors import GraderError
from grader.paths import ROOT, write_text

SCHEMA = "corral/class/v1"


@dataclass
class Submission:
    """One submission as it was read.  Without files there is a problem, and nothing to grade."""

    id: str
    digest: str = ""                                        # of the files taken
    taken: dict[str, list[str]] = field(default_factory=dict)   # lab -> names
    new: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)   # a name as it may be shown -> why
    problem: str = ""
    gone: bool = False                                      # it is not among the submissions now


@dataclass
class Record:
    """class.json."""

    lab: int
    words: list[str]                # NAME=value, as `grade` takes them: with the seed and sandbox
    seed: str
    grader: str                     # a hash of the grader, the kernel and the tests
    token: str = field(default_factory=lambda: secrets.token_hex(4))    # names its Slurm jobs
    submissions: dict[str, Submission] = field(default_factory=dict)
    schema: str = SCHEMA


class Classroom:
    """The folder."""

    def __init__(self, place: Path):
        self.place = place

    @property
    def grades(self) -> Path:
        return self.place / "grades"

    def taken(self, ident: str) -> Path:
        """The folder with labs/ of one submission."""
        return self.place / "taken" / ident

    def load(self) -> Record | None:
        """The record; None if there is none yet."""
        path = self.place / "class.json"
        if not path.exists():
            return None
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["schema"] != SCHEMA:
                raise ValueError(data["schema"])
            data["submissions"] = {ident: Submission(**each)
                                   for ident, each in data["submissions"].items()}
            return Record(**data)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise GraderError(f"{path} is not what this grader wrote ({type(error).__name__}): "
                              "choose another folder with --out") from None

    def save(self, record: Record) -> None:
        write_text(self.place / "class.json", json.dumps(asdict(record), indent=1) + "\n")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Only one command works on a class at a time."""
        with open(self.place / "lock", "a", encoding="ascii") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise GraderError(f"another `class` works on {self.place}: wait for it, or end it "
                                  "and start this again") from None
            except OSError as error:
                raise GraderError(f"{self.place} cannot be locked ({error.strerror}): choose a "
                                  "folder on another file system with --out") from None
            yield

    def keep_files(self, submission: Submission, files: dict[str, dict[str, bytes]]) -> None:
        """Writes the files taken: lab's folder name -> name -> bytes."""
        target = self.taken(submission.id)
        fresh = target.with_name(f".new-{submission.id}")
        shutil.rmtree(fresh, ignore_errors=True)
        for slug, contents in files.items():
            folder = fresh / "labs" / slug
            folder.mkdir(parents=True)
            for name, data in contents.items():
                (folder / name).write_bytes(data)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)

    def supersede(self, ident: str) -> None:
        """Puts aside the grade of files that were replaced."""
        number = 1
        while (target := self.place / "superseded" / f"{ident}.{number}").exists():
            number += 1
        target.parent.mkdir(exist_ok=True)
        (self.grades / ident).rename(target)


def digest_of(files: dict[str, dict[str, bytes]]) -> str:
    """A hash of names and contents."""
    state = hashlib.sha256()
    for slug, contents in sorted(files.items()):
        for name, data in sorted(contents.items()):
            state.update(f"{slug}/{name}\0{len(data)}\0".encode() + data)
    return state.hexdigest()[:16]


def digest_on_disk(folder: Path) -> str:
    """The same, of taken/ID."""
    files: dict[str, dict[str, bytes]] = {}
    for path in sorted((folder / "labs").glob("*/*")):
        files.setdefault(path.parent.name, {})[path.name] = path.read_bytes()
    return digest_of(files)


def grader_hash() -> str:
    """Changes with the grader, its tests, the points and the given kernel."""
    state = hashlib.sha256(knobs.load().hash.encode())
    for part in ("grader", "kernel"):
        for path in sorted((ROOT / part).rglob("*")):
            inside = path.relative_to(ROOT)
            if path.is_file() and not {"__pycache__", "selftest"} & set(inside.parts):
                state.update(f"{inside}\0".encode() + path.read_bytes())
    return state.hexdigest()[:12]


def read_json(path: Path) -> dict[str, Any]:
    """A file that this grader wrote; a GraderError says which one is damaged."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise ValueError
        return data
    except (OSError, ValueError) as error:
        raise GraderError(f"{path} is damaged ({type(error).__name__}): remove {path.parent}, and "
                          "the same command grades this submission again") from None


def publish(fresh: Path, target: Path) -> bool:
    """Gives a finished folder its name; False if somebody was first, whose work then stays."""
    try:
        os.rename(fresh, target)
        return True
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(fresh, ignore_errors=True)
        return False
