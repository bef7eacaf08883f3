"""One report for one cause: failures of several cells and tests that are the same."""

from __future__ import annotations

from dataclasses import dataclass, field

from grader.evaluate import Grade
from grader.verdict import FAIL, NOT_WRITTEN, WRONG, Failure


@dataclass
class Group:
    """The failures with one cause; `failure` is the first, in the order of the cells."""

    failure: Failure
    cell: str                                                  # where the first one came
    tests: list[str] = field(default_factory=list)
    members: dict[str, dict[str, Failure]] = field(default_factory=dict)  # test -> cell -> failure

    @property
    def test(self) -> str:
        return self.tests[0]

    @property
    def cells(self) -> list[str]:
        """The cells of the first test that fail this way."""
        return list(self.members[self.test])


def group_failures(grade: Grade) -> list[Group]:
    """The groups in the order of lab.toml; exercises that are not written are in none."""
    groups: dict[tuple, Group] = {}
    for test in grade.tests:
        first: dict[tuple[str, str], Failure] = {}
        for cell in grade.cells:
            result = grade.results.get((test.id, cell))
            if result is None or result.verdict != FAIL or result.failure is None:
                continue
            if result.reason == NOT_WRITTEN:
                continue
            # Both emulators of a width are one report where they fail for the same reason.
            arch = cell.split("/")[0]
            speaks = first.setdefault((arch, result.failure.reason), result.failure)
            group = groups.setdefault(_key(test.id, speaks), Group(result.failure, cell))
            if test.id not in group.tests:
                group.tests.append(test.id)
            group.members.setdefault(test.id, {})[cell] = result.failure
    return list(groups.values())


def _key(test: str, failure: Failure) -> tuple:
    """What makes two failures one.

    In one test: the reason, the cause and the line, whatever the width.  Across tests: a hang,
    panic or triple fault at the same line with the same words, and a wrong result with the same
    stated cause at the same line.
    """
    place = failure.went_wrong or failure.at
    line = (place.line or place.where) if place else ""
    same = (failure.reason, failure.cause or failure.headline, line)
    if failure.reason != WRONG or failure.cause and line:
        return ("any", *same)
    return (test, *same)
