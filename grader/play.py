"""`make run` and `make debug`: the kernel booted for a person.

The console is the serial line on this terminal.  In QEMU, Ctrl-a x ends it; for Bochs this process
stands between the terminal and the emulated line and does the same.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from grader import build as building
from grader import emulators, evaluate, processes
from grader.build import Build
from grader.errors import GraderError
from grader.grade import built_lines
from grader.labs import choose, find_labs
from grader.options import Options
from grader.paths import build_dir, shown
from grader.report import style
from grader.runner import PREFIX
from grader.terminal import bridge

RAM = 64   # MiB
CPUS = 2
PATCHES = 5     # from this stage on a CPU writes over code that others run


def run_command(options: Options) -> int:
    """Boots the current lab in the first cell that ARCH and EMU allow."""
    options = _with_cpus(options)
    built = _built(options)
    if built is None:
        return 1
    arch, emu = options.cells[0].split("/")
    _say(options, f"{arch}/{emu}, {options.cpus} CPUs.  Ctrl-a x ends it.")
    with _scratch() as folder:
        if emu == "qemu":
            return _attached(_qemu(arch, built, options) + _console(options))
        if options.screen:
            raise GraderError("SCREEN=1 shows the screen in QEMU only: leave it out for Bochs")
        return bridge(lambda line: _start_bochs(built, options, folder, line))


def debug_command(options: Options) -> int:
    """The same, stopped in kmain with a debugger attached."""
    options = _with_cpus(options)
    built = _built(options)
    if built is None:
        return 1
    arch, emu = options.cells[0].split("/")
    with _scratch() as folder:
        log = build_dir() / "debug-serial.log"
        log.write_bytes(b"")
        print(f"{arch}/{emu}, {options.cpus} CPUs.  The kernel's console goes to {shown(log)}.",
              flush=True)
        if emu == "bochs":
            return _debug_bochs(built, options, folder, log)
        return _debug_qemu(arch, built, options, folder, log)


def _built(options: Options) -> Build | None:
    """Builds the first width asked for; says why if it does not build."""
    lab = choose(options.lab, find_labs())
    emulators.require(options.cells[0])
    one = Options(**{**options.__dict__, "arches": (options.cells[0].split("/")[0],)})
    grade = evaluate.prepare(lab, [], one)
    building.remember(lab)
    for line in built_lines(lab, grade, one, style.for_terminal(), details=True):
        print(line, flush=True)
    built = next(iter(grade.builds.values()))
    return None if built.problem else built


def _with_cpus(options: Options) -> Options:
    """The same with a number of CPUs: two, unless CPUS says otherwise."""
    return replace(options, cpus=options.cpus or CPUS)


def _scratch() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-")


def _say(options: Options, words: str) -> None:
    print(words if sys.stdin.isatty() else words.split(".")[0] + ".", flush=True)


# ---- QEMU ----

def _qemu(arch: str, built: Build, options: Options) -> list[str]:
    # With a thread for each CPU, one may translate code while another writes over it, and QEMU 7.2
    # keeps what it read before: an INT3 of text_poke() would be met long after it is gone.
    threads = "tcg,thread=single" if int(built.lab.removeprefix("lab")) >= PATCHES else "tcg"
    return [f"qemu-system-{arch}", "-M", "pc", "-accel", threads, "-cpu", emulators.QEMU_CPU[arch],
            "-m", str(RAM), "-smp", str(options.cpus), "-nodefaults", "-vga", "std", "-no-reboot",
            "-boot", "d", "-cdrom", str(built.iso)]


def _console(options: Options) -> list[str]:
    if options.screen:
        return ["-display", "curses", "-serial", "null"]
    serial = "mon:stdio" if sys.stdin.isatty() else "stdio"
    return ["-display", "none", "-serial", serial]


def _attached(argv: list[str]) -> int:
    """Runs QEMU on this terminal; Ctrl-C belongs to the guest's console."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = subprocess.call(["setpriv", "--pdeathsig", "KILL", "--", *argv])
    finally:
        signal.signal(signal.SIGINT, before)
    return 0 if code == 0 else 1


def _debug_qemu(arch: str, built: Build, options: Options, folder: str, log: Path) -> int:
    socket = Path(folder) / "gdb"
    argv = _qemu(arch, built, options) + [
        "-display", "none", "-chardev", f"file,id=com1,path={folder}/serial", "-serial",
        "chardev:com1", "-chardev", f"socket,id=gdb,path={socket},server=on,wait=off",
        "-gdb", "chardev:gdb", "-S"]
    os.symlink(log.resolve(), Path(folder) / "serial")
    qemu = processes.start(argv, stdin=subprocess.DEVNULL)
    try:
        emulators.wait_for(socket, qemu)
        return gdb(built.elf, socket, ["-ex", "hbreak kmain", "-ex", "continue"], built)
    finally:
        processes.kill(qemu)


def gdb(elf: Path, socket: Path, commands: list[str], built: Build) -> int:
    """Runs gdb on a socket; without a terminal it prints where it is and ends."""
    argv = ["gdb", "-nx", "-q", "-ex", "set confirm off", "-ex", "set pagination off",
            "-ex", f"directory {_quoted(built.folder / 'tree')}",
            "-ex", f"target remote {socket}", *commands, str(elf)]
    if not sys.stdin.isatty():
        argv[1:1] = ["-batch"]
        argv[-1:-1] = ["-ex", "bt", "-ex", "x/4i $pc"]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return subprocess.call(argv)
    finally:
        signal.signal(signal.SIGINT, before)


def _quoted(path: Path) -> str:
    return '"' + str(path).replace('"', '\\"') + '"'


# ---- Bochs ----

def _start_bochs(built: Build, options: Options, folder: str, line: str) -> subprocess.Popen:
    """Bochs with its serial line on the terminal device `line`."""
    argv = emulators.bochs(folder, built.iso, options.cpus, RAM, f"mode=term, dev={line}",
                           ["c", "q"])
    return processes.start(argv, cwd=folder, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           env={**os.environ, "TERM": "dumb"})


def _debug_bochs(built: Build, options: Options, folder: str, log: Path) -> int:
    """Bochs' own debugger, stopped in kmain, with the kernel's symbols."""
    symbols = Path(folder) / "symbols"
    stops = emulators.write_symbols(built.elf, symbols)
    commands = [f'ldsym global "{symbols.name}"', *(f"lb {stop:#x}" for stop in stops), "c"]
    interactive = sys.stdin.isatty()
    if not interactive:
        commands += ["r", "u /4", "q"]
    argv = emulators.bochs(folder, built.iso, options.cpus, RAM, "mode=file, dev=serial", commands)
    if interactive:
        print("Bochs' debugger: help, s (step), r (registers), u (disassemble), c, q.", flush=True)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        subprocess.call(["setpriv", "--pdeathsig", "KILL", "--", *argv], cwd=folder,
                        stderr=subprocess.DEVNULL, env={**os.environ, "TERM": "dumb"})
    finally:
        signal.signal(signal.SIGINT, before)
        if (Path(folder) / "serial").exists():
            shutil.copyfile(Path(folder) / "serial", log)
    return 0
