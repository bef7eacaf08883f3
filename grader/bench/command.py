"""`make bench`: measures the references on the last stage, beside the committed figures."""

from __future__ import annotations

import time
from dataclasses import replace

from grader import emulators, evaluate, processes
from grader.bench import plot, record
from grader.bench.figures import measure
from grader.doctor import versions
from grader.errors import GraderError
from grader.labs import find_labs
from grader.options import ARCHES, Options
from grader.paths import report_dir, shown, write_text


def bench_command(options: Options) -> int:
    """Prints the table, writes bench.json and bench.svg; with SAVE=1 the committed figures too."""
    started = time.monotonic()
    if options.emus == ("qemu",):
        raise GraderError("EMU=qemu is not possible here: `make bench` counts in Bochs, which steps "
                          "every instruction")
    lab = find_labs()[max(find_labs())]
    if options.cc != "gcc" or options.opt != "-O2":
        raise GraderError("CC and OPT are not possible here: the figures are those of gcc -O2")
    options = replace(options, source="solutions", base={}, emus=("bochs",))
    old = record.load()
    if options.save and options.arches != ARCHES:
        raise GraderError("SAVE=1 wants both widths: leave ARCH out")
    emulators.require(options.cells[0])
    grade = evaluate.prepare(lab, [], options)
    for build in grade.builds.values():
        if build.problem:
            raise GraderError(f"the reference does not build: {build.problem}")
    figures = {arch: measure(build, arch, tell=lambda title, arch=arch: _tell(arch, title))
               for arch, build in grade.builds.items()}
    if processes.on_terminal():
        print("\r\033[K", end="")
    new = record.assemble(figures, *_versions())
    print("\n".join(record.compare(new, old)))
    write_text(report_dir() / "bench.json", record.text_of(new))
    write_text(report_dir() / "bench.svg", plot.svg(new))
    print(f"written: {shown(report_dir() / 'bench.json')}, {shown(report_dir() / 'bench.svg')}")
    if options.save:
        write_text(record.COMMITTED, record.text_of(new))
        print(f"written: {shown(record.COMMITTED)}")
    different = record.changed(new, old)
    print(f"{different} figures differ from the committed ones; {time.monotonic() - started:.0f} s"
          if old else f"no figures are committed yet; {time.monotonic() - started:.0f} s")
    return 0


def _versions() -> tuple[str, str]:
    """The compiler and the emulator, as `make doctor` names them."""
    found = versions("gcc", "bochs-bin")
    return f"gcc {found['gcc']}", f"Bochs {found['bochs-bin']}"


def _tell(arch: str, title: str) -> None:
    if processes.on_terminal():
        print(f"\r\033[K{arch}: {title}", end="", flush=True)
