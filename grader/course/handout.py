"""What a student's tree holds: its files by name, out of the instructor's tree.

What goes along is listed here; whatever is not listed stays.  In a git checkout only files that git
knows go along.
"""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from grader import knobs
from grader.course import manifest
from grader.course.skeleton import generate
from grader.errors import GraderError
from grader.labs import Lab, find_labs, stage, used
from grader.paths import ROOT

WHOLE = ("Makefile", "LICENSE", "setup", ".gitignore", ".gitattributes", ".editorconfig",
         ".clang-format", "Dockerfile", ".dockerignore", ".devcontainer", ".github", "kernel",
         "grader", "docs")
STAYS = ("grader/selftest", "docs/examples")        # with everything below
MADE = ("__pycache__", ".pytest_cache")
README = "grader/course/student-readme.md"
SEED = re.compile(r"^\s*seed\s*=[^\n]*\n?", re.MULTILINE)


@dataclass(frozen=True)
class Given:
    """One file of the student's tree."""

    data: bytes
    program: bool = False


@dataclass(frozen=True)
class Course:
    """Which labs the students write, and which go along compiled."""

    labs: list[Lab]
    compiled: list[Lab]

    @property
    def present(self) -> list[Lab]:
        """The labs whose lab.toml and tests are there."""
        return list({lab.number: lab for lab in [*self.labs, *self.compiled]}.values())


def course(with_base: int) -> Course:
    """The labs of course.toml, and those up to `with_base` that they stand on."""
    labs = find_labs()
    if with_base and with_base not in labs:
        raise GraderError(f"WITH_BASE={with_base} is not possible: it is the last lab that goes along "
                          f"compiled, one of {', '.join(map(str, labs))}")
    chosen = used(labs)
    below = {each.number: each for lab in chosen.values() for each in stage(lab, labs)}
    missing = sorted(below.keys() - chosen.keys())
    if missing and missing[-1] > with_base:
        raise GraderError(f"course.toml uses lab {max(chosen)} and leaves out lab {missing[-1]}, which "
                          f"it stands on: add it, or give it compiled with WITH_BASE={missing[-1]}")
    base = {each.number for lab in chosen.values() for each in stage(lab, labs)[:-1]}
    return Course(list(chosen.values()),
                  [below[number] for number in sorted(base) if number <= with_base])


def files(the: Course) -> dict[str, Given]:
    """Everything but the compiled references."""
    found: dict[str, Given] = {}
    present = {lab.number for lab in the.present}
    for name in _tracked(ROOT):
        if not _stays(name, present):
            found[name] = _read(ROOT / name)
    for lab in the.present:
        if lab.root != ROOT:
            for path in sorted(lab.tests_dir.glob("*")):
                if path.suffix in (".py", ".toml"):
                    found[f"grader/tests/lab{lab.number}/{path.name}"] = _read(path)
    known: dict[str, list[str]] = {}
    for lab in the.labs:
        for file, data in generate(lab).items():
            found[f"labs/{lab.slug}/{file}"] = Given(data)
            before = manifest.load(lab.root).get(f"{lab.slug}/{file}", [])
            known[f"{lab.slug}/{file}"] = [h for h in before if h != manifest.digest(data)] + [
                manifest.digest(data)]
    found[f"labs/{manifest.NAME}"] = Given(manifest.text(known).encode())
    found["README.md"] = Given(_readme(the).encode())
    _stub_pages(found, the)
    words = _course_toml()
    if words:
        found[knobs.NAME] = Given(words)
    return dict(sorted(found.items()))


def _tracked(root: Path) -> list[str]:
    """The names of the files below WHOLE: those that git knows, or all where there is no git."""
    if not (root / ".git").exists():
        names = [str(path.relative_to(root)) for top in WHOLE for path in
                 ([root / top] if (root / top).is_file() else sorted((root / top).rglob("*")))
                 if path.is_file() and not path.is_symlink()]
        return [name for name in names if not set(MADE) & set(name.split("/"))]
    try:
        done = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "--", *WHOLE],
                              capture_output=True, check=False, stdin=subprocess.DEVNULL)
    except OSError:
        raise GraderError("git is not installed, and says which files belong to the course: "
                          "apt-get install git") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason"]
        raise GraderError(f"git cannot list the files of this tree ({said[-1]}): repair that first")
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    return [name for name in names if (root / name).is_file() and not (root / name).is_symlink()]


def _stays(name: str, present: set[int]) -> bool:
    """Whether a file is not for students."""
    if any(name == each or name.startswith(f"{each}/") for each in STAYS):
        return True
    tests = re.match(r"grader/tests/lab(\d+)/", name)
    return bool(tests) and int(tests[1]) not in present


def _read(path: Path) -> Given:
    return Given(path.read_bytes(), bool(path.stat().st_mode & 0o100))


def _stub_pages(found: dict[str, Given], the: Course) -> None:
    """Pages that are not for this course say so, so that links to them still lead somewhere."""
    numbers, known = {lab.number for lab in the.labs}, find_labs()
    for name in [name for name in found if name.startswith("docs/") and name.endswith(".rst")]:
        lab = re.fullmatch(r"docs/labs/lab(\d+)\.rst", name)
        if re.match(r"docs/instructor[^/]*(/.*)?\.rst$", name):
            words = "The instructor's tree holds this page."
            found[name] = _page("For instructors", words, found[name])
        elif lab and int(lab[1]) in known.keys() - numbers:
            words = "This lab is not part of the course."
            found[name] = _page(f"Lab {lab[1]}", words, found[name])


def _page(title: str, words: str, before: Given) -> Given:
    """A page in the place of another, with all the labels that others point at."""
    labels = re.findall(r"^\.\. _[^:\n]+:$", before.data.decode("utf-8"), re.MULTILINE)
    head = "".join(f"{label}\n" for label in labels)
    return Given(f"{head}\n{title}\n{'=' * len(title)}\n\n{words}\n".encode())


def _readme(the: Course) -> str:
    """The student's front page."""
    text = (ROOT / README).read_text(encoding="utf-8")
    base = ""
    if the.compiled:
        names = ", ".join(f"lab {lab.number}" for lab in the.compiled)
        base = (f"\nThe reference of {names} is in `references/`, compiled. If a lab of yours is not "
                "ready, the\nnext one can stand on it: `make grade BASE=solutions`.\n")
    lines = [f"{lab.number}. **{lab.title}** (`labs/{lab.slug}/`)" for lab in the.labs]
    return text.replace("@LABS@", "\n".join(lines)).replace(
        "@FIRST@", str(the.labs[0].number)).replace("@BASE@", base)


def _course_toml() -> bytes:
    """The knobs without the seed of record: who knows it can write for it."""
    path = knobs.place()
    if not path.is_file():
        return b""
    whole = knobs.load(path)
    if not whole.seed:
        return path.read_bytes()
    words = SEED.sub("", path.read_text(encoding="utf-8"))
    if "seed" in tomllib.loads(words):
        raise GraderError(f"{path.name}: write seed = on a line of its own, so that the release can "
                          "leave it out")
    return words.encode()
