"""`make replay CASE=...`: a case of the last report again, stopped at its instruction.

The test runs in this process, so that the machine it stopped is at hand for the debugger.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from grader import evaluate
from grader.errors import GraderError
from grader.grade import built_lines
from grader.job import Job
from grader.knobs import VERDICT
from grader.labs import choose, find_labs
from grader.options import CELLS, Options
from grader.paths import report_dir
from grader.plugin import Plugin
from grader.report import cases, failures, style
from grader.runner import PREFIX
from grader.verdict import ERROR, FAIL, PASS, CaseGone
from grader.worker import run as run_tests

LISTED = 12


def replay_command(options: Options) -> int:
    """Stops the machine at the case and starts the debugger there."""
    if options.bundle:
        from grader.course.unbundle import replay_bundle

        return replay_bundle(options)
    chosen = prepared(options)
    if chosen is None:
        return 1
    ident, entry, cell, grade = chosen
    test, options = grade.tests[0], grade.options
    build = grade.builds[cell.split("/")[0]]
    print(f"CASE={ident}, {cell}, seed {grade.seed}: {entry['text'] or test.title}")
    if options.as_text and (told := sentences(ident)):
        print("\n".join(told))
        return 0
    job = evaluate.job_for(grade, cell, build, [test])
    job.replay = entry["cells"][cell]
    return stop_and_debug(job, ident, report_dir() / "replay.log")


def sentences(ident: str) -> list[str]:
    """A failed case of the last report as sentences: no columns, no debugger."""
    data = json.loads((report_dir() / "grade.json").read_text(encoding="utf-8"))
    graded = [cell["name"] for cell in data["cells"]]
    return next((failures.sentences(group, graded) for group in data["failures"]
                 if ident in group["cases"]), [])


def prepared(options: Options) -> tuple[str, dict[str, Any], str, evaluate.Grade] | None:
    """CASE of the last report, built: its id, its entry, its cell, and a grade of its one test.  None if
    the files do not build any more, which is printed."""
    report = cases.load()
    ident, entry = entry_of(options, report)
    cell = cell_of(options, ident, entry)
    options = settings_of(options, report["settings"], cell)
    lab = choose(options.lab, find_labs())
    test = lab.test(entry["test"])
    if test is None:
        raise GraderError(f"CASE={ident} is gone: lab {lab.number} has no test {entry['test']} now")
    grade = evaluate.prepare(lab, [test], options)
    if grade.builds[cell.split("/")[0]].problem:
        print("\n".join(built_lines(lab, grade, options, style.for_terminal(), details=True)))
        return None
    return ident, entry, cell, grade


def entry_of(options: Options, report: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    table = report["cases"]
    if not table and options.tell == VERDICT:
        raise GraderError("course.toml tells no more than a verdict here, so there is no case to "
                          "replay")
    ident = options.case
    if ident in table:
        return ident, table[ident]
    if f"{ident}-1" in table:
        return f"{ident}-1", table[f"{ident}-1"]
    known = [i for i, e in table.items() if e["failed"]] or list(table)
    some = ", ".join(known[:LISTED]) + (", .." if len(known) > LISTED else "")
    asked = f"CASE={ident} is not in the last report" if ident else "say which CASE"
    raise GraderError(f"{asked}: it has {some or 'no case'}")


def cell_of(options: Options, ident: str, entry: dict[str, Any]) -> str:
    """The first cell of the case that ARCH and EMU allow."""
    for cell in CELLS:
        if cell in entry["cells"] and cell in options.cells:
            return cell
    raise GraderError(f"CASE={ident} is of {', '.join(entry['cells'])}, not of "
                      f"{' or '.join(options.cells)}")


def settings_of(options: Options, settings: dict[str, Any], cell: str) -> Options:
    """The options of the report, for one cell."""
    arch, emu = cell.split("/")
    return replace(options, lab=str(settings["lab"]), source=settings["from"], cc=settings["cc"],
                   opt=settings["opt"], seed=settings["seed"], cpus=settings["cpus"],
                   base={int(n): place for n, place in settings["base"].items()},
                   arches=(arch,), emus=(emu,))


def stop_and_debug(job: Job, ident: str, log: Path) -> int:
    """Runs the test until it stops, then the debugger on the machine that it leaves."""
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-") as workdir:
        job.workdir, job.parent = workdir, os.getppid()
        records: list[dict] = []
        plugin = Plugin(job, records.append)
        os.environ.pop("PYTEST_ADDOPTS", None)
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with open(log, "w", encoding="utf-8") as stream, \
                    contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
                run_tests(job, records.append, plugin)
            if isinstance(plugin.outcome, CaseGone):
                raise GraderError(f"CASE={ident} is gone: {plugin.outcome}")
            _say(records, log)
            if plugin.booted is None:
                raise GraderError(f"the machine did not start: see {log}")
            return debug(plugin.booted, plugin.cell.subject if plugin.cell else 0, job.tree)
        finally:
            plugin.close()


def _say(records: list[dict], log: Path) -> None:
    result = next((r for r in records if r["type"] == "result"), None)
    if result is None or result["verdict"] == ERROR:
        words = result["text"] if result else next(
            (r["text"] for r in records if r["type"] == "crash"), "the test did not run")
        raise GraderError(f"the replay failed ({words}): see {log}")
    if result["verdict"] == FAIL:
        print(f"the test fails here: {result['text']}")
    elif result["verdict"] == PASS and not result["text"]:
        print("the test passes; the machine stands as it left it")


def debug(machine: Any, cpu: int, tree: str) -> int:
    """Hands the stopped machine to its debugger; without a terminal it prints where it is.  The
    sources that it lists are those in `tree`, which were compiled."""
    interactive = sys.stdin.isatty()
    argv = machine.debug_handoff(cpu)
    if argv is None:
        return 0
    if Path(argv[0]).name == "gdb":
        # A kernel can hold scripts for gdb.
        argv[1:1] = ["-iex", "set auto-load off", "-iex", f"directory {tree}"]
    if Path(argv[0]).name == "gdb" and not interactive:
        argv[1:1] = ["-batch"]
        for command in ("info registers pc sp eflags cs", "x/4i $pc", "info line *$pc"):
            argv += ["-ex", command]
    sys.stdout.flush()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return subprocess.call(argv)
    finally:
        signal.signal(signal.SIGINT, before)

