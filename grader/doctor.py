"""`make doctor`: each tool, its version, what was tested, and a sentence for what is wrong."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from glob import glob
from importlib import import_module

from grader import knobs, processes, sandbox
from grader.emulators import BOCHS_FILES
from grader.labs import find_labs, used
from grader.options import Options
from grader.paths import build_dir
from grader.sandbox import bubblewrap
from grader.versions import notes_for, was_tested


@dataclass(frozen=True)
class Tool:
    """A program, its package and the versions this tree was tested with: Debian 12's and 13's."""

    program: str
    package: str
    tested: tuple[str, ...]
    why: str
    arguments: tuple[str, ...] = ("--version",)


TOOLS = (
    Tool("make", "make", ("4.3", "4.4"), "every command"),
    Tool("gcc", "gcc", ("12.2", "14.2"), "the compiler"),
    Tool("clang", "clang", ("14.0", "19.1"), "the other compiler (CC=clang)"),
    Tool("ld", "binutils", ("2.40", "2.44"), "links the kernel"),
    Tool("qemu-system-x86_64", "qemu-system-x86", ("7.2", "10.0"), "64-bit cells"),
    Tool("qemu-system-i386", "qemu-system-x86", ("7.2", "10.0"), "32-bit cells"),
    Tool("qemu-img", "qemu-utils", ("7.2", "10.0"), "snapshots in QEMU"),
    Tool("bochs-bin", "bochs", ("2.7", "3.0"), "the cells of Bochs", ("--help",)),
    Tool("grub-mkimage", "grub-common", ("2.06", "2.12"), "the boot image"),
    Tool("xorriso", "xorriso", ("1.5",), "the boot image", ("-version",)),
    Tool("gdb", "gdb", ("13.1", "16.3"), "make debug, make replay"),
    Tool("sphinx-build", "python3-sphinx", ("5.3", "8.1"), "make docs"),
    Tool("git", "git", ("2.39", "2.47"), "make pr, make release"),
    Tool("bwrap", "bubblewrap", ("0.8", "0.12"), "grading the code of others"),
    Tool("setpriv", "util-linux", ("2.38", "2.41"), "no process is left behind"),
)
PYTHON = ("3.11", "3.13")
MODULES = (("pytest", "python3-pytest", ("7.2", "8.3")),
           ("elftools", "python3-pyelftools", ("0.29", "0.32")),
           ("capstone", "python3-capstone", ("4.0", "5.0")),
           ("furo", "furo", ("2022.12", "2024.8")))
FILES = (("/usr/lib/grub/i386-pc/multiboot2.mod", "grub-pc-bin"),
         ("/usr/include/stdio.h", "libc6-dev"),
         *((file, package) for package, file in BOCHS_FILES.items()))


def doctor_command(options: Options) -> int:
    """Prints the list; 1 if something is wrong."""
    wrong: list[str] = []
    notes: list[str] = []
    for tool in TOOLS:
        path = shutil.which(tool.program)
        found = version_of(tool) if path else "missing"
        print(_line(tool.program, found, tool.tested, tool.why))
        notes += [f"{tool.program} {found}: {text}" for text in notes_for(tool.program, found)]
        if not path:
            wrong.append(f"{tool.program} is missing ({tool.why}): ./setup installs {tool.package}")
    print(_line("python", sys.version.split()[0], PYTHON, sys.executable))
    for name, package, tested in MODULES:
        found = module_version(name)
        print(_line(name, found, tested, ""))
        if found == "missing":
            wrong.append(f"Python's {name} is missing: ./setup installs {package}")
    for file, package in FILES:
        if not os.path.exists(file):
            wrong.append(f"{file} is missing: ./setup installs {package}")
    wrong += bochs_display() + folders()
    print(f"{'processors':<20}{len(os.sched_getaffinity(0))}")
    private = "yes" if sandbox.possible() else "no: user namespaces are off, names are checked only"
    print(f"{'private builds':<20}{private}")
    print(f"{'sandbox':<20}{bubblewrap.refusal() or 'yes'}")
    print(f"{'labs':<20}{', '.join(lab.slug for lab in used(find_labs()).values()) or 'none'}")
    print(f"{'course.toml':<20}{knobs.load().hash[:12] or 'none: the defaults'}")
    for sentence in notes:
        print(f"note: {sentence}")
    for sentence in wrong:
        print(f"wrong: {sentence}")
    print("everything is in place" if not wrong else f"{len(wrong)} things to do")
    return 1 if wrong else 0


def _line(name: str, found: str, tested: tuple[str, ...], why: str) -> str:
    """One row; a version that nobody tried is marked, which is not a mistake."""
    tried = found == "missing" or was_tested(found, tested)
    words = f"tested {', '.join(tested)}" + ("" if tried else " (not this)")
    return f"{name:<20}{found:<12}{words:<29}{why}".rstrip()


def version_of(tool: Tool) -> str:
    """The first number with a dot that the program prints about itself."""
    try:
        done = subprocess.run([tool.program, *tool.arguments], capture_output=True, text=True,
                              errors="replace", timeout=20, check=False, stdin=subprocess.DEVNULL,
                              env=processes.clean_environment())
    except (OSError, subprocess.TimeoutExpired):
        return "no answer"
    match = re.search(r"\b\d+\.\d+(?:\.\d+)*", done.stdout + done.stderr)
    return match[0] if match else "?"


def versions(*programs: str) -> dict[str, str]:
    """version_of() each of these programs."""
    return {tool.program: version_of(tool) for tool in TOOLS if tool.program in programs}


def module_version(name: str) -> str:
    try:
        return str(getattr(import_module(name), "__version__", "?"))
    except ImportError:
        return "missing"


def bochs_display() -> list[str]:
    """Bochs without a screen needs its terminal display."""
    if glob("/usr/lib/*/bochs/plugins/libbx_term_gui.so"):
        return []
    return ["Bochs' display library `term` is missing: ./setup installs bochs-term"]


def folders() -> list[str]:
    """The places that are written: build/ and the folder for temporary files."""
    wrong = []
    for place in (build_dir(), tempfile.gettempdir()):
        try:
            os.makedirs(place, exist_ok=True)
            with tempfile.TemporaryFile(dir=place):
                pass
        except OSError as error:
            wrong.append(f"{place} cannot be written ({error.strerror})")
        else:
            if shutil.disk_usage(place).free < 300 << 20:
                wrong.append(f"{place} has less than 300 MB free")
    return wrong
