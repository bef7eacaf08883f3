"""Emulators as processes: they die with the grader, never meet, and can be handed to a person."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader.errors import GraderError
from grader.machine import CELLS, Cell, boot
from grader.paths import ROOT

HOLD = """\
import sys, time
sys.path.insert(0, {root!r})
from grader.machine import Cell, boot
m = boot(Cell({arch!r}, {emu!r}), {folder!r} + "/kernel.elf", {folder!r} + "/corral.iso")
m.snapshot()
m.start(0, "probe_sled")
m.snapshot()
{then}
"""
WAIT = "print('ready', flush=True)\ntime.sleep(600)"
HAND_OVER = """\
m.run(0, "probe_sled", 100_000)
command = m.debug_handoff()
print("command", "|".join(command or []), flush=True)
if command:
    sys.stdin.read()
m.close()
"""
EMULATORS = ("qemu", "bochs")
QUICK = [Cell("x86_64", "qemu"), Cell("i386", "bochs")]


def start(cell: Cell, folder: Path, then: str) -> subprocess.Popen:
    """A grader of its own that booted and stands at `then`."""
    code = HOLD.format(root=str(ROOT), arch=cell.arch, emu=cell.emu, folder=str(folder), then=then)
    # A shell starts background jobs with SIGINT ignored, and a child would keep that.
    return subprocess.Popen([sys.executable, "-I", "-c", code], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


def emulators_of(pid: int) -> set[int]:
    """The processes below this one, at any depth."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.parent.name)] = int(fields[1])
    found, last = {pid}, set()
    while found != last:
        last = found
        found = found | {child for child, parent in parents.items() if parent in found}
    return found - {pid}


def alive(pids: set[int]) -> set[int]:
    """Those that still run: a zombie does not."""
    left = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            left.add(pid)
    return left


@pytest.mark.parametrize("cell", QUICK, ids=str)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_outlives_the_grader(cell, how, kernels):
    grader = start(cell, kernels[cell.arch], WAIT)
    assert grader.stdout.readline() == "ready\n"
    below = emulators_of(grader.pid)
    assert len(below) >= (1 if cell.emu == "qemu" else 3)
    grader.send_signal(how)
    grader.wait(10)
    deadline = time.monotonic() + 10
    while alive(below) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(below)
    grader.stdin.close()
    grader.stdout.close()


@pytest.mark.parametrize("emu", EMULATORS)
def test_close_ends_all_and_leaves_nothing(emu, kernels):
    before = emulators_of(os.getpid())
    folder = kernels["i386"]
    one = boot(Cell("i386", emu), folder / "kernel.elf", folder / "corral.iso")
    two = boot(Cell("i386", emu), folder / "kernel.elf", folder / "corral.iso")
    places = {machine._private.path if emu == "bochs" else machine._qemu.dir
              for machine in (one, two)}
    assert len(places) == 2 and all(len(str(place)) < 60 for place in places)
    one.snapshot()
    one.write_u32("probe_token", 1)
    two.write_u32("probe_token", 2)
    assert (one.u32("probe_token"), two.u32("probe_token")) == (1, 2)
    started = emulators_of(os.getpid()) - before
    for machine in (one, two):
        machine.close()
        machine.close()
    deadline = time.monotonic() + 10
    while alive(started) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(started) and not any(place.exists() for place in places)


def test_gdb_attaches_where_the_machine_stands(kernels):
    cell = Cell("x86_64", "qemu")
    grader = start(cell, kernels[cell.arch], HAND_OVER)
    command = grader.stdout.readline().removeprefix("command ").strip().split("|")
    assert command[0] == "gdb"
    said = subprocess.run([*command, "-batch", "-ex", "info symbol $pc", "-ex", "stepi",
                           "-ex", "info symbol $pc"], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL).stdout
    grader.communicate("", timeout=30)
    assert "probe_sled in section .text" in said and "probe_sled + 1 in section" in said


def test_bochs_prompt_on_a_pipe_ends_with_it(kernels):
    cell = Cell("i386", "bochs")
    grader = start(cell, kernels[cell.arch], HAND_OVER)
    said, _ = grader.communicate("r\ns 0 2\nr\n", timeout=120)
    places = [int(line.split()[1].replace("_", ""), 16) for line in said.splitlines()
              if line.startswith("rip:")]
    assert len(places) == 2 and places[1] - places[0] == 2 and "probe_sled" in said
    assert said.rstrip().endswith("command")


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_missing_emulator_says_what_to_do(cell, kernels, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    folder = kernels[cell.arch]
    with pytest.raises(GraderError, match="is not installed: run ./setup"):
        boot(cell, folder / "kernel.elf", folder / "corral.iso")
