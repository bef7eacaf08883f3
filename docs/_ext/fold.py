"""The directive `fold`: text that the reader opens.

    .. fold:: Answer

       Any text.

In HTML it is a <details> element, which needs no script; elsewhere the title and the text.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class Fold(SphinxDirective):
    """One folded text; the argument is what can be seen while it is closed."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        node = fold(title=self.arguments[0])
        self.state.nested_parse(self.content, self.content_offset, node)
        return [node]


class fold(nodes.General, nodes.Element):
    """The doctree's node; `title` is plain text."""


def visit_html(self, node: fold) -> None:
    title = self.encode(node["title"])
    self.body.append(f'<details class="fold">\n<summary>{title}</summary>\n')


def depart_html(self, node: fold) -> None:
    self.body.append("</details>\n")


def visit_text(self, node: fold) -> None:
    self.new_state(0)
    self.add_text(node["title"])
    self.end_state()


def depart_text(self, node: fold) -> None:
    pass


def setup(app) -> dict:
    app.add_directive("fold", Fold)
    app.add_node(fold, html=(visit_html, depart_html), text=(visit_text, depart_text))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
