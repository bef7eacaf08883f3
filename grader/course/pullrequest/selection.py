"""What of a pull request is graded: the files of the lab, named one by one, and nothing else.

A file is taken if it lies directly in labs/SLUG/, is a plain file, has a plain name that ends in
.c, .h or .S, and either is one of the lab's own (the base holds it, or labs/.skeletons.json lists
it) or lab.toml allows new ones (`new_files`, which is true unless it says otherwise).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from grader.course.pullrequest.objects import KINDS, Change, Entry, Repository
from grader.labs import Lab
from grader.sources import MAX_FILE, MAX_FILES, SUFFIXES

NAME = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
MOST_LISTED = 40        # left-out paths that a report names


@dataclass
class Selection:
    """One lab's files in the head."""

    lab: Lab
    files: dict[str, bytes] = field(default_factory=dict)
    new: list[str] = field(default_factory=list)            # of these, those the base has not
    refused: dict[str, str] = field(default_factory=dict)   # a path as it may be shown -> why


def select(repository: Repository, lab: Lab, base: str, head: str, known: set[str]) -> Selection:
    """The files that are taken.  `known` are the names that the lab's manifest lists."""
    chosen = Selection(lab)
    place = f"labs/{lab.slug}"
    own = known | {entry.name.decode("utf-8", "replace")
                   for entry in repository.folder(base, place) if entry.regular}
    taken: list[Entry] = []
    for entry in repository.folder(head, place):
        twice = any(entry.name == other.name for other in taken)
        reason = "there twice" if twice else refusal(entry, lab, own, len(taken))
        if reason:
            chosen.refused[printable(place.encode() + b"/" + entry.name)] = reason
        elif entry.name.endswith(tuple(suffix.encode() for suffix in SUFFIXES)):
            taken.append(entry)
    for entry, data in zip(taken, repository.contents(taken)):
        name = entry.name.decode("ascii")
        chosen.files[name] = data
        if name not in own:
            chosen.new.append(name)
    return chosen


def refusal(entry: Entry, lab: Lab, own: set[str], taken: int) -> str:
    """Why a name in the lab's folder is not taken; "" if it is, or if it is of no concern."""
    if not NAME.fullmatch(entry.name):
        return "a name that no file of a lab has"
    if not entry.regular:
        return KINDS.get(entry.mode, "no plain file")
    name = entry.name.decode("ascii")
    if PurePosixPath(name).suffix not in SUFFIXES:
        return ""
    if name not in own and not lab.new_files:
        return f"new, and lab {lab.number} takes no new files"
    if entry.size > MAX_FILE or entry.size < 0:
        return f"larger than {MAX_FILE >> 20} MiB"
    if taken >= MAX_FILES:
        return f"more than {MAX_FILES} files"
    return ""


def changed_labs(changes: list[Change], labs: dict[int, Lab]) -> list[Lab]:
    """The labs whose folders the pull request touches, the latest first."""
    touched = {parts[1] for parts in (change.path.split(b"/") for change in changes)
               if len(parts) > 2 and parts[0] == b"labs"}
    return [lab for _, lab in sorted(labs.items(), reverse=True) if lab.slug.encode() in touched]


def left_out(changes: list[Change], selections: list[Selection]) -> dict[str, str]:
    """Every change that is not graded, and why: path -> words."""
    graded = {f"labs/{s.lab.slug}/{name}" for s in selections for name in s.files}
    places = {f"labs/{s.lab.slug}/": s for s in selections}
    result: dict[str, str] = {}
    for selection in selections:
        result |= selection.refused
    for change in changes:
        path = printable(change.path)
        if path in graded or path in result:
            continue
        folder = next((place for place in places if path.startswith(place)), "")
        inside = path.removeprefix(folder)
        if change.mode == "000000" and folder and "/" not in inside:
            continue                    # the grade itself says what is missing
        result[path] = _why(change, bool(folder))
    return result


def _why(change: Change, inside: bool) -> str:
    if change.mode in KINDS and change.mode != "000000":
        return KINDS[change.mode]
    if inside:
        return "no file that a lab is built from"
    return "not part of the lab: the base's is used"


def printable(path: bytes) -> str:
    """A path that can do no harm where it is shown: odd bytes are written out, and it is short."""
    text = "".join(chr(byte) if 32 < byte < 127 and byte not in b"\\`<>|" else f"\\x{byte:02x}"
                   for byte in path[:240])
    return text if len(path) <= 240 else f"{text}.. ({len(path)} bytes)"
