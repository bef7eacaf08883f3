"""A progress bar, on a terminal only."""

from __future__ import annotations

import sys
import time

WIDTH = 24
EVERY = 0.2


class Bar:
    """How far a class is: done of all, what is graded now, how long it will take."""

    def __init__(self, on_terminal: bool, out=None):
        self.on_terminal = on_terminal
        self.out = out or sys.stdout
        self.what, self.done, self.total, self.begun_at = "", 0, 0, 0
        self.started = self.last = 0.0

    def begin(self, what: str, done: int, total: int) -> None:
        self.what, self.done, self.total, self.begun_at = what, done, total, done
        self.started, self.last = time.monotonic(), 0.0

    def at(self, done: int, now: list[str] = ()) -> None:
        """Redraws, but not too often."""
        self.done = done
        if not self.on_terminal or time.monotonic() - self.last < EVERY:
            return
        self.last = time.monotonic()
        self.out.write("\r\033[K" + self.line(self.last, list(now))[:79])
        self.out.flush()

    def line(self, now: float, names: list[str]) -> str:
        """"grading [#####-----] 23/60  6 min, about 9 left  ann, bob"."""
        full = WIDTH * self.done // self.total if self.total else WIDTH
        words = f"{self.what} [{'#' * full}{'-' * (WIDTH - full)}] {self.done}/{self.total}"
        spent, fresh = now - self.started, self.done - self.begun_at
        words += f"  {minutes(spent)}"
        if fresh and self.done < self.total:
            words += f", about {minutes(spent / fresh * (self.total - self.done))} left"
        return words + (f"  {', '.join(names)}" if names else "")

    def erase(self) -> None:
        if self.on_terminal:
            self.out.write("\r\033[K")
            self.out.flush()


def minutes(seconds: float) -> str:
    """"40 s", "12 min"."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
