"""The table mutant x test, for a terminal and for the docs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.labs import Lab
from grader.options import CELLS

if TYPE_CHECKING:
    from grader.course.mutants import Mutant
    from grader.course.trials import Trial


def table(lab: Lab, mutants: dict[str, Mutant], trials: list[Trial]) -> list[str]:
    """Mutants down, cells across."""
    lines = ["", f"{'mutant':<8}{'test':<8}" + "".join(f"{cell:<14}" for cell in CELLS)]
    notes: list[str] = []
    for trial in trials:
        if trial.kind != "mutant":
            continue
        for index, (test, outcomes) in enumerate(trial.outcomes.items()):
            words = []
            for cell in CELLS:
                outcome = outcomes.get(cell, "-")
                if outcome.startswith("not shown"):
                    outcome = "not shown"
                words.append(f"{outcome:<14}")
            name = trial.name if not index else ""
            lines.append(f"{name:<8}{test:<8}" + "".join(words).rstrip())
        for cell, reason in mutants[trial.name].not_shown.items():
            notes.append(f"{trial.name} in {cell}: {reason}")
    killed = sum(1 for t in trials if t.kind == "mutant" and t.good)
    total = sum(1 for t in trials if t.kind == "mutant")
    others = [f"{t.kind} {t.name}: {'ok' if t.good else 'FAILED'}" for t in trials
              if t.kind != "mutant"]
    return [*lines, *(["", "not shown:"] + [f"  {n}" for n in notes] if notes else []),
            *([""] + others if others else []),
            "", f"lab {lab.number}: {killed} of {total} mutants killed where they can be seen"]


def fragment(lab: Lab, mutants: dict[str, Mutant], trials: list[Trial]) -> str:
    """A reStructuredText list-table."""
    lines = [f".. list-table:: Mutants of lab {lab.number}", "   :header-rows: 1", "",
             "   * - mutant", "     - what is wrong", "     - test"]
    lines += [f"     - {cell}" for cell in CELLS]
    for trial in trials:
        if trial.kind != "mutant":
            continue
        for test, outcomes in trial.outcomes.items():
            lines += [f"   * - {trial.name}", f"     - {_plain(mutants[trial.name].story)}",
                      f"     - {test}"]
            lines += [f"     - {_plain(outcomes.get(cell, '-'))}" for cell in CELLS]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Text that reStructuredText takes as it is."""
    escaped = "".join(f"\\{c}" if c in "*`|_\\" else c for c in text)
    return " ".join(escaped.split())
