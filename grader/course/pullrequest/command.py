"""`python3 -m grader pr --base REV --head REV`: grades what somebody offers, trusting none of it.

The grader that grades is the base's own, started over a tree of the base in which the files of the
lab are the head's.  What the head says about the grader, the build or the tests is not looked at,
only named.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grader import knobs, processes, sandbox
from grader.course import manifest
from grader.course.pullrequest import layout
from grader.course.pullrequest.objects import Repository
from grader.course.pullrequest.selection import (
    MOST_LISTED, Selection, changed_labs, left_out, select)
from grader.errors import GraderError
from grader.hidden import check_place
from grader.labs import Lab, choose, find_labs, stage
from grader.options import Options, arguments_of
from grader.paths import ROOT, given_dir, report_dir
from grader.report import github, model, results

START = ("import sys; sys.path.insert(0, sys.argv.pop(1)); from grader.cli import main; "
         "sys.exit(main(sys.argv[1:]))")
MOST_PRINTED = 1 << 20      # bytes that are passed on
MOST_REPORT = 32 << 20      # bytes of a grade.json


@dataclass
class Request:
    """A pull request, read and not yet graded."""

    repository: Repository
    base: str
    head: str
    lab: Lab
    selections: list[Selection]
    left_out: dict[str, str]
    complete: bool          # whether left_out is all there is
    also: list[Lab]         # other labs that it changes

    def as_json(self) -> dict[str, Any]:
        """The part `pull_request` of grade.json."""
        return {
            "base": self.base, "head": self.head, "grader": self.base,
            "taken": {s.lab.slug: sorted(s.files) for s in self.selections},
            "new": [f"labs/{s.lab.slug}/{name}" for s in self.selections for name in s.new],
            "left_out": dict(list(self.left_out.items())[:MOST_LISTED]),
            "left_out_more": max(0, len(self.left_out) - MOST_LISTED),
            "complete": self.complete, "also": [lab.number for lab in self.also],
        }


def pr_command(options: Options) -> int:
    """Grades the head's lab on the base's tree; 0 full marks, 1 not, 2 no verdict."""
    options = replace(options, sandbox=options.sandbox or sandbox.BWRAP)
    if options.hidden:
        options = replace(options, hidden=str(Path(options.hidden).expanduser().resolve()))
    sandbox.use(options.sandbox)
    repository = Repository.around(Path.cwd())
    base = repository.commit("base", options.base_rev)
    head = repository.commit("head", options.head_rev)
    check_places(repository, options)
    check_own_grader(repository, base)
    with layout.scratch() as place:
        request = read(repository, base, head, place / "tree", options)
        lines = results.pull_request_lines(request.as_json(), options.sandbox)
        print("\n".join(lines), flush=True)
        code = _grade(request, place, options)
        data = _load(place / "report" / "grade.json")
        data["pull_request"] = request.as_json()
        if data["lab"]["number"] != request.lab.number or data["sandbox"] != options.sandbox:
            raise GraderError("the base's grader did not grade what it was told to: is --base a "
                              "tree of this course?")
        cases = place / "report" / "cases.json"
        results.save(data, cases.read_text(encoding="utf-8") if cases.is_file() else "")
    print(f"results: {report_dir()}")
    github.announce(data)
    return code


def check_places(repository: Repository, options: Options) -> None:
    """Where the container is all that keeps code in, it must not be able to read these."""
    check_place(options.hidden)
    if options.sandbox == sandbox.CONTAINER and sandbox.readable(repository.place):
        raise GraderError(f"{repository.place} can be read by the uid that compiles the code of "
                          f"others, with all its history: chmod 700 {repository.place}")


def check_own_grader(repository: Repository, base: str) -> None:
    """The code that runs now must be the base's, if it comes out of this checkout: with the head
    checked out, all that follows would be the head's to say."""
    if ROOT.resolve() != repository.place.resolve():
        return
    wanted = {}
    for entry in repository.files(base, ["grader"]):
        if entry.name.endswith(b".py"):
            wanted[entry.name.decode("utf-8", "replace")] = entry.ident
    there = {str(path.relative_to(ROOT)): path for path in (ROOT / "grader").rglob("*.py")}
    different = sorted(name for name in wanted.keys() | there.keys()
                       if name not in there or _ident(there[name], wanted.get(name, "")) !=
                       wanted.get(name))
    if different:
        raise GraderError(f"{different[0]} here is not that of --base: check the base out "
                          "(`git checkout --detach BASE`), then call `pr` again")


