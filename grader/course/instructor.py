"""Commands that need the instructor's tree: the one with the references."""

from __future__ import annotations

from grader.errors import GraderError
from grader.paths import lab_roots

COMMANDS = ("skeletons", "check-skeletons", "mutants", "test", "soak", "release", "drawings", "bench")


def require(command: str) -> None:
    """GraderError if this command cannot work in a student's tree."""
    if command in COMMANDS and not any((root / "solutions").is_dir() for root in lab_roots()):
        raise GraderError(f"`make {command}` needs the instructor's tree: this one has no "
                          "solutions/")
