"""Paired markers in solutions/: the one source of reference and skeleton.

    /* BEGIN 1.2 */
    ...the reference...
    /* INSTEAD 1.2 */
    //| text of the skeleton, one line each
    //| HOLE("1.2", "save the registers, switch stacks");
    /* END 1.2 */

Each marker stands alone on its line.  In C the indentation before //| stays; in assembly, where
labels and comments start in column 0, it goes.
"""

from __future__ import annotations

import re

from grader.errors import GraderError

MARKER = re.compile(r"^\s*/\*\s*(BEGIN|INSTEAD|END)\s+(\d+\.\d+)\s*\*/\s*$")
LOOSE = re.compile(r"/\*\s*(?:BEGIN|INSTEAD|END)\s+\d")
COVERED = re.compile(r"^(\s*)//\|(?: (.*)|)$")
HOLE = re.compile(r'\bHOLE(?:_LATER)?\(\s*"(\d+\.\d+)"')


def skeleton_of(text: str, name: str, written: frozenset[str] = frozenset()) -> str:
    """The skeleton of one file; a GraderError names the line of a marker that is wrong.

    Exercises in `written` keep the reference.
    """
    out: list[str] = []
    state, exercise, opened = "", "", 0
    keep_indent = not name.endswith(".S")
    for number, line in enumerate(text.splitlines(), 1):
        match = MARKER.match(line)
        if match:
            wanted = {"": "BEGIN", "BEGIN": "INSTEAD", "INSTEAD": "END"}[state]
            if match[1] != wanted or state and match[2] != exercise:
                expected = f"{wanted} {exercise}".strip()
                _fail(name, number, f"{match[1]} {match[2]} where {expected} was expected")
            state = "" if match[1] == "END" else match[1]
            exercise, opened = match[2], number
            continue
        if LOOSE.search(line):
            _fail(name, number, "a marker stands alone on its line")
        covered = COVERED.match(line)
        if state == "BEGIN" and exercise in written:
            out.append(line)
        elif state == "INSTEAD":
            if exercise in written:
                continue
            if covered:
                out.append(_uncover(covered, keep_indent))
            elif line.strip():
                _fail(name, number, "between INSTEAD and END every line starts with //|")
        elif covered:
            _fail(name, number, "//| outside INSTEAD and END")
        elif not state:
            out.append(line)
    if state:
        _fail(name, opened, f"{state} {exercise} is not closed")
    return "\n".join(out) + "\n" if out else ""


def _uncover(match: re.Match, keep_indent: bool) -> str:
    text = match[2] or ""
    return (match[1] + text).rstrip() if keep_indent and text else text.rstrip()


def exercises_in(text: str) -> list[str]:
    """The exercises that a reference file marks, in order."""
    found = [m[2] for line in text.splitlines() if (m := MARKER.match(line)) and m[1] == "BEGIN"]
    return list(dict.fromkeys(found))


def holes_in(skeleton: str) -> list[str]:
    """The exercises for which a skeleton has a HOLE()."""
    return list(dict.fromkeys(HOLE.findall(skeleton)))


def _fail(name: str, number: int, words: str) -> None:
    raise GraderError(f"{name}:{number}: {words}")
