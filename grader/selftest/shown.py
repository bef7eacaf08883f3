"""The commands that README.md and the site show: in console blocks, in fences and between `` signs."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from grader.paths import ROOT

STARTS = re.compile(r"(?:make|python3 -m grader|\./setup|\.ci/run)(?: |$)")
# What the shell or the system brings along, not this tree.
SYSTEM = ("git", "docker", "cp", "cd", "export", "mkdir", "echo", "spin", "sudo", "nm",
          "python3 -m pytest")


@dataclass(frozen=True)
class Command:
    """One command of a chain, and the page that shows it."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"

    @property
    def lab(self) -> str:
        """The number of the lab that the page is about, or ""."""
        match = re.search(r"labs/lab(\d+)\.rst$", self.page)
        return match[1] if match else ""


def pages() -> list[Path]:
    """README.md and every page."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.rst"))]


def lines(path: Path) -> list[str]:
    """Every line that is a command, as it is written."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        found = [line.strip() for block in re.findall(r"^```\n(.*?)^```", text, re.M | re.S)
                 for line in block.splitlines() if line.startswith(("$ ", "make ", "./setup"))]
        inline = re.findall(r"(?<!`)`([^`]+)`(?!`)", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    else:
        found = [line.strip() for block in re.findall(
            r"^( *)\.\. code-block:: console\n\n((?:\1 +.*\n|\n)+)", text, re.M)
            for line in block[1].splitlines() if line.strip().startswith("$ ")]
        inline = re.findall(r"``([^`]+)``", text)
    words = [line.removeprefix("$ ") for line in found]
    return words + [" ".join(part.split()) for part in inline if STARTS.match(" ".join(part.split()))]


def commands() -> list[Command]:
    """Each command of each page once, chains taken apart."""
    found: dict[Command, None] = {}
    for path in pages():
        for line in lines(path):
            for part in line.split("&&"):
                words = tuple(shlex.split(part.split(" # ")[0]))
                if words and words[0]:
                    found[Command(str(path.relative_to(ROOT)), words)] = None
    return list(found)