def _ident(path: Path, like: str) -> str:
    """The name that git gives to this content."""
    data = path.read_bytes()
    kind = hashlib.sha256 if len(like) == 64 else hashlib.sha1
    return kind(b"blob %d\0" % len(data) + data).hexdigest()


def read(repository: Repository, base: str, head: str, tree: Path, options: Options) -> Request:
    """Lays the tree out and says what is graded and what is not."""
    parts = list(layout.PARTS)
    if "solutions" in options.base.values():
        parts.append("solutions")       # the instructor's own word: BASE=solutions
    layout.write_base(repository, base, tree, parts)
    labs = find_labs([tree])
    changes, complete = repository.changes(repository.fork_point(base, head), head)
    changed = changed_labs(changes, labs)
    if options.lab:
        lab = choose(options.lab, labs)
    elif changed:
        lab = changed[0]
    else:
        raise GraderError("this pull request changes no lab, so nothing was graded: say which one "
                          "with LAB=")
    selections = []
    for each in stage(lab, labs):
        # An earlier lab that the instructor's BASE= replaces is not the student's here.
        if each is lab or (options.base.get(each.number) or options.base.get(0, "labs")) == "labs":
            selections.append(select(repository, each, base, head, manifest.names_of(each)))
    for selection in selections:
        layout.lay_over(tree, selection)
    numbers = {s.lab.number for s in selections}
    also = [other for other in changed if other.number not in numbers]
    return Request(repository, base, head, lab, selections, left_out(changes, selections),
                   complete, also)


def _grade(request: Request, place: Path, options: Options) -> int:
    """Runs the base's grader and passes on what it prints, fenced."""
    argv = [sys.executable, "-I", "-c", START, str(place / "tree"), "grade",
            f"LAB={request.lab.number}", *arguments_of(options)]
    process = processes.start(
        argv, cwd=place / "tree", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace",
        env=processes.clean_environment(
            CORRAL_BUILD=str(place / "build"), CORRAL_GIVEN=str(given_dir()), NO_COLOR="1",
            CORRAL_REPORT=str(place / "report"), **_knobs()))
    last, left = "", MOST_PRINTED
    assert process.stdout is not None
    with github.fence():
        for line in process.stdout:
            last = line.strip() or last
            left -= len(line)
            if left > 0:
                print(github.defused(line.rstrip("\n")), flush=True)
    code = process.wait()
    processes.finished(process)
    if code not in (0, 1) and not (place / "report" / "grade.json").exists():
        words = github.defused(last).removeprefix("corral: ") or f"it ended with code {code}"
        raise GraderError(f"no verdict: {words}")
    return code


def _knobs() -> dict[str, str]:
    """Another course.toml than the base's, if whoever runs this says so."""
    return {"CORRAL_COURSE": str(knobs.place().resolve())} if os.environ.get("CORRAL_COURSE") else {}


def _load(path: Path) -> dict[str, Any]:
    """The report that the base's grader wrote."""
    try:
        if path.stat().st_size > MOST_REPORT:
            raise ValueError("it is too large")
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["schema"] != model.SCHEMA or "sandbox" not in data:
            raise ValueError(f"its schema is {data.get('schema')!r}")
        return data
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GraderError(f"the base's grader wrote no report that can be read ({error}): merge a "
                          "newer grader into the base") from None
