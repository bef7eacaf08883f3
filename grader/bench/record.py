"""The figures as a file, and two such files beside each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from grader.bench.figures import FIGURES
from grader.errors import GraderError
from grader.options import ARCHES
from grader.paths import ROOT, shown

SCHEMA = "corral/bench/v1"
COMMITTED = ROOT / "docs" / "bench.json"
NAME = 38           # width of a title in the table


def assemble(figures: dict[str, dict[str, float]], compiler: str, emulator: str) -> dict[str, Any]:
    """What is kept: the figures by width, and what they depend on."""
    return {"schema": SCHEMA, "compiler": compiler, "optimise": "-O2", "emulator": emulator,
            "units": {figure.key: figure.unit for figure in FIGURES},
            "titles": {figure.key: figure.title for figure in FIGURES}, "widths": figures}


def text_of(record: dict[str, Any]) -> str:
    return json.dumps(record, indent=1) + "\n"


def load(path: Path = COMMITTED) -> dict[str, Any] | None:
    """The committed figures, or None if there are none."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise GraderError(f"{shown(path)} cannot be read ({error}): restore it, or `make bench "
                          "SAVE=1` writes it anew") from error
    if not isinstance(record, dict) or record.get("schema") != SCHEMA \
            or not isinstance(record.get("widths"), dict):
        raise GraderError(f"{shown(path)} is not a file of figures ({SCHEMA}): restore it, or "
                          "`make bench SAVE=1` writes it anew")
    return record


def compare(new: dict[str, Any], old: dict[str, Any] | None) -> list[str]:
    """The table: for each width the figure that was committed, the one of today, their ratio."""
    before = old["widths"] if old else {}
    arches = [arch for arch in ARCHES if arch in new["widths"]]
    lines = ["".ljust(NAME) + "".join(f"{arch:>28}" for arch in arches),
             "".ljust(NAME) + f"{'old':>10}{'new':>10}{'ratio':>8}" * len(arches)]
    for figure in FIGURES:
        cells = [_cell(before.get(arch, {}).get(figure.key), new["widths"][arch].get(figure.key))
                 for arch in arches]
        if any(cell.strip(" -") for cell in cells):
            unit = "" if figure.unit == "instructions" else f", {figure.unit}"
            lines.append((figure.title + unit).ljust(NAME) + "".join(cells))
    if old:
        lines += [f"{what}: committed with {old.get(key)}, now {new[key]}: a ratio says less"
                  for key, what in (("compiler", "compiler"), ("emulator", "emulator"))
                  if old.get(key) != new[key]]
    return lines


def _cell(old: float | None, new: float | None) -> str:
    if new is None:
        return f"{'-':>10}{'-':>10}{'-':>8}"
    ratio = f"{new / old:.2f}" if old else "-"
    return f"{_show(old):>10}{_show(new):>10}{ratio:>8}"


def _show(value: float | None) -> str:
    return "-" if value is None else f"{value:.10g}"


def changed(new: dict[str, Any], old: dict[str, Any] | None) -> int:
    """How many figures differ from the committed ones, or are not among them."""
    before = old["widths"] if old else {}
    return sum(before.get(arch, {}).get(key) != value
               for arch, figures in new["widths"].items() for key, value in figures.items())
