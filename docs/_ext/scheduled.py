"""The directive `schedule`: a failing schedule that was recorded, to be stepped through.

    .. schedule:: schedules/lock.json

The figure is the report's own: grader/report/stepper.py.
"""

from __future__ import annotations

import json
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from grader.report import stepper


class Schedule(SphinxDirective):
    """The figure, and what was expected and seen."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.doc2path(self.env.docname)).parent / self.arguments[0]
        self.env.note_dependency(str(path.resolve()))
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ExtensionError(f"{self.arguments[0]} cannot be read: {error}") from error
        label = f"a failing schedule of test {data['test']}"
        html = stepper.html(data["schedule"], label, data["start"], start="first")
        facts = nodes.field_list("", *[
            nodes.field("", nodes.field_name("", word),
                        nodes.field_body("", nodes.paragraph("", data[key])))
            for word, key in (("expected", "expected"), ("seen", "seen"), ("cause", "cause"))])
        return [nodes.raw("", html, format="html"), facts]


def setup(app) -> dict:
    app.add_directive("schedule", Schedule)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
