"""`make labN` and `make grade`: build, run, report."""

from __future__ import annotations

import json
import time

from grader import build as building
from grader import evaluate, hidden, processes, tell
from grader.build import Build, friendly_errors
from grader.errors import GraderError
from grader.evaluate import Grade
from grader.knobs import FULL
from grader.labs import Lab, Test, choose, find_labs, select, stage
from grader.options import Options
from grader.paths import build_dir, report_dir
from grader.progress import Progress
from grader.report import cases, junit, model, page, style, text
from grader.report.style import Style, clean, join


def build_command(options: Options) -> int:
    """Builds the lab in the widths asked for, remembers it, says what came out."""
    lab = choose(options.lab, find_labs())
    grade = evaluate.prepare(lab, [], options)
    building.remember(lab)
    building.tidy()
    _print(built_lines(lab, grade, options, style.for_terminal(), details=True))
    if not any(build.problem for build in grade.builds.values()):
        return 0
    print("(make's \"Error\" below only means: it does not build yet.)")
    return 1


def built_lines(lab: Lab, grade: Grade, options: Options, paint: Style,
                details: bool) -> list[str]:
    """"lab1  built x86_64 and i386, 1.4 s", warnings, and errors if `details`."""
    level = FULL if details else options.tell      # details are for one's own code, not a grade
    builds = {arch: tell.build(build, level) for arch, build in grade.builds.items()}
    good = [arch for arch, build in builds.items() if not build.problem]
    lines = []
    if good:
        origin = "" if options.source == "labs" else f"   from: {clean(options.source)}"
        lines.append(f"lab{lab.number}  built {join(good)}, {grade.times['build']:.1f} s."
                     f"{base_words(lab, grade, options)}{origin}")
    for message in dict.fromkeys(m for b in builds.values() for m in b.notes + b.warnings):
        lines.append(f"warning: {clean(message)}")
    for problem, arches in _problems(builds).items():
        lines.append(f"{paint.paint('bad', 'does not build')} ({join(arches)}): {clean(problem)}")
        if details:
            build = builds[arches[0]]
            lines += ["  " + clean(line) for line in build.details if line != problem]
    return lines


def _problems(builds: dict[str, Build]) -> dict[str, list[str]]:
    problems: dict[str, list[str]] = {}
    for arch, build in builds.items():
        if build.problem:
            problems.setdefault(build.problem, []).append(arch)
    return problems


def base_words(lab: Lab, grade: Grade, options: Options) -> str:
    """"   base: your lab1 and lab2": which earlier labs it stands on, and whose."""
    earlier = [source for source in grade.sources if source.lab.number != lab.number]
    if not earlier:
        return ""
    whose: dict[str, list[str]] = {}
    for source in earlier:
        place = "your" if source.label.startswith("labs/") else "the reference's"
        whose.setdefault(place, []).append(f"lab{source.lab.number}")
    return "   base: " + join([f"{place} {join(names)}" for place, names in whose.items()])


def grade_command(options: Options) -> int:
    """Grades the lab; 0 full marks, 1 not, 2 the grader itself failed."""
    started = time.monotonic()
    lab = hidden.extend(choose(options.lab, find_labs()), options.hidden)
    tests = _runnable(select(lab, options.test), options)
    paint = style.for_terminal()
    grade = evaluate.prepare(lab, tests, options, at=_later(lab, options))
    building.remember(lab)
    _print(built_lines(lab, grade, options, paint, details=False))
    progress = Progress(processes.on_terminal(), paint)
    with friendly_errors(build_dir()):
        evaluate.run(grade, progress, first=last_failures(lab), logs=report_dir())
        progress.erase()
        grade.times["total"] = time.monotonic() - started
        data = write_report(grade)
    building.tidy()
    _print(text.report(data, paint, options.as_text))
    if grade.errors:
        return 2
    return 0 if data["full"] else 1


def _later(lab: Lab, options: Options) -> Lab | None:
    """The lab that STAGE names, which must stand on the one that is graded."""
    if not options.stage:
        return None
    labs = find_labs()
    later = choose(options.stage, labs)
    if lab.number not in [each.number for each in stage(later, labs)]:
        raise GraderError(f"STAGE={options.stage} does not stand on lab {lab.number}: name a later "
                          "lab")
    return later


def _runnable(tests: list[Test], options: Options) -> list[Test]:
    """The tests, if at least one runs in the cells asked for: nothing passes by not running."""
    if any(cell in test.cells for test in tests for cell in options.cells):
        return tests
    raise GraderError(f"{', '.join(test.id for test in tests)} does not run in "
                      f"{', '.join(options.cells)}: {tests[0].why}")


def write_report(grade: Grade) -> dict:
    """Writes grade.json, cases.json, junit.xml and index.html; gives the report's data."""
    data = model.assemble(grade)
    table = cases.number_cases(grade)
    model.save(data)
    cases.save(grade, table)
    junit.save(data)
    page.save(data)
    return data


def last_failures(lab: Lab) -> dict[str, list[str]]:
    """By cell, the tests that failed in the last report of this lab."""
    try:
        data = json.loads((report_dir() / "grade.json").read_text(encoding="utf-8"))
        if data["schema"] != model.SCHEMA or data["lab"]["number"] != lab.number:
            return {}
        failing: dict[str, list[str]] = {}
        for exercise in data["exercises"]:
            for test in exercise["tests"]:
                for cell, result in test["results"].items():
                    if result["verdict"] != "pass":
                        failing.setdefault(cell, []).append(test["id"])
        return failing
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _print(lines: list[str]) -> None:
    for line in lines:
        print(line.rstrip(), flush=True)
