"""The stage of the tests: threads of the ring-3 checker, and looks at what the kernel did.

One CPU is the subject, CPU 0 unless a test says otherwise.  Another, the witness, stays parked and
answers calls while the subject stands still.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property

from grader.elf import elf_of
from grader.errors import GraderError
from grader.explore.registers import DF, IF, Layout
from grader.machine.types import Unmapped
from grader.stops import failure_of_stop
from grader.verdict import WRONG, Fail, Place, Stack, StackRow

SUBJECT, WITNESS = 0, 1
INTERRUPTS_ON = 1               # flags of a mailbox, struct probe_mailbox: kernel/include/probe.h
PASSIVE, DISPATCH, CLOCK, IPI, HIGH = 0, 2, 13, 14, 15     # levels: kernel/include/irql.h
LAYOUT_FIELDS = (
    "thread_size", "thread_state", "thread_as", "thread_lab1", "thread_lab2", "thread_lab3",
    "cpu_size", "cpu_current", "cpu_as", "cpu_kstack_top", "cpu_own_top", "cpu_tss", "cpu_gdt",
    "cpu_lab1", "cpu_lab2", "cpu_lab3", "cpu_lab4", "cpu_lab5", "cpu_probe", "cpu_nmis",
    "cpu_online",
    "canary_size", "area1_size", "area2_size", "area3_size", "area4_size", "area5_size",
    "kstack_size", "own_stack_size")
LABS_WITH_AREAS = {"thread_lab": (1, 2, 3), "cpu_lab": (1, 2, 3, 4, 5)}
OWN_STACKS = ("double fault", "NMI", "machine check", "debug")  # enum own_stack
OTHER = "lab's own"             # what stack_of() calls kernel memory that it does not know
KERNEL_FROM = {64: 0xFFFF_8000_0000_0000, 32: 0xC000_0000}     # kernel/include/layout.h
DEVICE = range(0x50, 0xC0)      # vectors that the kernel's probe answers, but for this one:
SYSTEM_CALL = 0x80
BUDGET = 40_000                 # instructions for one way through the kernel
PAGE = 4096
DRAWN = 8                       # words of a stack that a report shows
REPAIRS = 4                     # faults of the kernel that may come before one of ring 3
PATH_LIMIT = 4096               # a longer path dilutes the sweep, and fails


def flags_for(level: int = 0, interrupts: bool = False) -> int:
    """The flags of a mailbox: the call's level, and whether interrupts are on."""
    return level << 8 | (INTERRUPTS_ON if interrupts else 0)


@dataclass
class Guarded:
    """The labs' areas of a thread or a CPU, each between two canaries that nobody may change."""

    address: int
    size: int
    sides: list[tuple[str, int, bytes]]     # its name, its offset, its bytes


