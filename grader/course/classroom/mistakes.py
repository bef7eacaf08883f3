"""Which mistakes the class made: the tests that failed most, beside the wrong answers of the lab's
mutants.toml that fail the same tests.  A likeness, not a proof: different mistakes can fail one test.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from grader.course.classroom.marks import Row, failing_tests
from grader.course.mutants import Mutant
from grader.labs import Lab

CLOSE = 0.5             # how much two sets of tests must have in common to be named


@dataclass
class Failing:
    """A test, who fails it, and the wrong answers that it is there for."""

    test: str
    title: str
    who: list[str] = field(default_factory=list)
    stories: list[tuple[str, str]] = field(default_factory=list)     # mutant, its story


@dataclass
class Mistake:
    """A wrong answer, and the submissions whose failing tests are most like those that catch it."""

    mutant: str
    story: str
    tests: list[str]
    same: list[str] = field(default_factory=list)       # exactly these tests fail
    like: list[str] = field(default_factory=list)       # these, and others or fewer


def failing(lab: Lab, found: Iterable[Row], mutants: list[Mutant]) -> list[Failing]:
    """The tests that somebody fails, the most frequent first."""
    tests = {test.id: Failing(test.id, test.title) for test in lab.tests}
    for row in found:
        for test in sorted(failing_tests(row.data) if row.data else ()):
            tests.setdefault(test, Failing(test, "")).who.append(row.id)
    for mutant in mutants:
        for test in mutant.killed_by:
            tests[test].stories.append((mutant.id, mutant.story))
    return sorted((each for each in tests.values() if each.who), key=lambda each: -len(each.who))


def mistakes(found: Iterable[Row], mutants: list[Mutant]) -> list[Mistake]:
    """The wrong answers that submissions are most like, the most frequent first."""
    known: dict[str, Mistake] = {}
    for row in found:
        if row.data is None:
            continue
        fails, graded = failing_tests(row.data), tests_run(row.data)
        for mutant, exact in closest(fails, graded, _shown(row, mutants)):
            mistake = known.setdefault(mutant.id, Mistake(
                mutant.id, mutant.story, [t for t in mutant.killed_by if t in graded]))
            (mistake.same if exact else mistake.like).append(row.id)
    return sorted(known.values(), key=lambda m: (-len(m.same), -len(m.like), m.mutant))


def tests_run(data: dict) -> set[str]:
    """The tests that were asked for."""
    return {test["id"] for exercise in data["exercises"] for test in exercise["tests"]}


def _shown(row: Row, mutants: list[Mutant]) -> list[Mutant]:
    """Those that can be seen in the cells that were graded."""
    assert row.data is not None
    cells = {cell["name"] for cell in row.data["cells"]}
    return [mutant for mutant in mutants if cells & set(mutant.cells)]


def closest(fails: set[str], graded: set[str], mutants: list[Mutant]) -> list[tuple[Mutant, bool]]:
    """The wrong answers whose tests are most like `fails`, and whether they are the same."""
    best: dict[str, tuple[float, Mutant]] = {}
    for mutant in mutants:
        wanted = set(mutant.killed_by) & graded
        if wanted & fails:
            best[mutant.id] = len(wanted & fails) / len(wanted | fails), mutant
    top = max((likeness for likeness, _ in best.values()), default=0.0)
    if top < CLOSE:
        return []
    return [(mutant, likeness == 1) for likeness, mutant in best.values() if likeness == top]
