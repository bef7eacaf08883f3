"""SUBMISSIONS, read: one submission for each folder or archive in it, named by that."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from grader.course import manifest
from grader.course.classroom.finding import Taken, take
from grader.course.classroom.listing import ARCHIVES, Unreadable, of_entry
from grader.course.classroom.record import Classroom, Submission, digest_of
from grader.course.pullrequest.selection import printable
from grader.errors import GraderError
from grader.labs import Lab
from grader.sources import expected_files

ID = re.compile(r"\w[\w .@+,()-]{0,99}")


def entries(folder: Path) -> tuple[dict[str, list[Path]], dict[str, str]]:
    """(id -> its folder or archive, more than one if it is there twice; others -> why not)."""
    if not folder.is_dir():
        raise GraderError(f"SUBMISSIONS={folder} is no folder: it holds one folder, .zip or .tar.gz "
                          "for each student")
    found: dict[str, list[Path]] = {}
    left: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        shown = printable(path.name.encode("utf-8", "surrogateescape"))
        ident = id_of(path)
        if path.is_symlink():
            left[shown] = "a link"
        elif not ident:
            left[shown] = "neither a folder nor a .zip or .tar.gz"
        elif not ID.fullmatch(ident) or ident.strip() != ident:
            left[shown] = "a name that is no id: letters, digits, spaces and . _ - @ + , ( )"
        else:
            found.setdefault(ident, []).append(path)
    if not found:
        raise GraderError(f"SUBMISSIONS={folder} holds no submission: one folder, .zip or .tar.gz "
                          "for each student")
    return found, left


def id_of(path: Path) -> str:
    """"ann" of ann/, ann.zip, ann.tar.gz; "" if it is none of these."""
    name = unicodedata.normalize("NFC", path.name)
    if not path.is_symlink() and path.is_dir():
        return name
    ending = next((each for each in ARCHIVES if name.lower().endswith(each)), "")
    return name[:-len(ending)] if ending and path.is_file() else ""


def read_all(room: Classroom, folder: Path, labs: list[Lab], every: dict[int, Lab],
             progress: Callable[[int, int], None]) -> tuple[dict[str, Submission], dict[str, str]]:
    """Reads every submission and keeps its files.  `labs` are the lab graded, last, and those of the
    earlier ones that come from the submissions as well."""
    found, left = entries(folder)
    submissions = {}
    for number, (ident, paths) in enumerate(sorted(found.items())):
        progress(number, len(found))
        submissions[ident] = read_one(room, ident, paths, labs, every)
    return submissions, left


def read_one(room: Classroom, ident: str, paths: list[Path], labs: list[Lab],
             every: dict[int, Lab]) -> Submission:
    """One submission; whatever it is, there is a result."""
    submission = Submission(ident)
    if len(paths) > 1:
        names = " and ".join(path.name for path in paths)
        submission.problem = f"it is there twice, as {names}: which of them counts?"
        return submission
    try:
        items, submission.refused = of_entry(paths[0])
    except Unreadable as error:
        submission.problem = str(error)
        return submission
    files: dict[str, dict[str, bytes]] = {}
    for lab in labs:
        taken = _take(lab, items, every, lab is labs[-1])
        submission.refused |= taken.refused
        submission.new += [f"{lab.slug}/{name}" for name in taken.new]
        if taken.problem and lab is labs[-1]:
            submission.problem = taken.problem
        elif taken.files:
            files[lab.slug] = taken.files
    if not submission.problem:
        submission.digest = digest_of(files)
        submission.taken = {slug: sorted(contents) for slug, contents in files.items()}
        room.keep_files(submission, files)
    return submission


def _take(lab: Lab, items, every: dict[int, Lab], graded: bool) -> Taken:
    """Bare files are those of the lab that is graded; an earlier lab needs its folder."""
    own = expected_files(lab) | manifest.names_of(lab)
    others = {other.slug for other in every.values() if other is not lab}
    return take(lab, items, own, others, bare=graded)