class Scene:
    """What one test does with its machine."""

    def __init__(self, cell, cpu: int = SUBJECT):
        self.cell = cell
        self.cpu = cell.subject = cpu
        self.witness = WITNESS if cpu == SUBJECT else SUBJECT
        self.m = cell.machine
        self.random = cell.random
        self.layout = Layout(self.m.width)
        self.checker = elf_of(self.m.elf.path.with_name("checker.elf"))
        # All pages of its code, with the zeros that the loader puts behind it.
        self.text_start = self.checker.address("_start") & -PAGE
        end = self.checker.address("checker_gs_selector_next") + PAGE & -PAGE
        size = end - self.text_start
        self.text = self.checker.read(self.text_start, size).ljust(size, b"\0")
        raw = self.m.read("probe_layout", 4 * len(LAYOUT_FIELDS))
        self.offset = dict(zip(LAYOUT_FIELDS, struct.unpack(f"<{len(LAYOUT_FIELDS)}I", raw)))
        self.block = self.block_of(cpu)         # the subject's struct cpu
        self.token = 0
        self.turn = 0                           # for a test in which two things take turns
        self.canaries: list[Guarded] = []

    def block_of(self, cpu: int) -> int:
        """The address of a CPU's struct cpu."""
        return self.m.elf.address("cpus") + cpu * self.offset["cpu_size"]

    # ---- making a state ----

    def vector(self, low: int = DEVICE.start, high: int = DEVICE.stop) -> int:
        """A random vector of a device that does not exist."""
        vector = self.random.randrange(low, high - 1)
        return vector + (vector >= SYSTEM_CALL) if low < SYSTEM_CALL < high else vector

    def tss(self) -> None:
        """Exercise 1.1 as the kernel's start would use it."""
        self.m.call(self.cpu, "tss_init", self.block)

    def thread(self) -> int:
        """A thread of the checker for the subject; its address in the kernel."""
        thread = self.m.call(SUBJECT, "probe_thread", self.cpu, budget=3_000_000)
        if not thread:
            raise GraderError("the kernel could not make a thread for a test")
        return thread

    def present(self) -> int:
        """A thread that is the subject's present one, with its entry stack named."""
        thread = self.thread()
        self.adopt(thread)
        self.guard(thread)
        return thread

    def adopt(self, thread: int) -> None:
        """Makes a thread the subject's present one, and names its entry stack."""
        self.m.call(self.cpu, "probe_adopt", thread)
        self.m.call(self.cpu, "tss_set_sp0", self.block, thread)

    @property
    def honest(self) -> dict[str, int]:
        """What a thread that leaves GS alone has there (32 bits; 0 before lab 2)."""
        return {} if self.m.width == 64 else {"gs": self.m.u16("user_gs")}

    def fresh_token(self) -> int:
        """A number that the next interrupts have to turn over."""
        self.token = self.random.getrandbits(32)
        self.m.write_u32("probe_token", self.token)
        return self.token

    def guard(self, *threads: int) -> None:
        """Puts random bytes around the labs' areas of each thread and of the subject's CPU."""
        places = [("the thread's area", thread, "thread_lab") for thread in threads]
        if not self.canaries:
            places.append((f"CPU {self.cpu}'s area", self.block, "cpu_lab"))
        for name, base, field in places:
            start = base + self.offset[f"{field}1"]
            guarded = Guarded(start, 0, [])
            for lab in LABS_WITH_AREAS[field]:
                at = base + self.offset[f"{field}{lab}"] - start
                self._canaries(guarded, at, self.offset[f"area{lab}_size"],
                               name if lab == 1 else f"{name} of lab {lab}")
            self.canaries.append(guarded)

    def _canaries(self, guarded: Guarded, at: int, area: int, name: str) -> None:
        """Writes the two canaries of one lab's area, `at` bytes into the guarded block."""
        size = self.offset["canary_size"]
        for side, offset in (("below", at), ("above", at + size + area)):
            data = self.random.randbytes(size)
            self.m.write(guarded.address + offset, data)
            guarded.sides.append((f"{side} {name}", offset, data))
            guarded.size = offset + size

    def enter(self, regs: dict[str, int]) -> None:
        """Goes to ring 3 with these registers, by the grader's own code."""
        address = self.m.elf.address("probe_regs")
        self.m.write(address, self.layout.pack(regs))
        self.m.start(self.cpu, "probe_enter_user", address)
        stop = self.m.run(self.cpu, regs["ip"], BUDGET)
        if stop.reason != "address":
            raise self.failed(stop, "ring 3, which the grader's own code returns to")
        if self.m.regs(self.cpu).cpl != 3:
            raise GraderError(f"the grader's own way to ring 3 failed: {stop}")

    def sled(self, at: int = 0) -> int:
        """The address of a NOP in the checker."""
        return self.checker.address("checker_sled") + at

    def trap_size(self, name: str) -> int:
        """The length of one of the checker's trapping instructions."""
        return self.checker.address(f"checker_{name}_next") - self.checker.address(f"checker_{name}")

    # ---- running and looking ----

    def run_to(self, until, expected: str, *, at: Place | None = None, budget: int = BUDGET):
        """Runs the subject to one of the addresses; anything else is the student's failure."""
        stop = self.m.run(self.cpu, until, budget, exact=False)
        if stop.reason == "address":
            return stop
        raise self.failed(stop, expected, at)

    def run_cpu(self, cpu: int, until, expected: str) -> None:
        """As run_to(), for another CPU."""
        stop = self.m.run(cpu, until, BUDGET, exact=False)
        if stop.reason != "address":
            raise self.failed(stop, expected)

    def run_to_trap(self, expected: str, at: Place | None = None) -> dict[str, int]:
        """Runs the subject to ktrap() for a trap of ring 3; gives the saved registers.

        From lab 2 on a fault of the kernel may come first: the one that repairs GS.
        """
        for _ in range(REPAIRS):
            self.run_to("ktrap", expected, at=at)
            saved = self.saved(self.argument(0))
            if saved["cs"] & 3 == 3:
                return saved
        return saved

    def jump(self, pc: int, **registers: int) -> None:
        """The subject's next instruction is this one; with other registers, if any are named."""
        self.m.set_regs(self.cpu, **{"rip" if self.m.width == 64 else "eip": pc}, **registers)

    def check_keeps(self, cpu: int, function: str, *args: int, level: int, interrupts: bool) -> None:
        """Calls a function on a CPU, at a level, with interrupts on or off: fails unless both are as they
        were when it returns."""
        self.m.start(cpu, function, *args, flags=flags_for(level, interrupts))
        self.run_cpu(cpu, function, "the grader's own code")
        before, name = self.m.regs(cpu), function.removeprefix("probe_")
        self.run_cpu(cpu, self.m.ptr(before.sp, cpu), f"{name}() returns")
        after = self.m.regs(cpu)
        if (before.cr8, before.flags & IF) != (after.cr8, after.flags & IF):
            raise Fail(WRONG, expected=f"{name}() leaves level {before.cr8} and "
                       f"IF = {before.flags >> 9 & 1} as they were",
                       seen=f"level {after.cr8}, IF = {after.flags >> 9 & 1}")
        if after.flags & DF:
            raise Fail(WRONG, expected=f"{name}() leaves DF = 0, as all C wants it", seen="DF = 1")
        self.run_cpu(cpu, "probe_returned", "the grader's own code")

    def check_kernel_stack(self, name: str, **details) -> None:
        """At a C function that an entry calls: fails unless it is on the subject's kernel stack."""
        low, top = self.kernel_stack()
        sp = self.m.regs(self.cpu).sp
        if not low < sp <= top:
            raise Fail(WRONG, expected=f"{name}() on the kernel stack",
                       seen=f"{self.layout.title('sp')} = {sp:#x}{self.memory(sp)}", **details)

    def check_c(self, name: str, **details) -> None:
        """At a C function that an entry calls: interrupts off, DF clear, RSP where a CALL leaves it."""
        regs = self.m.regs(self.cpu)
        if regs.flags & IF:
            raise Fail(WRONG, expected=f"interrupts off in {name}()", seen="IF = 1", **details)
        if regs.flags & DF:
            raise Fail(WRONG, expected=f"DF = 0 in {name}()", seen="DF = 1",
                       **{"cause": "C code expects that string instructions go up."} | details)
        if self.m.width == 64 and regs.sp % 16 != 8:
            raise Fail(WRONG, expected="RSP a multiple of 16 before CALL (System V ABI 3.2.2)",
                       seen=f"RSP = {regs.sp:#x} in {name}()", **details)

    def run_to_leave(self, at: Place | None = None) -> None:
        """Runs the subject until it leaves the kernel by ret_to_user(), which it may not with IF = 1."""
        self.run_to("ret_to_user", "ret_to_user() called, to leave the kernel", at=at)
        if self.m.regs(self.cpu).flags & IF:
            raise Fail(WRONG, expected="interrupts off at ret_to_user()", seen="IF = 1", at=at,
                       cause="an interrupt now would find a kernel that has half left.")

    def failed(self, stop, expected: str, at: Place | None = None) -> Exception:
        """The failure that a stop is."""
        stop = self.m.grace(stop)
        failure = failure_of_stop(stop)
        if failure is None:
            return GraderError(f"the emulator stopped: {stop}")
        if not self.m.elf.symbol_at(stop.pc) and self.checker.symbol_at(stop.pc):
            failure.went_wrong = Place(self.checker.where(stop.pc),
                                       self.checker.instruction(stop.pc).text, "", "ring 3")
        cause = ""
        if stop.reason == "halted":
            cause = "the CPU halted with nothing pending; nothing will wake it."
        return Fail(failure.reason, expected=expected, seen=failure.seen, at=at,
                    went_wrong=failure.went_wrong, cause=cause)

    def argument(self, index: int, cpu: int | None = None) -> int:
        """An argument of the C function that the subject, or another CPU, is about to enter."""
        cpu = self.cpu if cpu is None else cpu
        regs = self.m.regs(cpu)
        if self.m.width == 64:
            return (regs.rdi, regs.rsi, regs.rdx)[index]
        return self.m.ptr(regs.esp + 4 * (index + 1), cpu)

    def saved(self, address: int) -> dict[str, int]:
        """struct regs at an address of the kernel."""
        return self.layout.unpack(self.m.read(address, self.layout.size))

    def thread_regs(self, thread: int) -> int:
        """What the lab's accessor says, asked on CPU 1."""
        return self.m.call(self.witness, "thread_regs", thread)

    def check_saved(self, seen: dict[str, int], expected: dict[str, int], where: str,
                    whose: str = "ring 3", **details) -> None:
        """Fails if a saved register is not what ring 3 had, or whoever was interrupted."""
        wrong = self.layout.differences(expected, seen)
        if not wrong:
            return
        name = wrong[0]
        word = self.layout
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise Fail(WRONG, expected=f"{word.title(name)} = {word.hex(name, expected[name])}, "
                   f"as {whose} had it",
                   seen=f"{word.title(name)} = {word.hex(name, seen[name])}{more}",
                   stack=word.drawing(where, seen, expected), **details)

    def check_user(self, expected: dict[str, int], **details) -> None:
        """Fails unless the subject is in ring 3, in the checker's own code, with these registers."""
        regs = self.m.regs(self.cpu)
        if regs.cpl != 3:
            raise Fail(WRONG, expected="ring 3", seen=f"ring {regs.cpl}", **details)
        self.check_code(regs.pc, **details)
        seen = self.layout.of_machine(regs)
        wrong = self.layout.differences(expected, seen)
        if wrong:
            word, name = self.layout, wrong[0]
            more = f"; also wrong: {', '.join(word.title(n) for n in wrong[1:])}" if wrong[1:] else ""
            raise Fail(WRONG,
                       expected=f"{word.title(name)} = {word.hex(name, expected[name])} in ring 3",
                       seen=f"{word.title(name)} = {word.hex(name, seen[name])}{more}", **details)

    def check_gs(self, base: int = 0, **details) -> None:
        """In ring 3: fails unless its GS base is its own, and the kernel's is put by (64 bits)."""
        if self.m.width == 32:
            return
        regs = self.m.regs(self.cpu)
        if regs.gs_base != base or regs.kernel_gs_base != self.block:
            raise Fail(WRONG, expected=f"GS base {base:#x} in ring 3, and {self.block:#x} for the "
                       "kernel's next SWAPGS",
                       seen=f"{regs.gs_base:#x} and {regs.kernel_gs_base:#x}",
                       cause="a SWAPGS was done once too often, or not done.", **details)

    def check_code(self, pc: int, **details) -> None:
        """Fails if the checker's code in front of the subject is not what the grader put there."""
        try:
            text = self.m.read(self.text_start, len(self.text), self.cpu)
        except Unmapped:
            raise Fail(WRONG, expected="ring 3 in the thread's own address space",
                       seen="its program is not mapped there",
                       cause="what the kernel keeps of the thread was overwritten, or CR3 is not "
                             "the thread's.", **details) from None
        if text != self.text:
            raise Fail(WRONG, expected="the ring-3 program's own code",
                       seen=f"other bytes in its memory around {pc:#x}", **details)

    def check_canaries(self, **details) -> None:
        """Fails if the kernel wrote outside the lab's areas."""
        for area in self.canaries:
            now = self.m.read(area.address, area.size)
            for name, at, data in area.sides:
                here = now[at:at + len(data)]
                if here == data:
                    continue
                first = next(i for i, (a, b) in enumerate(zip(here, data)) if a != b)
                count = sum(a != b for a, b in zip(here, data))
                raise Fail(WRONG, expected=f"the {len(data)} bytes {name} untouched",
                           seen=f"{count} of them changed, the first at offset {first}",
                           stack=self._overrun(name, here, data), **(
                               {"cause": "what was pushed did not fit, and went on into what "
                                "belongs to somebody else."} | details))

    def _overrun(self, name: str, now: bytes, before: bytes) -> Stack:
        """The words of a canary that changed, the highest address first."""
        word = self.layout.word
        rows = []
        for at in reversed(range(0, len(now), word)):
            here, there = now[at:at + word], before[at:at + word]
            if here != there:
                value = int.from_bytes(here, "little")
                symbol = self.m.elf.symbol_at(value)
                note = self.m.elf.where(value) if symbol else ""
                rows.append(StackRow(f"+{at}", "", f"{value:0{2 * word}x}", note))
        return Stack(f"what was written {name}", rows[:DRAWN])

    def check_answered(self, vector: int, times: int = 1, **details) -> None:
        """Fails unless the interrupt's handler ran, exactly so often, with the present token."""
        answer = self.m.u32(self.m.elf.address("probe_answer") + 4 * vector)
        count = self.m.u32(self.m.elf.address("probe_count") + 4 * vector)
        if count != times or answer != self.token ^ 0xFFFFFFFF:
            raise Fail(WRONG, expected=f"the handler of vector {vector:#x} ran "
                       f"{'once' if times == 1 else f'{times} times'}",
                       seen=f"it ran {count} times", **details)

    def kernel_stack(self) -> tuple[int, int]:
        """The bounds of the subject's kernel stack: lowest address, top."""
        return self._kernel_stack

    @cached_property
    def _kernel_stack(self) -> tuple[int, int]:
        top = self.m.ptr(self.block + self.offset["cpu_kstack_top"])
        return top - self.offset["kstack_size"], top

    def stack_of(self, sp: int) -> str:
        """Which stack a stack pointer of the subject is in."""
        low, top = self.kernel_stack()
        if low <= sp <= top:
            return "kernel"
        size = self.offset["own_stack_size"]
        for number, own in enumerate(self.own_tops):
            if own - size < sp <= own:
                return OWN_STACKS[number]
        for area in self.canaries:
            if area.address <= sp < area.address + area.size:
                return "area"
        if self.block <= sp < self.block + self.offset["cpu_size"]:
            return "SYSENTER"
        return OTHER if sp >= KERNEL_FROM[self.m.width] else "ring 3"

    @cached_property
    def own_tops(self) -> list[int]:
        """The tops of the subject's own stacks, in the order of enum own_stack."""
        at, word = self.block + self.offset["cpu_own_top"], self.layout.word
        return [self.m.ptr(at + number * word) for number in range(len(OWN_STACKS))]

    def memory(self, address: int) -> str:
        """What an address of the kernel is, in words for a report; "" if it is nothing special."""
        low, top = self.kernel_stack()
        if low <= address <= top:
            return f", {top - address} bytes below the top of the kernel stack"
        for area in self.canaries:
            if area.address <= address < area.address + area.size:
                return f", in {area.sides[0][0].partition(' ')[2]}"
        return ""

    def user_place(self, label: str = "interrupt came at") -> Place:
        """Where the subject is in the checker."""
        pc = self.m.pc(self.cpu)
        return Place(self.checker.where(pc), self.checker.instruction(pc).text, "",
                     "ring 3", label)
