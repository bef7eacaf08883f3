"""The figures as an SVG: bars for the paths, one row each, both widths; and the same in words.

Told apart by hatching as well as by tone, with a title and a description for a screen reader.
"""

from __future__ import annotations

from html import escape
from typing import Any

ROW, BAR, LEFT, WIDE, RIGHT, TOP = 34, 12, 250, 420, 70, 46
WIDTHS = (("x86_64", "64 bits", "wide"), ("i386", "32 bits", "narrow"))
STYLE = (".bench text{font:13px sans-serif;fill:#1a1a1a}.bench .wide{fill:#1f5f99}"
         ".bench .narrow{fill:url(#bench-stripes);stroke:#8a4b00;stroke-width:1}"
         ".bench .axis{stroke:#666;fill:none}.bench .page{fill:#fff}")
STRIPES = ('<pattern id="bench-stripes" width="6" height="6" patternUnits="userSpaceOnUse" '
           'patternTransform="rotate(45)"><rect width="6" height="6" fill="#fff"/>'
           '<rect width="3" height="6" fill="#8a4b00"/></pattern>')


def paths_of(record: dict[str, Any]) -> list[str]:
    """The keys that are drawn: instructions of a path; a boot is of another size."""
    return [key for key, unit in record["units"].items()
            if unit == "instructions" and key != "boot"
            and any(key in figures for figures in record["widths"].values())]


def svg(record: dict[str, Any]) -> str:
    """The drawing."""
    keys = paths_of(record)
    most = max((figures.get(key, 0) for figures in record["widths"].values() for key in keys),
               default=0) or 1
    high = TOP + ROW * len(keys) + 16
    parts = [f'<rect class="page" width="{LEFT + WIDE + RIGHT}" height="{high}"/>', *_legend()]
    for row, key in enumerate(keys):
        y = TOP + row * ROW
        parts.append(f'<text x="{LEFT - 8}" y="{y + 16}" text-anchor="end">'
                     f'{escape(record["titles"][key])}</text>')
        for at, (arch, _, name) in enumerate(WIDTHS):
            value = record["widths"].get(arch, {}).get(key)
            if value is not None:
                parts += _bar(y + at * (BAR + 1), value, round(value / most * WIDE, 1), name)
    parts.append(f'<path class="axis" d="M{LEFT} {TOP - 4}V{high - 12}"/>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDE + RIGHT} {high}" '
            f'class="bench" role="img" aria-labelledby="bench-title bench-words"><title '
            f'id="bench-title">Instructions of the kernel\'s paths</title><desc id="bench-words">{escape(words(record))}</desc><style>{STYLE}</style>'
            f'<defs>{STRIPES}</defs>{"".join(parts)}</svg>\n')


def _legend() -> list[str]:
    parts = []
    for at, (_, title, name) in enumerate(WIDTHS):
        x = LEFT + at * 110
        parts.append(f'<rect class="{name}" x="{x}" y="12" width="26" height="{BAR}"/>'
                     f'<text x="{x + 32}" y="23">{title}</text>')
    return parts


def _bar(y: int, value: float, length: float, name: str) -> list[str]:
    return [f'<rect class="{name}" x="{LEFT}" y="{y}" width="{length}" height="{BAR}"/>'
            f'<text x="{LEFT + length + 5}" y="{y + 11}">{value:g}</text>']


def words(record: dict[str, Any]) -> str:
    """The drawing as sentences."""
    found = []
    for key in paths_of(record):
        each = [f"{title} {record['widths'][arch][key]:g}" for arch, title, _ in WIDTHS
                if key in record["widths"].get(arch, {})]
        found.append(f"{record['titles'][key]}: {', '.join(each)}.")
    return " ".join(found)
