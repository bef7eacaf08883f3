"""Types what the handouts and README.md show, page by page, as somebody who has solved the labs would:
in one cell, with the reference.  Takes long: `make soak` runs it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from grader.paths import ROOT
from grader.selftest.intree import type_line, warm
from grader.selftest.shown import Command, commands

CELL = {"ARCH": "x86_64", "EMU": "bochs"}
PAGES = ["README.md", "docs/start.rst", "docs/tools.rst", *(f"docs/labs/lab{n}.rst" for n in range(8))]
TYPED = re.compile(r"make (lab\d|grade|replay|bundle|debug|doctor|help|check-skeletons)\b")
PLACE = re.compile(r"\.\.|=$|=file$")           # the reader puts something there
CASE = re.compile(r"CASE=((\d)\.\d+[a-z])-\d+")

pytestmark = [pytest.mark.slow,
              pytest.mark.skipif(not (ROOT / "solutions").is_dir(), reason="there are no solutions")]


def typed_on(page: str) -> list[Command]:
    """What can be typed as it is shown, in the order of the page."""
    return [command for command in commands() if command.page == page
            and TYPED.match(line := " ".join(command.words)) and not PLACE.search(line)]


@pytest.mark.parametrize("page", PAGES)
def test_a_page(page: str, tmp_path: Path):
    build = warm(tmp_path / "build")
    there = {"CORRAL_BUILD": str(build), "CORRAL_REPORT": str(build / "report"), "FROM": "solutions"}

    def run(line: str, *codes: int) -> str:
        code, output = type_line(ROOT, line, **{**there, **CELL})
        if f"does not run in {CELL['ARCH']}" in output:     # what only 32 bits have
            code, output = type_line(ROOT, line, **{**there, **CELL, "ARCH": "i386"})
        assert code in codes, f"{line}: exit code {code}\n{output}"
        return output

    typed = typed_on(page)
    assert typed, "nothing is typed on this page"
    run(f"make lab{typed[0].lab or 1}", 0)
    for command in typed:
        line = " ".join(command.words)
        if case := CASE.search(line):
            # A case of the report that a student has just read; a test that passes has none or some.
            run(f"make grade LAB={case[2]} TEST={case[1]}", 0)
            output = run(line, 0, 2)
            assert case[0].removeprefix("CASE=") in output, output
        elif command.words[1] == "replay":
            run(line, 0, 2)
        else:
            output = run(line, 0)
            assert command.words[1] != "grade" or "passes." in output, output
