"""Tables out of the files that define a lab, so that the site never repeats a figure.

    .. lab-points:: 1       exercises and points, from grader/tests/lab1/lab.toml
    .. lab-tests:: 1.2      the tests of one exercise
    .. lab-symbols:: 1      the symbols of the contract
    .. lab-mutants::        wrong answers and the tests that catch them, from
                            solutions/*/mutants.toml; a sentence where there is no such file
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent.parent
CELLS = ("x86_64/qemu", "x86_64/bochs", "i386/qemu", "i386/bochs")

Cell = str | nodes.Node


class FromToml(SphinxDirective):
    """What the directives share: reading a file, building a table."""

    required_arguments = 1

    def read(self, path: Path) -> dict:
        """The file's data; the page is built again when it changes."""
        self.env.note_dependency(str(path))
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ExtensionError(f"{path.relative_to(ROOT)} cannot be read: {error}") from error

    def lab(self, number: str) -> dict:
        return self.read(ROOT / "grader" / "tests" / f"lab{number}" / "lab.toml")

    def exercises(self, number: str) -> list[dict]:
        """The exercises of a lab, with the points that course.toml gives their tests."""
        course = ROOT / "course.toml"
        points = self.read(course).get("points", {}) if course.is_file() else {}
        found = []
        for exercise in self.lab(number).get("exercise", []):
            tests = [{**test, "points": points.get(test["id"], test.get("points", 0))}
                     for test in exercise.get("test", [])]
            changed = any(test["id"] in points for test in tests)
            total = sum(test["points"] for test in tests) if changed else exercise["points"]
            found.append({**exercise, "points": total, "test": tests})
        return found


def table(head: Iterable[str], rows: Iterable[Iterable[Cell]], widths: Iterable[int]) -> nodes.Node:
    """A table with one head row; a cell is text or a node that goes into a paragraph."""
    widths = list(widths)
    group = nodes.tgroup(cols=len(widths))
    group += [nodes.colspec(colwidth=width) for width in widths]
    group += nodes.thead("", _row(head))
    group += nodes.tbody("", *[_row(row) for row in rows])
    return nodes.table("", group, classes=["colwidths-given"])


def _row(cells: Iterable[Cell]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        content = nodes.Text(cell) if isinstance(cell, str) else cell
        row += nodes.entry("", nodes.paragraph("", "", content))
    return row


def number(value: int | float) -> str:
    """5, 2.5: no decimals that say nothing."""
    return f"{value:g}"


class LabPoints(FromToml):
    """Exercises, their tests and points."""

    def run(self) -> list[nodes.Node]:
        rows: list[list[Cell]] = []
        total = bonus = 0
        for exercise in self.exercises(self.arguments[0]):
            extra = exercise.get("bonus", False)
            points = exercise["points"]
            bonus, total = (bonus + points, total) if extra else (bonus, total + points)
            tests = exercise.get("test", [])
            titles = "; ".join(f"{t['id']} {t['title']} ({number(t['points'])})" for t in tests)
            title = exercise["title"] + (" (bonus)" if extra else "")
            rows.append([exercise["id"], title, titles, number(points)])
        words = number(total) + (f", and {number(bonus)} as a bonus" if bonus else "")
        rows.append(["", nodes.strong("", "together"), "", nodes.strong("", words)])
        return [table(("exercise", "about", "tests and their points", "points"), rows,
                      (8, 22, 52, 14))]


class LabTests(FromToml):
    """The tests of one exercise: what each looks at, and what must be written for it to run."""

    def run(self) -> list[nodes.Node]:
        ident = self.arguments[0]
        found = [e for e in self.exercises(ident.partition(".")[0]) if e["id"] == ident]
        if not found:
            raise self.error(f"lab.toml has no exercise {ident}")
        rows = []
        for test in found[0].get("test", []):
            needs = ", ".join(test.get("needs", [ident]))
            where = ", ".join(test.get("cells", [])) or "every cell"
            if test.get("why"):
                where += f": {test['why']}"
            rows.append([nodes.literal("", test["id"]), test["title"], needs, where,
                         number(test["points"])])
        return [table(("test", "looks at", "runs once these are written", "runs in", "points"),
                      rows, (8, 34, 24, 24, 10))]


class LabSymbols(FromToml):
    """The symbols that a lab must define, in one line."""

    def run(self) -> list[nodes.Node]:
        paragraph = nodes.paragraph()
        for index, name in enumerate(self.lab(self.arguments[0]).get("symbols", [])):
            if index:
                paragraph += nodes.Text(", ")
            paragraph += nodes.literal("", name)
        paragraph += nodes.Text(".")
        return [paragraph]


class LabMutants(FromToml):
    """Every lab's wrong answers; builds where solutions/ is missing."""

    required_arguments = 0

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()      # a file that comes later must be seen
        found: list[nodes.Node] = []
        for path in sorted((ROOT / "solutions").glob("*/mutants.toml")):
            found += self.one(path)
        if found:
            return found
        words = "This tree holds no list of wrong answers, so there is no table here."
        return [nodes.paragraph("", words)]

    def one(self, path: Path) -> list[nodes.Node]:
        rows, notes = [], []
        for entry in self.read(path).get("mutant", []):
            ident, hidden = str(entry["id"]), dict(entry.get("not_shown", {}))
            cells = [c for c in entry.get("cells", CELLS) if c not in hidden]
            caught = ", ".join(entry.get("killed_by", [])) if cells else ""
            rows.append([ident, entry["story"], caught or "-",
                         *("yes" if c in cells and caught else "no" for c in CELLS)])
            notes += [f"{ident}, {cell}: {why}" for cell, why in hidden.items()]
        nodes_out: list[nodes.Node] = [
            nodes.paragraph("", "", nodes.strong("", path.parent.name)),
            table(("id", "wrong answer", "caught by", *CELLS), rows, (8, 42, 14, 9, 9, 9, 9))]
        if notes:
            nodes_out.append(nodes.paragraph("", "Where an emulator cannot show it:"))
            items = [nodes.list_item("", nodes.paragraph("", note)) for note in notes]
            nodes_out.append(nodes.bullet_list("", *items))
        return nodes_out


def setup(app) -> dict:
    app.add_directive("lab-points", LabPoints)
    app.add_directive("lab-tests", LabTests)
    app.add_directive("lab-symbols", LabSymbols)
    app.add_directive("lab-mutants", LabMutants)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
