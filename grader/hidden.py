"""HIDDEN=folder: tests that the tree does not hold, and no student has seen.

folder/labN/lab.toml (or folder/lab.toml, with `number`) lists exercises as the lab's own does; the
files of its tests lie beside it.  They join the lab for one run.  Of a hidden test the report
about code of others tells the title and the verdict, nothing of what it did.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from grader import sandbox
from grader.errors import GraderError
from grader.labs import Lab, load_exercises
from grader.paths import ROOT, shown


def check_place(folder: str) -> None:
    """GraderError if the folder is no place for secrets; "" is no folder."""
    if not folder:
        return
    place = Path(folder).expanduser().resolve()
    if not place.is_dir():
        raise GraderError(f"HIDDEN={folder} is not there: it is a folder with labN/lab.toml")
    if place.is_relative_to(ROOT.resolve()):
        raise GraderError(f"HIDDEN={folder} lies in the tree that students get: move it outside")
    if sandbox.kind() == sandbox.CONTAINER and sandbox.readable(place):
        raise GraderError(f"HIDDEN={folder} can be read by the uid that compiles the code of "
                          f"others: chmod 700 {folder}")


def extend(lab: Lab, folder: str) -> Lab:
    """The lab with its hidden exercises behind its own; the lab itself if there are none."""
    if not folder:
        return lab
    check_place(folder)
    place = Path(folder).expanduser().resolve()
    path = next((p for p in (place / f"lab{lab.number}/lab.toml", place / "lab.toml")
                 if p.is_file()), None)
    if path is None:
        raise GraderError(f"HIDDEN={folder} holds nothing for lab {lab.number}: neither "
                          f"lab{lab.number}/lab.toml nor lab.toml")
    exercises = load_exercises(path, lab.number)
    own = {test.node.partition("::")[0] for test in lab.tests}
    for exercise in exercises:
        if lab.exercise(exercise.id):
            raise GraderError(f"{shown(path)}: {exercise.id} is an exercise of lab {lab.number} "
                              "already: choose another id")
        for test in exercise.tests:
            if test.node.partition("::")[0] in own:
                raise GraderError(f"{shown(path)}: {test.node} has the file name of a test of the "
                                  "lab: choose another")
    return replace(lab, exercises=(*lab.exercises, *exercises))
