"""The kernel as a person boots it: the shell answers truly, with 1, 2, 4 and 8 CPUs, in each cell."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import sys
import time

import pytest

from grader.options import CELLS
from grader.paths import ROOT

SECONDS = 120       # only to notice a dead emulator


def machines(*numbers: int) -> list:
    """Cells with numbers of CPUs: each number in both emulators and both widths, which two cells are; what
    it does in the two others is slow."""
    pairs = []
    for turn, cpus in enumerate(numbers):
        for cell in CELLS:
            arch, emu = cell.split("/")
            mine = ((arch == "i386") == (emu == "bochs")) == (turn % 2 == 0)
            pairs.append(pytest.param((cell, cpus), id=f"{cell}-{cpus}",
                                      marks=() if mine else pytest.mark.slow))
    return pairs


class Shell:
    """`make run` with its console on pipes."""

    def __init__(self, cell: str, cpus: int, **settings: str):
        arch, emu = cell.split("/")
        environment = os.environ | {"FROM": "solutions", "LAB": "1", "ARCH": arch, "EMU": emu,
                                    "CPUS": str(cpus)} | settings
        # Before, since a compiler may take its time, and a shell must not.
        subprocess.run([sys.executable, "-m", "grader", "build"], cwd=ROOT, env=environment, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.process = subprocess.Popen([sys.executable, "-m", "grader", "run"], cwd=ROOT,
                                        env=environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.text = ""
        self.said = ""      # all of it
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)

    def until(self, wanted: str) -> str:
        """The output up to `wanted`."""
        deadline = time.monotonic() + SECONDS
        while wanted not in self.text:
            assert time.monotonic() < deadline, f"no {wanted!r} in {self.text!r}"
            self.read()
        before, _, self.text = self.text.partition(wanted)
        return before

    def read(self) -> None:
        """Takes what came within a second."""
        if self.selector.select(1):
            data = os.read(self.process.stdout.fileno(), 4096)
            assert data, f"the shell ended: {self.text!r}"
            text = data.decode("utf-8", "replace").replace("\r", "")
            self.text, self.said = self.text + text, self.said + text

    def settle(self, workers: int) -> None:
        """Waits for the lines of so many workers, which would mix with what is typed."""
        deadline = time.monotonic() + SECONDS
        while len(re.findall(r"worker: thread \d+ runs on CPU \d+\n", self.said)) < workers:
            assert time.monotonic() < deadline, self.said
            self.read()
        self.text = ""

    def ask(self, command: str) -> str:
        """What the shell prints for a command, up to its next prompt."""
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        self.until(command)
        return self.until("corral> ")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def shell():
    """A function that starts a shell; all end with the test."""
    started = []

    def start(*args, **settings):
        started.append(Shell(*args, **settings))
        started[-1].until("corral> ")
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture(scope="module", params=machines(1, 2, 4))
def whole(request):
    """A shell of the last stage, its cell, and its number of CPUs: several tests ask the same one."""
    cell, cpus = request.param
    console = Shell(cell, cpus, LAB="7")
    try:
        console.until("corral> ")
        console.settle(2 * (cpus - 1))
        yield console, cell, cpus
    finally:
        console.close()


@pytest.mark.parametrize("cell_cpus", machines(1, 2, 8))
def test_ps_and_cpus_answer_truly(shell, cell_cpus):
    cell, cpus = cell_cpus
    console = shell(cell, cpus)
    rows = [line.split() for line in console.ask("cpus").splitlines() if re.match(r" *\d", line)]
    assert len(rows) == cpus
    assert len({row[1] for row in rows}) == cpus            # each has its own APIC id
    assert rows[0][2] == "busy" and rows[0][3] == "1"       # CPU 0 runs this very shell
    assert all(row[2] == "idle" for row in rows[1:])
    threads = console.ask("ps").splitlines()
    assert [line.split()[0] for line in threads if "shell" in line] == ["1"]
    assert "hello from ring 3" in console.ask("run hello")
    assert "ended" in console.ask("run fault")
    assert "primes" in console.ask("run primes")
    assert "corral" in console.ask("echo corral")
    assert "There is no command" in console.ask("nonsense")


@pytest.mark.parametrize("cell_cpus", machines(1, 2, 4))
def test_all_cpus_work_and_take_nmis(shell, cell_cpus):
    """Stage 3: each other CPU has its own threads, its ticks go on, and an NMI reaches each."""
    cell, cpus = cell_cpus
    console = shell(cell, cpus, LAB="3")
    console.settle(2 * (cpus - 1))

    def ticks():
        lines = console.ask("cpus").splitlines()
        return [int(line.split()[5]) for line in lines if re.match(r" *\d", line)]

    before = ticks()
    threads = [line.split() for line in console.ask("ps").splitlines() if "worker" in line]
    assert sorted(row[2] for row in threads) == sorted(2 * [str(c) for c in range(1, cpus)])
    for cpu in range(cpus):
        assert f"CPU {cpu}: NMI number 1, at " in console.ask(f"nmi {cpu}")
    assert f"CPU {cpus - 1}: NMI number 2, at " in console.ask(f"nmi {cpus - 1}")
    assert "bad argument" in console.ask(f"nmi {cpus}") or cpus == 8
    assert all(now > then for now, then in zip(ticks(), before))


def check_corral(console, cpus):
    """Each CPU sees the old number, then the new one, and nothing in between."""
    for turn in range(1, 4):
        said = console.ask("corral")
        rows = [[int(word) for word in line.split()] for line in said.splitlines()
                if re.match(r" *\d", line)]
        assert [row[:3] for row in rows] == [[cpu, turn, turn + 1] for cpu in range(cpus)], said
        assert all(row[4] > 0 and row[5] == 0 for row in rows), said


def test_all_cpus_are_stopped_and_their_code_written_over(whole):
    console, _, cpus = whole
    check_corral(console, cpus)


@pytest.mark.parametrize("cell_cpus", machines(8))
def test_eight_cpus_are_stopped(shell, cell_cpus):
    cell, cpus = cell_cpus
    console = shell(cell, cpus, LAB="5")
    console.settle(2 * (cpus - 1))
    check_corral(console, cpus)


def test_a_program_shares_memory_with_the_kernel(whole):
    """All that a program put into its ring came out, and no lie did any harm."""
    console, _, _ = whole
    for _ in range(2):                                  # the first one's pages are free again
        said = console.ask("ring")
        pairs = re.findall(r"(?:sent|seen) +(\d+) +(\d+) +(\d+) +(\d+)", said)
        assert len(pairs) == 4 and pairs[0] == pairs[1] and pairs[2] == pairs[3], said
        assert int(pairs[2][0]) + int(pairs[2][1]) == 4500 and int(pairs[2][1]) > 0, said
        assert said.count("everywhere: the kernel took 0, refused 0.") == 3, said
        items, doorbells = map(int, re.search(r"(\d+) items, (\d+) doorbells", said).groups())
        assert 0 < doorbells < items / 4, said
        assert "WRONG" not in said


def test_the_kernel_keeps_a_log(whole):
    """Programs that start and end, and NMIs, each once."""
    console, _, cpus = whole
    said = console.ask("klog")
    assert re.search(r"^ +0 +\d+ start +0 +thread 1$", said, re.M), said       # the shell
    for cpu in range(cpus):
        console.ask(f"nmi {cpu}")
    console.ask("run hello")
    said = console.ask("klog")
    for cpu in range(cpus):
        assert len(re.findall(rf"^ +{cpu} +\d+ NMI +\d+ +at \S+ \S+", said, re.M)) == 1, said
    tid = re.search(r"NMI.* start +1 +thread (\d+)$.* end +\1 +thread \1$", said, re.M | re.S)
    assert tid and " 0 were dropped" in said, said
    assert "NMI" not in console.ask("klog")             # each record is read once
    for _ in range(40):                                 # more than there is room for
        console.ask("run hello")
    dropped = re.search(r"(\d+) were dropped", console.ask("klog"))
    assert int(dropped[1]) > 0, console.said


def test_before_lab_6_there_is_no_ring_and_no_log(shell):
    console = shell("x86_64/qemu", 2, LAB="5")
    console.settle(2)
    assert console.ask("ring").strip() == \
        "Rings come with lab 6: the kernel has no such system call."
    assert console.ask("klog").strip() == \
        "The kernel's log comes with lab 6: the kernel has no such system call."


def test_before_lab_4_there_is_no_contest_and_nobody_is_stopped(shell):
    console = shell("x86_64/qemu", 2, LAB="3")
    console.settle(2)
    assert "no such system call" in console.ask("locks")
    assert "no such system call" in console.ask("corral")


@pytest.mark.parametrize("cell_cpus", machines(1, 2, 4))
def test_all_cpus_share_the_kernel(shell, cell_cpus):
    """Stage 4: the workers start children on each CPU, and all compete for the kernel's locks."""
    cell, cpus = cell_cpus
    console = shell(cell, cpus, LAB="4")
    console.settle(2 * (cpus - 1))
    rows = [line.split() for line in console.ask("locks").splitlines()
            if re.match(r"(test-and-set|ticket|queue|kernel's) ", line)]
    assert len(rows) == 4, console.said
    for _, taken, _, _, *each in rows:
        assert len(each) == cpus and sum(map(int, each)) == int(taken) > 0, console.said
    threads = re.findall(r"\w+$", console.ask("ps"), re.M)
    assert threads.count("worker") == 2 * (cpus - 1)
    assert threads.count("child") <= 2 * (cpus - 1)     # they end, and their places are free again
    assert "hello from ring 3" in console.ask("run hello")
    assert " ended with " not in console.said and "panic" not in console.said


