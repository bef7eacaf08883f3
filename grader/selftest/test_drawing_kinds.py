"""A drawing of the site has in it what its text says, and a text that is not in its columns is refused."""

from __future__ import annotations

import re
import sys
from xml.etree import ElementTree

import pytest

from grader.paths import ROOT

sys.path.insert(0, str(ROOT / "docs" / "_ext"))
columns, draw_art, draw_lanes, draw_stack, draw_turns = (
    pytest.importorskip(name) for name in
    ("columns", "draw_art", "draw_lanes", "draw_stack", "draw_turns"))

TURNS = """\
step   CPU 0             CPU 1            word
1      reads 0: "free"                    0
2                        reads 0          0
       === NMI ===
"""
LANES = """\
step                 CS   GS          windows
ring 3               2b   ring 3's
=== interrupt ===
push                 08   ring 3's    ## S  G
swapgs               08   kernel's    ## S
"""
STACK = """\
  the NMI stack
    own_top -    8    SS                  0023
    own_top -   16    RSP                 of ring 3
                      ^ RSP at knmi()
"""
ART = """\
+------+
| slot |---- copy ---> mine
+------+
   ^
   |        a -> b, 3 - 1 = 2, x | y, [box]
"""


def words(canvas) -> list[str]:
    root = ElementTree.fromstring(canvas.svg("d", "a <title>", "what it shows"))
    assert root.findtext("title") == "a <title>"
    return [element.text for element in root.iter("text")]


def shapes(canvas, kind: str) -> int:
    return len(re.findall(rf"<{kind}[ >]", canvas.svg("d", "t", "d")))


def test_turns():
    canvas = draw_turns.draw(TURNS, ("word",))
    assert words(canvas).count("0") == 2 and "NMI" in words(canvas)
    assert canvas.svg("d", "t", "d").count('class="act cpu0"') == 1
    assert canvas.svg("d", "t", "d").count('class="act cpu1"') == 1
    assert draw_turns.describe(TURNS).startswith('In order. step 1; CPU 0: reads 0: "free"; word: 0; step 2')


def test_what_stands_across_a_column_is_refused():
    with pytest.raises(columns.ColumnError, match="across the column"):
        draw_turns.draw("CPU 0   CPU 1\nmuch too long for it\n")


def test_lanes():
    canvas = draw_lanes.draw(LANES)
    assert words(canvas).count("08") == 1, "a value that stays is one bar"
    assert words(canvas).count("ring 3's") == 1 and "S G" in words(canvas)
    assert canvas.svg("d", "t", "d").count('class="window"') == 2
    assert "push: CS is 08, in window S G. swapgs: GS is kernel's, in window S." in draw_lanes.describe(LANES)


def test_stack():
    canvas = draw_stack.draw(STACK)
    assert words(canvas).index("SS") < words(canvas).index("RSP") < words(canvas).index("RSP at knmi()")
    assert shapes(canvas, "rect") == 2 and "of ring 3" in draw_stack.describe(STACK)


def test_art():
    canvas = draw_art.draw(ART)
    said = words(canvas)
    assert "slot" in said and "copy" in said and "box" in said
    assert "b, 3 - 1 = 2, x | y," in said, "a minus and a bar in a text are text"
    assert shapes(canvas, "polygon") == 3 and shapes(canvas, "rect") == 1
    assert draw_art.describe(ART) == "", "only the page can say what it shows"
