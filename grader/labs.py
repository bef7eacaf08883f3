"""Labs: found by their lab.toml, here or under LABS_PATH, never listed.

A root holds labs/labN-name/ (the student's files), solutions/labN-name/ (where the tree has it)
and grader/tests/labN/ with lab.toml and the tests.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from grader import knobs
from grader.cells import CELLS
from grader.errors import GraderError
from grader.knobs import Knobs
from grader.paths import build_dir, lab_roots, shown


@dataclass(frozen=True)
class Test:
    """One verdict: `node` is file::name below grader/tests/labN."""

    id: str                       # "1.2a"
    title: str
    points: Fraction
    node: str                     # "test_tss.py::test_fields"
    exercise: str                 # "1.2"
    needs: tuple[str, ...]        # exercises whose holes must be gone
    cells: tuple[str, ...] = CELLS
    why: str = ""                 # why not in every cell
    long: bool = False            # takes long in QEMU: evaluate.left_to_bochs
    folder: str = ""              # where its file is, if it is a hidden test: grader.hidden

    @property
    def hidden(self) -> bool:
        return bool(self.folder)


@dataclass(frozen=True)
class Exercise:
    """A part of a lab, with its tests."""

    id: str
    title: str
    points: Fraction
    bonus: bool
    tests: tuple[Test, ...]
    planted: bool = False         # its skeleton has a bug to be mended, and no hole


@dataclass(frozen=True)
class Lab:
    """A lab as its lab.toml describes it."""

    number: int
    name: str                     # "stack-switch"
    title: str
    root: Path                    # the tree it was found in
    needs: tuple[int, ...]        # labs that it stands on
    symbols: tuple[str, ...]      # global symbols of the contract
    cpus: int                     # that the machine has, unless CPUS says otherwise
    explores: bool                # its tests take long: `make test` tries most of it in Bochs only
    exercises: tuple[Exercise, ...]
    new_files: bool = True        # a pull request may add *.c, *.h and *.S to its folder

    @property
    def slug(self) -> str:
        """The name of its folders: lab1-stack-switch."""
        return f"lab{self.number}-{self.name}"

    @property
    def tests_dir(self) -> Path:
        return self.root / "grader" / "tests" / f"lab{self.number}"

    @property
    def tests(self) -> list[Test]:
        """All tests in the order of lab.toml."""
        return [test for exercise in self.exercises for test in exercise.tests]

    def exercise(self, ident: str) -> Exercise | None:
        return next((e for e in self.exercises if e.id == ident), None)

    def test(self, ident: str) -> Test | None:
        return next((t for t in self.tests if t.id == ident), None)


def lab_in(file: str) -> int:
    """The number of the lab that a source file belongs to, by its path in the tree; 0 for a given one."""
    match = re.match(r"(?:labs|solutions)/lab(\d+)-", file)
    return int(match[1]) if match else 0


def find_labs(roots: Iterable[Path] | None = None) -> dict[int, Lab]:
    """Every lab by its number.  Two labs with one number are an error.

    Without `roots` they are those of this tree and of LABS_PATH, with the points of course.toml.
    """
    labs: dict[int, Lab] = {}
    for root in roots if roots is not None else lab_roots():
        for path in sorted(Path(root).glob("grader/tests/*/lab.toml")):
            lab = load(path, Path(root))
            if lab.number in labs:
                raise GraderError(
                    f"lab {lab.number} is defined twice: {shown(path)} and "
                    f"{shown(labs[lab.number].tests_dir)}/lab.toml")
            labs[lab.number] = lab
    labs = dict(sorted(labs.items()))
    return _with_points(labs, knobs.load()) if roots is None else labs


def _with_points(labs: dict[int, Lab], course: Knobs) -> dict[int, Lab]:
    """The labs with the points that the course gives; checks what it says about labs."""
    for number in course.labs:
        if number not in labs:
            raise GraderError(f"course.toml: labs names lab {number}, which is not here: the labs "
                              f"are {', '.join(map(str, labs))}")
    for ident in course.points:
        _check_points(ident, labs)
    return {number: replace(lab, exercises=tuple(_revalued(e, course.points)
                                                 for e in lab.exercises))
            for number, lab in labs.items()} if course.points else labs


def _check_points(ident: str, labs: dict[int, Lab]) -> None:
    """GraderError if [points] names no test."""
    if any(lab.test(ident) for lab in labs.values()):
        return
    for lab in labs.values():
        exercise = lab.exercise(ident)
        if exercise is not None:
            raise GraderError(f"course.toml: points.{ident} is an exercise, and points are for its "
                              f"tests: {', '.join(t.id for t in exercise.tests)}")
    near = [lab for lab in labs.values() if ident.startswith(f"{lab.number}.")]
    tests = [test.id for lab in near for test in lab.tests]
    right = (f"the tests of lab {near[0].number} are {', '.join(tests)}" if near
             else f"it is a test such as {next(iter(labs.values())).tests[0].id}")
    raise GraderError(f"course.toml: points.{ident} is no test: {right}")


def _revalued(exercise: Exercise, points: dict[str, Fraction]) -> Exercise:
    """The exercise with other points for some of its tests, which it is the sum of."""
    tests = tuple(replace(test, points=points.get(test.id, test.points))
                  for test in exercise.tests)
    return replace(exercise, tests=tests, points=sum((t.points for t in tests), Fraction(0)))


def used(labs: dict[int, Lab]) -> dict[int, Lab]:
    """Those of the labs that the course uses."""
    course = knobs.load()
    return {number: lab for number, lab in labs.items() if course.uses(number)}


def choose(value: str, labs: dict[int, Lab]) -> Lab:
    """The lab that LAB names (3, lab3 or its name); without it the last one built."""
    here, labs = labs, used(labs)
    if not labs:
        raise GraderError("no lab is here: grader/tests/*/lab.toml and LABS_PATH hold none")
    if not value:
        value = current() or (str(next(iter(labs))) if len(labs) == 1 else "")
        if not value:
            raise GraderError(f"no lab was built yet: say which, such as `make lab{min(labs)}`")
    wanted = value.removeprefix("lab")
    for lab in labs.values():
        if wanted == str(lab.number) or value in (lab.name, lab.slug):
            return lab
    listed = ", ".join(f"{lab.number} ({lab.name})" for lab in labs.values())
    if any(wanted == str(lab.number) or value in (lab.name, lab.slug) for lab in here.values()):
        raise GraderError(f"LAB={value} is not part of this course: course.toml uses {listed}")
    raise GraderError(f"LAB={value} is unknown: the labs are {listed}")


def current() -> str:
    """The number of the last lab that `make labN` built, or ""."""
    try:
        return (build_dir() / "current").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def stage(lab: Lab, labs: dict[int, Lab]) -> list[Lab]:
    """The lab and all that it stands on, in ascending order."""
    found: dict[int, Lab] = {}
    todo = [lab.number]
    while todo:
        number = todo.pop()
        if number in found:
            continue
        if number not in labs:
            raise GraderError(f"lab {lab.number} needs lab {number}, which is not here")
        found[number] = labs[number]
        todo.extend(labs[number].needs)
    return [found[number] for number in sorted(found)]


def select(lab: Lab, wanted: str) -> list[Test]:
    """The tests that TEST names: an exercise, a test id, a file or a test function."""
    if not wanted:
        return lab.tests
    chosen = [t for t in lab.tests if wanted in _names(t)]
    if not chosen:
        ids = ", ".join(t.id for t in lab.tests)
        raise GraderError(
            f"TEST={wanted} is unknown: the exercises of lab {lab.number} are "
            f"{', '.join(e.id for e in lab.exercises)}, its tests {ids}")
    return chosen


def _names(test: Test) -> set[str]:
    file, _, function = test.node.partition("::")
    return {test.id, test.exercise, test.node, file, file.removesuffix(".py"), function,
            function.removeprefix("test_")}


def load_exercises(path: Path, number: int) -> tuple[Exercise, ...]:
    """The exercises of a lab.toml that adds hidden tests to lab `number`; checked."""
    data = _toml(path)
    reader = _Reader(shown(path))
    if data.get("number", number) != number:
        reader.fail(f"it is for lab {data['number']}, not for lab {number}")
    exercises = tuple(_exercise(reader, entry) for entry in data.get("exercise", []))
    exercises = tuple(replace(e, tests=tuple(replace(t, folder=str(path.parent)) for t in e.tests))
                      for e in exercises)
    if not exercises:
        reader.fail("no exercise is defined")
    _check_exercises(reader, exercises, path.parent)
    return exercises


def _toml(path: Path) -> dict:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GraderError(f"{shown(path)} cannot be read: {error}") from error


def load(path: Path, root: Path) -> Lab:
    """Reads and checks one lab.toml."""
    data = _toml(path)
    reader = _Reader(shown(path))
    number = reader.take(data, "number", int)
    exercises = tuple(_exercise(reader, entry) for entry in data.get("exercise", []))
    lab = Lab(
        number=number,
        name=reader.take(data, "name", str),
        title=reader.take(data, "title", str),
        root=root,
        needs=tuple(data.get("needs", [])),
        symbols=tuple(data.get("symbols", [])),
        cpus=reader.take(data, "cpus", int, 2),
        explores=reader.take(data, "explores", bool, False),
        exercises=exercises,
        new_files=reader.take(data, "new_files", bool, True),
    )
    _check(reader, lab)
    return lab


class _Reader:
    """Takes typed values out of a TOML table; says which file is wrong."""

    def __init__(self, name: str):
        self.name = name

    def fail(self, text: str):
        raise GraderError(f"{self.name}: {text}")

    def take(self, table: dict, key: str, kind, default=None):
        value = table.get(key, default)
        if not isinstance(value, kind) or isinstance(value, bool) and kind is not bool:
            self.fail(f"{key} is missing or not of the right kind in {table.get('id', 'the lab')}")
        return value


def _exercise(reader: _Reader, entry: dict) -> Exercise:
    ident = reader.take(entry, "id", str)
    tests = tuple(_test(reader, ident, t) for t in entry.get("test", []))
    return Exercise(ident, reader.take(entry, "title", str),
                    Fraction(str(reader.take(entry, "points", (int, float)))),
                    reader.take(entry, "bonus", bool, False), tests,
                    reader.take(entry, "planted", bool, False))


def _test(reader: _Reader, exercise: str, entry: dict) -> Test:
    return Test(
        id=reader.take(entry, "id", str),
        title=reader.take(entry, "title", str),
        points=Fraction(str(reader.take(entry, "points", (int, float), 0))),
        node=reader.take(entry, "test", str),
        exercise=exercise,
        needs=tuple(entry.get("needs", [exercise])),
        cells=tuple(entry.get("cells", CELLS)),
        why=entry.get("why", ""),
        long=reader.take(entry, "long", bool, False),
    )


def _check(reader: _Reader, lab: Lab) -> None:
    """The sums, names and files of a lab."""
    if not re.fullmatch(r"[a-z0-9-]+", lab.name):
        reader.fail("name may hold small letters, digits and dashes only")
    if not lab.exercises:
        reader.fail("no exercise is defined")
    _check_exercises(reader, lab.exercises, lab.tests_dir)


def _check_exercises(reader: _Reader, exercises: tuple[Exercise, ...], folder: Path) -> None:
    """Their sums, and the names and files of their tests."""
    seen: set[str] = set()
    for exercise in exercises:
        for ident in (exercise.id, *(t.id for t in exercise.tests)):
            if ident in seen:
                reader.fail(f"{ident} is defined twice")
            seen.add(ident)
        total = sum((t.points for t in exercise.tests), Fraction(0))
        if total != exercise.points:
            reader.fail(f"the tests of {exercise.id} have {total} points, the exercise "
                        f"{exercise.points}")
        for test in exercise.tests:
            _check_test(reader, folder, test)


def _check_test(reader: _Reader, folder: Path, test: Test) -> None:
    file, colons, name = test.node.partition("::")
    if not colons or not name:
        reader.fail(f"{test.id}: test is written file.py::function")
    if not (folder / file).is_file():
        reader.fail(f"{test.id}: {file} is not in {shown(folder)}")
    wrong = [c for c in test.cells if c not in CELLS]
    if wrong or not test.cells:
        reader.fail(f"{test.id}: cells are {', '.join(CELLS)}")
    if set(test.cells) != set(CELLS) and not test.why:
        reader.fail(f"{test.id} does not run in every cell: `why` must say the reason")
    if test.points > 5:
        reader.fail(f"{test.id}: no verdict carries more than 5 points")