def test_a_timeline_of_all_cpus_is_recorded(whole):
    """What the CPUs did, by its time; twice, so the first reader has let go of all."""
    console, cell, cpus = whole
    for _ in range(2):
        said = console.ask("trace")
        rows = [(int(row[1]), int(row[2]), row[3]) for row in
                re.finditer(r"^ *(\d+) +(\d+)  (system call|switch|clock|NMI) ", said, re.M)]
        total, more = re.search(r"^(\d+) events, \d+ dropped$", said, re.M), said.count(" more\n")
        assert total and len(rows) == (40 if more else int(total[1])), said
        assert {cpu for _, cpu, _ in rows} <= set(range(cpus)), said
        width = 64 if cell.startswith("x86_64") else 32     # of the printed stamps, which may wrap
        assert all((b[0] - a[0]) % (1 << width) < 1 << (width - 1)
                   for a, b in zip(rows, rows[1:])), said
        wanted = {(0, "system call"), (0, "switch"), (0, "NMI")}
        assert wanted <= {row[1:] for row in rows}, said
        assert any(kind == "system call" for _, _, kind in rows), said


def test_before_lab_7_nothing_is_recorded(shell):
    console = shell("x86_64/qemu", 2, LAB="6")
    console.settle(2)
    assert "no such system call" in console.ask("trace")
    assert "WRONG" not in console.ask("ring")           # of this lab, and there already
    assert re.search(r"^ +0 +\d+ start ", console.ask("klog"), re.M)


def test_before_lab_3_there_is_no_nmi(shell):
    console = shell("x86_64/qemu", 2, LAB="2")
    console.settle(2)
    assert "no such system call" in console.ask("nmi 1")


@pytest.mark.parametrize("arch, cc, opt", (
    ("x86_64", "clang", "-O2"), ("i386", "gcc", "-O0"),
    pytest.param("x86_64", "gcc", "-O0", marks=pytest.mark.slow),
    pytest.param("i386", "clang", "-O0", marks=pytest.mark.slow)))
def test_both_compilers_at_both_levels(shell, arch, cc, opt):
    console = shell(f"{arch}/qemu", 2, CC=cc, OPT=opt, LAB="4")
    console.settle(2)
    assert "WRONG" not in console.ask("locks")
    assert "NMI number 1" in console.ask("nmi 1")
    assert "hello from ring 3" in console.ask("run hello")
