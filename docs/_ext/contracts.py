"""The directive `contract`: a header of the kernel as a reference, out of its comments.

    .. contract:: spinlock.h

The comment at the top becomes text.  Each comment in front of declarations becomes their entry: what a
function is called with, and at which level, on which CPU and whether from an NMI.  The names are targets for
the search and the index.  Nothing is repeated: the header is the source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent.parent
HEADERS = ROOT / "kernel" / "include"
SKIPPED = re.compile(r"#\s*(include|ifndef CORRAL_|define CORRAL_|ifdef|ifndef|if |else|elif|endif|undef|error)")
OBJECT = "declaration"
NAME = re.compile(r"(\w+)\s*\(")


@dataclass
class Entry:
    """Some declarations and the comment in front of them; a heading has no declaration."""

    words: str = ""
    code: list[str] = field(default_factory=list)
    heading: bool = False

    @property
    def names(self) -> list[str]:
        """What is declared: functions, macros, types, variables."""
        found: list[str] = []
        depth = 0
        for line in self.code:
            flat = re.sub(r"/\*.*?\*/|__attribute__\s*\(\(.*?\)\)|\[[^]]*\]", "", line).strip()
            if depth == 0:
                found += _names(flat)
            depth = max(0, depth + flat.count("{") - flat.count("}"))
        closing = re.match(r"^\}\s*(\w+)\s*;", self.code[-1]) if self.code else None
        return list(dict.fromkeys([*found, *([closing[1]] if closing else [])]))


def _names(line: str) -> list[str]:
    if match := re.match(r"#\s*define\s+(\w+)", line):
        return [match[1]]
    if match := re.match(r"(?:typedef )?(struct|enum|union) (\w+) *\{?$", line):
        return [match[2]]
    if match := re.match(r"(?:[A-Z_]+)\((\w+)\);", line):
        return [match[1]]
    if match := NAME.search(line):
        return [match[1]]
    if match := re.match(r"(?:extern |typedef ).*?(\w+)\s*;", line):
        return [match[1]]
    return []


def parse(text: str) -> list[Entry]:
    """The header in order: text, headings, entries."""
    entries: list[Entry] = []
    lines, index = text.splitlines(), 0
    entry = Entry()
    while index < len(lines):
        line = lines[index]
        if line.startswith("/*"):
            end = index
            while "*/" not in lines[end]:
                end += 1
            words = comment("\n".join(lines[index:end + 1]))
            entry = Entry(words.strip("- "), heading=words.startswith("----"))
            entries.append(entry)
            index = end + 1
            continue
        if SKIPPED.match(line):
            index += 1
            continue
        if not line.strip():
            entry = Entry() if entry.code else entry
            index += 1
            continue
        end = declaration(lines, index)
        if entry not in entries or entry.heading or (entry is entries[0] and not entry.code):
            entry = Entry()
            entries.append(entry)
        entry.code += lines[index:end + 1]
        index = end + 1
    return [e for e in entries if e.words or e.code]


def declaration(lines: list[str], index: int) -> int:
    """The last line of the declaration, definition or macro that begins here."""
    end, depth = index, 0
    while end < len(lines):
        line = re.sub(r"/\*.*?\*/", "", lines[end]).rstrip()
        depth += line.count("{") - line.count("}")
        if line.endswith("\\"):
            end += 1
            continue
        if lines[index].startswith("#") or (depth <= 0 and line.endswith((";", "}"))):
            return end
        end += 1
    return len(lines) - 1


def comment(text: str) -> str:
    """What a comment says, without its signs."""
    inside = text.strip().removeprefix("/*").removesuffix("*/")
    return "\n".join(re.sub(r"^\s?\*\s?", "", line).rstrip() for line in inside.strip().splitlines()).strip()


class Contract(SphinxDirective):
    """One header."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        path = HEADERS / self.arguments[0]
        self.env.note_dependency(str(path))
        try:
            entries = parse(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ExtensionError(f"{path.relative_to(ROOT)} cannot be read: {error}") from error
        found: list[nodes.Node] = []
        for index, entry in enumerate(entries):
            if index == 0 and not entry.code:
                entry.words = re.sub(rf"^{re.escape(self.arguments[0])}:\s*", "", entry.words)
                found += prose(entry.words, True)
            elif entry.heading:
                found.append(nodes.rubric("", entry.words[:1].upper() + entry.words[1:]))
            else:
                found.append(self.entry(entry))
        return found

    def entry(self, entry: Entry) -> nodes.Node:
        """The declarations, then what is said of them."""
        box = nodes.container(classes=["contract"])
        if entry.code:
            code = "\n".join(entry.code)
            box += nodes.literal_block(code, code, language="c")
        domain = self.env.get_domain("std")
        for name in entry.names:
            if (OBJECT, name) not in domain.objects:
                domain.note_object(OBJECT, name, f"c-{name}", location=box)
                box["ids"].append(f"c-{name}")
        box += prose(entry.words)
        return box


def prose(words: str, capital: bool = False) -> list[nodes.Node]:
    """Paragraphs; what is indented or in columns stays as it is."""
    found: list[nodes.Node] = []
    for part in re.split(r"\n\s*\n", words):
        if not part.strip():
            continue
        if re.search(r"^ |\S {3,}\S", part, re.MULTILINE):
            found.append(nodes.literal_block(part, part, language="none"))
            continue
        text = " ".join(part.split())
        text = text[:1].upper() + text[1:] if capital and not found else text
        paragraph = nodes.paragraph()
        for index, piece in enumerate(re.split(r"(\b\w+\(\)|`[^`]+`)", text)):
            paragraph += nodes.literal("", piece.strip("`")) if index % 2 else nodes.Text(piece)
        found.append(paragraph)
    return found


def setup(app) -> dict:
    app.add_object_type(OBJECT, "contract")        # the role :contract:`name` refers to one
    app.add_directive("contract", Contract)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
