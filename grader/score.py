"""Points: the mean over the cells graded, by their weights.  Only pass scores."""

from __future__ import annotations

from fractions import Fraction

from grader.evaluate import Grade
from grader.labs import Exercise, Test
from grader.verdict import PASS


def show(points: Fraction) -> str:
    """5, 3.75, 2.5: at most two decimals, none that say nothing."""
    text = f"{float(points):.2f}"
    return text.rstrip("0").rstrip(".")


def test_score(grade: Grade, test: Test) -> Fraction:
    """The test's points times the share of its cells, by weight, in which it passed."""
    weights = grade.options.knobs.weights
    cells = {cell: weights.get(cell, Fraction(1)) for cell in grade.cells_of(test)}
    if not cells:
        return Fraction(0)
    passed = sum(weight for cell, weight in cells.items() if _passed(grade, test, cell))
    return test.points * passed / sum(cells.values())


def test_max(grade: Grade, test: Test) -> Fraction:
    """The points that the cells graded can give: none where the test runs in none of them."""
    return test.points if grade.cells_of(test) else Fraction(0)


def _passed(grade: Grade, test: Test, cell: str) -> bool:
    result = grade.results.get((test.id, cell))
    return result is not None and result.verdict == PASS


def chosen(grade: Grade, exercise: Exercise) -> list[Test]:
    """The exercise's tests that were asked for."""
    return [test for test in exercise.tests if test in grade.tests]


def totals(grade: Grade, bonus: bool) -> tuple[Fraction, Fraction]:
    """(score, maximum) of the exercises that are, or are not, a bonus; a bonus up to its cap."""
    tests = [test for exercise in grade.lab.exercises if exercise.bonus == bonus
             for test in chosen(grade, exercise)]
    score = sum((test_score(grade, t) for t in tests), Fraction(0))
    most = sum((test_max(grade, t) for t in tests), Fraction(0))
    cap = grade.options.knobs.bonus_cap if bonus else None
    return (score, most) if cap is None else (min(score, cap), min(most, cap))


def cell_total(grade: Grade, cell: str) -> tuple[Fraction, Fraction]:
    """(score, maximum) of one cell, without the bonus."""
    tests = [test for exercise in grade.lab.exercises if not exercise.bonus
             for test in chosen(grade, exercise) if cell in grade.cells_of(test)]
    return (sum((t.points for t in tests if _passed(grade, t, cell)), Fraction(0)),
            sum((t.points for t in tests), Fraction(0)))


def full_marks(grade: Grade) -> bool:
    """Whether all points are there: the bonus left aside, unless it alone was asked for."""
    score, maximum = totals(grade, bonus=False)
    if not maximum:
        score, maximum = totals(grade, bonus=True)
    if not maximum:     # what was asked for gives no points
        return bool(grade.expected) and not grade.errors and all(
            _passed(grade, test, cell)
            for test in grade.tests for cell in grade.cells_of(test))
    return score == maximum and bool(grade.expected) and not grade.errors
