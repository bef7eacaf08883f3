"""One round over a class: every submission graded once, or one test of each run again.

    FOLDER/ID/              outcome.json and the report: it is there, or it is not
    FOLDER/.claims/ID       locked by who grades this submission; the kernel lets go when he dies
    FOLDER/.lost/ID.json    the grades that ended without a verdict while somebody watched

A grade whose supervisor died as well counts for nothing: it is begun again.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from grader.course.classroom.record import publish, read_json
from grader.paths import write_text

TRIES = 2               # grades that may end without a verdict: the first, and once more
GRADED, FAILED = "graded", "grader error"


@dataclass(frozen=True)
class Round:
    """Where the outcomes go, and what `grade` is told for each."""

    folder: Path
    words: tuple[str, ...]      # NAME=value

    def outcome(self, ident: str, digest: str) -> dict | None:
        """What came out for these files; None if nothing has yet."""
        path = self.folder / ident / "outcome.json"
        if not path.exists():
            return None
        outcome = read_json(path)
        return outcome if outcome.get("digest") == digest else None

    def claim(self, ident: str) -> IO | None:
        """The lock of one submission; None if another process has it.  Closing it lets go."""
        place = self.folder / ".claims"
        place.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(place / ident, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        stream = open(descriptor, "w", encoding="ascii")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.close()
            return None
        return stream

    def free(self, ident: str) -> bool:
        """Whether nobody grades this submission now."""
        claim = self.claim(ident)
        if claim:
            claim.close()
        return claim is not None

    def lost(self, ident: str, digest: str) -> list[str]:
        """How earlier grades of these files ended without a verdict, a sentence each."""
        path = self.folder / ".lost" / f"{ident}.json"
        if not path.exists():
            return []
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return [str(each) for each in data["lost"]] if data["digest"] == digest else []
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def lose(self, ident: str, digest: str, sentence: str) -> bool:
        """Counts one more; True if that was the last, and the outcome is a grader error now."""
        lost = [*self.lost(ident, digest), sentence]
        write_text(self.folder / ".lost" / f"{ident}.json",
                   json.dumps({"digest": digest, "lost": lost}) + "\n")
        return len(lost) >= TRIES

    def forget_lost(self, ident: str) -> None:
        """The next grade is the first again."""
        (self.folder / ".lost" / f"{ident}.json").unlink(missing_ok=True)

    def finish(self, ident: str, digest: str, state: str, sentence: str, seconds: float,
               report: dict[str, bytes]) -> bool:
        """Publishes an outcome with the files of its report, unless there is one."""
        fresh = self.folder / f".new-{ident}.{os.getpid()}"
        fresh.mkdir(parents=True, exist_ok=True)
        for name, data in report.items():
            (fresh / name).write_bytes(data)
        outcome = {"id": ident, "digest": digest, "state": state, "sentence": sentence,
                   "lost": self.lost(ident, digest), "seconds": round(seconds, 1)}
        (fresh / "outcome.json").write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
        return publish(fresh, self.folder / ident)
