"""The directive `drawing`: an SVG that is made of a text, with the text folded below it.

    .. drawing:: turns
       :title: Two CPUs take one lock

       CPU 0                     CPU 1
       reads 0: "free"
                                 reads 0: "free"

The kinds are art, lanes, stack and turns: see draw_*.py.  `:file:` takes the text from a file beside the
page.  `:desc:` is for people who do not see it; where the kind can tell by itself it may be missing.
`:values:` names columns of turns that are no actors.
"""

from __future__ import annotations

import re
from pathlib import Path

import draw_art
import draw_lanes
import draw_stack
import draw_turns
from columns import ColumnError
from docutils import nodes
from docutils.parsers.rst import directives
from fold import fold
from sphinx.util.docutils import SphinxDirective

KINDS = {"art": draw_art, "lanes": draw_lanes, "stack": draw_stack, "turns": draw_turns}


class Drawing(SphinxDirective):
    """One figure."""

    required_arguments = 1
    has_content = True
    option_spec = {"title": directives.unchanged_required, "desc": directives.unchanged_required,
                   "file": directives.unchanged_required, "values": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        kind, title = self.arguments[0], self.options.get("title", "")
        if kind not in KINDS or not title:
            raise self.error(f"a drawing is one of {', '.join(KINDS)} and has a :title:")
        text = self._text()
        values = tuple(v.strip() for v in self.options.get("values", "").split(",") if v.strip())
        try:
            maker = KINDS[kind]
            canvas = maker.draw(text, values) if values else maker.draw(text)
            desc = self.options.get("desc") or maker.describe(text)
        except (ColumnError, IndexError, ValueError) as error:
            raise self.error(f"{title}: {error}") from error
        if not desc:
            raise self.error(f"{title}: this kind of drawing needs a :desc:")
        ident = f"drawing-{self.env.new_serialno('drawing')}"
        svg = canvas.svg(ident, title, re.sub(r"\s+", " ", desc))
        open_, close = (
            f'<figure class="drawing"><div class="drawing-scroll" tabindex="0" role="group" '
            f'aria-label="{nodes.unescape(title)}">{svg}</div>', "</figure>")
        caption = nodes.paragraph("", title, classes=["drawing-title"])
        words = fold(title="The same as text")
        words += nodes.literal_block(text, text, language="none")
        return [raw(open_), caption, words, raw(close)]

    def _text(self) -> str:
        if "file" not in self.options:
            return "\n".join(self.content)
        path = Path(self.env.doc2path(self.env.docname)).parent / self.options["file"]
        self.env.note_dependency(str(path.resolve()))
        try:
            return path.read_text(encoding="utf-8").rstrip("\n")
        except OSError as error:
            raise self.error(f"{self.options['file']} cannot be read: {error}") from error


def raw(html: str) -> nodes.raw:
    return nodes.raw("", html, format="html")


def setup(app) -> dict:
    app.add_directive("drawing", Drawing)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
