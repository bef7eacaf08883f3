"""A sign of life while a run goes on: one line redrawn on a terminal, else a line every 5 s.

The first failure is printed the moment it is known.
"""

from __future__ import annotations

import sys
import time

from grader.report import text
from grader.report.style import Style
from grader.runner import CellRun
from grader.verdict import FAIL

EVERY = 5.0


class Progress:
    """A listener of the runner that prints."""

    def __init__(self, runs_on_terminal: bool, style: Style, out=None, *,
                 announce: bool = True, every: float = EVERY):
        self.tty = runs_on_terminal
        self.announce = announce        # print the first failure
        self.every = every
        self.style = style
        self.out = out or sys.stdout
        self.started = time.monotonic()
        self.last = self.started
        self.cells: dict[str, CellRun] = {}
        self.failed = False
        self.drawn = False

    def __call__(self, kind: str, run: CellRun, record: dict) -> None:
        self.cells[run.name] = run
        if kind == "result" and record["verdict"] == FAIL and (
                self.announce and not self.failed):
            self.failed = True
            self.erase()
            for line in text.first_failure(record["test"], run.cell, record["failure"],
                                           self.style):
                self.out.write(line + "\n")
            self.last = time.monotonic()
            self.out.flush()
        now = time.monotonic()
        if self.tty and now - self.last > 0.1:
            self.draw(self.line(now))
            self.last = now
        elif not self.tty and now - self.last > self.every:
            self.out.write(self.line(now) + "\n")
            self.out.flush()
            self.last = now

    def line(self, now: float) -> str:
        """"x86_64/qemu 12/30  x86_64/bochs 8/30 (1.2c 40/418)  7 s"."""
        parts = []
        for run in self.cells.values():
            if run.state == "waiting":
                continue
            part = f"{run.name} {len(run.results)}/{len(run.job.tests)}"
            if run.current and run.done_of[1]:
                part += f" ({run.current}: {run.done_of[0]}/{run.done_of[1]})"
            parts.append(part)
        return "  ".join([*parts, f"{now - self.started:.0f} s"])

    def draw(self, line: str) -> None:
        self.out.write("\r\033[K" + line[:79])
        self.out.flush()
        self.drawn = True

    def erase(self) -> None:
        """Removes the redrawn line."""
        if self.drawn:
            self.out.write("\r\033[K")
            self.out.flush()
            self.drawn = False
