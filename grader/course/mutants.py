"""Wrong answers that students write: solutions/labN-name/mutants.toml.

    [[mutant]]
    id = "1.2"
    story = "the saved CS is read at the wrong offset"
    killed_by = ["1.2a"]                      # each must fail in each cell below
    cells = ["x86_64/qemu", "x86_64/bochs"]   # default: all
    not_shown = { "x86_64/qemu" = "TCG does not check segment limits" }
    kind = "mutant"                           # or "forger": all tests run and it must score 0
    [[mutant.edit]]
    file = "entry64.S"
    find = "testb $3, REGS_CS(%rsp)"          # exactly once in the file
    replace = "testb $3, REGS_IP(%rsp)"

An alternate is a folder alternates/NAME/ with alternate.toml (title, story, partners) and files
that lie over the reference's.  `without` there names the bonus that its design cannot earn, and
`arches` the widths in which it is another design, if it is the reference's in one.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from grader.cells import ARCHES
from grader.errors import GraderError
from grader.labs import Lab, find_labs
from grader.options import CELLS
from grader.paths import shown
from grader.sources import Source


@dataclass(frozen=True)
class Edit:
    """A replacement in one file."""

    file: str
    find: str
    replace: str


@dataclass(frozen=True)
class Mutant:
    """One wrong answer."""

    id: str
    story: str
    killed_by: tuple[str, ...]
    cells: tuple[str, ...]          # where it must be killed
    not_shown: dict[str, str]       # cell -> why it cannot be seen there
    forger: bool
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Alternate:
    """A different right answer."""

    name: str
    title: str
    story: str
    partners: tuple[str, ...]       # alternates of other labs that it needs, below solutions/
    without: tuple[str, ...]        # exercises, bonus only, that this design cannot earn
    arches: tuple[str, ...]         # the widths in which it is not the reference
    folder: Path

    @property
    def base(self) -> dict[int, str]:
        """BASE as its partners want it."""
        solutions = self.folder.parents[2]
        numbers = {lab.slug: lab.number for lab in find_labs().values()}
        found = {}
        for partner in self.partners:
            slug = partner.split("/")[0]
            if slug not in numbers or not (solutions / partner / "alternate.toml").is_file():
                raise GraderError(f"{shown(self.folder)}: its partner {partner} is not there")
            found[numbers[slug]] = str(solutions / partner)
        return found


def load_mutants(lab: Lab) -> list[Mutant]:
    """The mutants and forgers of a lab, in the order of the files."""
    folder = lab.root / "solutions" / lab.slug
    found: list[Mutant] = []
    for name in ("mutants.toml", "forgers.toml"):
        path = folder / name
        if path.is_file():
            data = _read(path)
            found += [_mutant(path, lab, entry, name) for entry in data.get("mutant", [])
                      + data.get("forger", [])]
    seen = set()
    for mutant in found:
        if mutant.id in seen:
            raise GraderError(f"{shown(folder)}: mutant {mutant.id} is defined twice")
        seen.add(mutant.id)
    return found


def _read(path: Path) -> dict:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GraderError(f"{shown(path)} cannot be read: {error}") from error


def _mutant(path: Path, lab: Lab, entry: dict, name: str) -> Mutant:
    where = f"{shown(path)}, {entry.get('id', 'a mutant without id')}"
    forger = entry.get("kind", "mutant") == "forger" or name == "forgers.toml"
    try:
        edits = tuple(Edit(e["file"], e["find"], e["replace"]) for e in entry.get("edit", []))
        not_shown = dict(entry.get("not_shown", {}))
        named = tuple(entry.get("cells", CELLS))
        mutant = Mutant(str(entry["id"]), entry["story"], tuple(entry.get("killed_by", [])),
                        tuple(c for c in named if c not in not_shown), not_shown, forger, edits)
    except (KeyError, TypeError) as error:
        raise GraderError(f"{where}: {error} is missing or wrong") from error
    for cell in (*named, *not_shown):
        if cell not in CELLS:
            raise GraderError(f"{where}: {cell} is no cell: {', '.join(CELLS)}")
    for test in mutant.killed_by:
        if lab.test(test) is None:
            raise GraderError(f"{where}: lab {lab.number} has no test {test}")
    if not forger and not mutant.killed_by and mutant.cells:
        raise GraderError(f"{where}: killed_by names no test")
    if not edits and mutant.cells:
        raise GraderError(f"{where}: it edits nothing")
    return mutant


def apply(mutant: Mutant, reference: Source) -> Source:
    """The reference with the mutant's edits; each must match exactly once."""
    files = dict(reference.files)
    for edit in mutant.edits:
        if edit.file not in files:
            raise GraderError(f"mutant {mutant.id}: {reference.shown} has no {edit.file}")
        text = files[edit.file].decode("utf-8")
        count = text.count(edit.find)
        if count != 1:
            first = (edit.find.strip().splitlines() or [""])[0]
            raise GraderError(f"mutant {mutant.id}: {first!r} is {count} times in "
                              f"{reference.shown}/{edit.file}, not once")
        files[edit.file] = text.replace(edit.find, edit.replace).encode()
    return replace(reference, files=files)


def load_alternates(lab: Lab) -> list[Alternate]:
    """The alternates of a lab by name."""
    found = []
    for path in sorted((lab.root / "solutions" / lab.slug / "alternates").glob("*/alternate.toml")):
        data = _read(path)
        without = tuple(data.get("without", []))
        for ident in without:
            exercise = lab.exercise(ident)
            if exercise is None or not exercise.bonus:
                raise GraderError(f"{shown(path)}: without = {ident!r} is no bonus exercise of lab "
                                  f"{lab.number}")
        arches = tuple(data.get("arches", ARCHES))
        if not arches or not set(arches) <= set(ARCHES):
            raise GraderError(f"{shown(path)}: arches = {list(arches)} must be of {', '.join(ARCHES)}")
        found.append(Alternate(path.parent.name, str(data.get("title", path.parent.name)),
                               str(data.get("story", "")), tuple(data.get("partners", [])),
                               without, arches, path.parent))
    return found
