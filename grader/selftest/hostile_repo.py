"""A repository of the course and commits that no honest git would make, for the tests of `pr`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from grader.paths import ROOT

LAB = "lab1-stack-switch"
PLACE = f"labs/{LAB}"
FILE, PROGRAM, LINK, MODULE, TREE = b"100644", b"100755", b"120000", b"160000", b"40000"
IDENTITY = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "A"), ("EMAIL", "a@example.org"),
                                ("DATE", "2026-01-01T00:00:00Z"))}


class HostileRepo:
    """`base` is the course; commit() makes heads.  Paths and names are bytes, any bytes."""

    def __init__(self, place: Path):
        self.place = place
        place.mkdir()
        for part in ("grader", "kernel", "labs"):
            shutil.copytree(ROOT / part, place / part,
                            ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "Makefile", place)
        (place / ".gitignore").write_text("/build/\n__pycache__/\n")
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "base")
        self.base = self.git("rev-parse", "HEAD")

    def git(self, *arguments: str, data: bytes = b"") -> str:
        done = subprocess.run(["git", "-C", str(self.place), *arguments], input=data, check=True,
                              capture_output=True, env=os.environ | IDENTITY)
        return done.stdout.decode().strip()

    def blob(self, data: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", data=data)

    def raw_tree(self, entries: list[tuple[bytes, bytes, str]]) -> str:
        """A tree of (mode, name, object) as it is given: git checks nothing."""
        data = b"".join(mode + b" " + name + b"\0" + bytes.fromhex(ident)
                        for mode, name, ident in entries)
        return self.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", data=data)

    def entries(self, tree: str) -> list[tuple[bytes, bytes, str]]:
        """The entries of a tree."""
        found = []
        for line in self.git("ls-tree", "-z", tree).encode().split(b"\0"):
            if line:
                head, _, name = line.partition(b"\t")
                mode, _, ident = head.split()
                found.append((mode.lstrip(b"0"), name, ident.decode()))
        return found

    def commit(self, changes: dict[bytes, tuple[bytes, bytes] | None],
               more: list[tuple[bytes, bytes, str]] = (), parent: str = "") -> str:
        """The base with changes: path -> (mode, contents), or None to remove it.  `more` are
        entries of the lab's folder as they are; of a MODULE the contents are an object's name."""
        parent = parent or self.base
        tree = self._changed(self.git("rev-parse", f"{parent}^{{tree}}"), changes)
        if more:
            tree = self._with(tree, PLACE.encode().split(b"/"), list(more))
        return self.commit_tree(tree, parent)

    def commit_tree(self, tree: str, parent: str = "") -> str:
        return self.git("commit-tree", tree, "-p", parent or self.base, "-m", "head")

    def _changed(self, tree: str, changes: dict) -> str:
        entries = {name: (mode, ident) for mode, name, ident in self.entries(tree)} if tree else {}
        below: dict[bytes, dict] = {}
        for path, what in changes.items():
            name, _, rest = path.partition(b"/")
            if rest:
                below.setdefault(name, {})[rest] = what
            elif what is None:
                entries.pop(name, None)
            else:
                mode, data = what
                entries[name] = mode, data.decode() if mode in (MODULE, TREE) else self.blob(data)
        for name, inside in below.items():
            mode, ident = entries.get(name, (TREE, ""))
            entries[name] = TREE, self._changed(ident if mode == TREE else "", inside)
        return self.raw_tree(sorted(((mode, name, ident) for name, (mode, ident)
                                     in entries.items()), key=lambda e: e[1]))

    def _with(self, tree: str, path: list[bytes], more: list) -> str:
        entries = self.entries(tree)
        if not path:
            return self.raw_tree(entries + more)
        return self.raw_tree([(mode, name, self._with(ident, path[1:], more))
                              if name == path[0] else (mode, name, ident)
                              for mode, name, ident in entries])

    def grade(self, head: str, *words: str, **environment: str) -> tuple[int, str]:
        """Runs `pr` in the checkout of the base; gives its exit code and all that it printed."""
        own = {name: value for name, value in os.environ.items()
               if not name.startswith(("CORRAL_", "GITHUB_", "LABS_PATH"))}
        done = subprocess.run(
            [sys.executable, "-m", "grader", "pr", "--base", "main", "--head", head, *words],
            cwd=self.place, env=own | {"NO_COLOR": "1"} | environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900)
        return done.returncode, done.stdout.decode("utf-8", "surrogateescape")

    def reference(self) -> dict[bytes, tuple[bytes, bytes]]:
        """The reference of lab 1 as changes."""
        return {f"{PLACE}/{path.name}".encode(): (FILE, path.read_bytes())
                for path in (ROOT / "solutions" / LAB).glob("*.[chS]")}
