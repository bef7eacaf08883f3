"""The committed figures of `make bench`, docs/bench.json, as a table and as a drawing.

    .. bench-table::
    .. bench-plot::
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from labtoml import table

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from grader.bench.plot import svg  # noqa: E402

FILE = ROOT / "docs" / "bench.json"


class FromBench(SphinxDirective):
    """What the two share: reading the file."""

    def record(self) -> dict:
        self.env.note_dependency(str(FILE))
        try:
            return json.loads(FILE.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ExtensionError(f"docs/bench.json cannot be read: {error}") from error


class BenchTable(FromBench):
    """Every figure, a row each."""

    def run(self) -> list[nodes.Node]:
        record = self.record()
        wide, narrow = (record["widths"].get(arch, {}) for arch in ("x86_64", "i386"))
        rows = [(title, record["units"][key], _show(wide.get(key)), _show(narrow.get(key)))
                for key, title in record["titles"].items()]
        words = f"Measured with {record['compiler']} {record['optimise']} in {record['emulator']}."
        return [table(("what", "unit", "64 bits", "32 bits"), rows, (52, 16, 16, 16)),
                nodes.paragraph("", words)]


class BenchPlot(FromBench):
    """The paths as bars."""

    def run(self) -> list[nodes.Node]:
        return [nodes.raw("", f'<figure>{svg(self.record())}</figure>', format="html")]


def _show(value: float | None) -> str:
    return "-" if value is None else f"{value:.10g}"


def setup(app) -> dict:
    app.add_directive("bench-table", BenchTable)
    app.add_directive("bench-plot", BenchPlot)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
