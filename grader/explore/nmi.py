"""NMIs for lab 3's tests: a scene that sends them, and what the kernel must have made of them."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from grader.explore.drawing import delivery, drawn
from grader.explore.registers import DF, IF
from grader.explore.scene import BUDGET, DISPATCH, HIGH, OTHER, PASSIVE, Scene
from grader.explore.sweep import Event, elf_of
from grader.verdict import WRONG, Fail

VECTOR, KERNEL_DS = 2, 0x10
SHORT_BUDGET = 4000     # instructions that most ways to HLT need
PAGE = 0x7000_1000      # where ring 3 faults: nothing is mapped there


@dataclass(frozen=True)
class Nmis:
    """What one CPU's handlers noted (struct in kernel/probe/nmi.c)."""

    count: int              # NMIs that reached knmi()
    answer: int             # the token, turned over
    depth: int              # handlers that began and did not end
    deepest: int
    faulted: int            # faults in a handler that came back as they must
    checks: int             # machine checks
    ip: int                 # what the last one interrupted
    sp: int
    works: tuple[int, ...]  # how often each deferred work ran
    tries: int              # of probe_spin[0]
    taken: int
    level_before: int       # the last one's interrupt levels
    level_held: int
    level_after: int
    lines: int              # that log_try() said it wrote
    records: int            # that there was room for in probe_log


def _often(times: int) -> str:
    return "once" if times == 1 else f"{times} times"


class NmiScene(Scene):
    """A scene in which the subject can take NMIs."""

    def __init__(self, cell, cpu: int = 0):
        super().__init__(cell, cpu)
        self.code = "<6I2Q39I4x" if self.m.width == 64 else "<6I2I39I"
        self.size = struct.calcsize(self.code)
        self.notes = self.m.elf.address("probe_nmis") + cpu * self.size

    def ready(self) -> None:
        """The subject as the kernel's start leaves it: a TSS, and a place for NMIs."""
        self.tss()
        self.m.call(self.cpu, "nmi_init", self.block)

    def order(self, faults: int = 0, defer: int = 0, log: str = "", lock: bool = False,
              shared: str = "", logring: int = 0, logrings: int = 0) -> None:
        """What the next NMIs do besides answering; `log` or `shared`, the log of all CPUs;
        `logring`, the number of a record in lab 6's, and `logrings`, so many more."""
        self.m.write("probe_nmi_order",
                     struct.pack("<7I", faults, defer, bool(log), lock, bool(shared), logring,
                                 logrings))
        if log or shared:
            self.m.write("probe_nmi_line", (log or shared).encode() + b"\0")

    def nmis(self) -> Nmis:
        """What the subject's handlers noted so far."""
        *numbers, = struct.unpack(self.code, self.m.read(self.notes, self.size))
        return Nmis(*numbers[:8], tuple(numbers[8:40]), *numbers[40:])

    def forget(self) -> None:
        """Starts the notes afresh, with a fresh token."""
        self.m.write(self.notes, bytes(self.size))
        self.fresh_token()

    @property
    def event(self) -> Event:
        """An NMI of the subject."""
        return Event(lambda: self.m.nmi(self.cpu), "NMI", VECTOR, masked=False,
                     draw=lambda: delivery(self))

    def bounce(self) -> None:
        """An NMI that the grader takes itself: at the first instruction of wherever the hardware
        went it executes an IRET.  So the place for NMIs is tried without the lab's handler."""
        before = self.m.regs(self.cpu)
        self.deliver()
        self.send_back(before)

    @property
    def bounced(self) -> Event:
        """The same, but the grader takes it: see bounce()."""
        return Event(self.bounce, "NMI", VECTOR, masked=False,
                     pend=lambda: self.m.nmi(self.cpu))

    def deliver(self) -> None:
        """Sends an NMI and executes its delivery; fails where its frame may not be."""
        before = self.m.regs(self.cpu)
        self.m.nmi(self.cpu)
        stop = self.m.step(self.cpu, 1)
        now = self.m.regs(self.cpu)
        if stop.reason != "steps":
            raise self.failed(stop, "the NMI enters the kernel")
        if now.cpl or now.pc == before.pc:
            raise Fail(WRONG, expected="the NMI enters the kernel",
                       seen=f"ring {now.cpl}, {self.m.elf.where(now.pc)}")
        stack = self.stack_of(now.sp)
        if stack not in ("NMI", "kernel", OTHER):
            where = {"area": "the thread's save area", "ring 3": "memory of ring 3",
                     "SYSENTER": "the few words for SYSENTER"}.get(stack, f"the {stack} stack")
            raise Fail(WRONG, expected="the NMI's frame on a stack of the kernel's",
                       seen=f"{self.layout.title('sp')} = {now.sp:#x}, in {where}",
                       stack=drawn(self, before, now),
                       cause="an NMI comes at any moment, so its stack must not be whatever was "
                             "in use.")

    def send_back(self, before) -> None:
        """Executes an IRET of the grader's own, which must lead back to where the NMI came."""
        iret = self.m.elf.function("probe_enter_user")[-1]
        self.jump(iret.address)
        self.m.step(self.cpu, 1, hold=True)
        now = self.m.regs(self.cpu)
        for name in ("pc", "sp", "cpl"):
            if getattr(now, name) != getattr(before, name):
                raise Fail(WRONG, expected=f"{name} = {getattr(before, name):#x} after the NMI",
                           seen=f"{getattr(now, name):#x}")

    # ---- looking ----

    def check_nmis(self, times: int = 1, **details) -> Nmis:
        """Fails unless knmi() ran exactly so often on this CPU, came back, and knew the CPU."""
        seen = self.nmis()
        if seen.count != times or seen.answer != self.token ^ 0xFFFFFFFF:
            raise Fail(WRONG, expected=f"knmi() ran {_often(times)} on CPU {self.cpu}",
                       seen=self._elsewhere() or f"it ran {_often(seen.count)}", **details)
        if seen.depth:
            raise Fail(WRONG, expected="every knmi() came back",
                       seen=f"{seen.depth} of {seen.count} did not", **details)
        return seen

    def _elsewhere(self) -> str:
        """Where it ran instead, if this_cpu() gave the number of another CPU."""
        first = self.m.elf.address("probe_nmis")
        for cpu in range(self.m.cpus):
            count = self.m.u32(first + cpu * self.size)
            if cpu != self.cpu and count:
                return f"this_cpu() was CPU {cpu} in it"
        return ""

    def run_to_hlt(self) -> None:
        """Runs the subject to its next HLT."""
        stop = self._run_to_hlt_or()
        if stop.reason != "halted":
            raise self.failed(stop, "HLT, while there is nothing to do")

    def _run_to_hlt_or(self, *addresses: int | str):
        """Runs the subject to its next HLT or to an address.  QEMU notices HLT at the end of the
        budget only, in real time, so a short one is tried first."""
        stop = self.m.run(self.cpu, addresses, SHORT_BUDGET, exact=False)
        if stop.reason == "budget":
            stop = self.m.run(self.cpu, addresses, BUDGET, exact=False)
        return stop

    def works_until(self, ends: Iterable[int | str] = ()) -> list[int]:
        """Runs the subject to one of the addresses, or to HLT; the works that began on the way.

        The host sees nmi_work() being called: a note of the guest's proves nothing.
        """
        ran: list[int] = []
        while True:
            stop = (self.m.run(self.cpu, ("nmi_work", *ends), BUDGET, exact=False) if ends
                    else self._run_to_hlt_or("nmi_work"))
            if stop.reason != "address" or stop.pc != self.m.elf.address("nmi_work"):
                break
            ran.append(self.argument(0))
            self._check_at_work()
        if stop.reason != ("address" if ends else "halted"):
            raise self.failed(stop, "the end of the way" if ends else
                              "HLT, while there is nothing to do")
        return ran

    def _check_at_work(self) -> None:
        """At nmi_work(): fails if it may not be called here."""
        if self.nmis().depth:
            raise Fail(WRONG, expected="deferred work runs after the NMI", seen="it runs in it",
                       cause="an NMI may have come where the kernel holds a lock.")
        now = self.m.regs(self.cpu)
        if now.flags & IF and now.cr8 < DISPATCH:
            raise Fail(WRONG, expected="nmi_work() called with interrupts off, or at DISPATCH",
                       seen=f"IF = 1, and level {now.cr8}",
                       cause="who calls nmi_run_deferred() with interrupts off has a reason for it.")

    def check_keeps_at_levels(self, function: str, *args: int) -> None:
        """check_keeps(), with interrupts off and on."""
        for level, interrupts in ((PASSIVE, False), (DISPATCH, True), (HIGH, False)):
            self.check_keeps(self.cpu, function, *args, level=level, interrupts=interrupts)

    def check_work(self, work: int, ran: list[int]) -> None:
        """Fails unless the work that an NMI deferred is among those that ran, or runs after one
        clock tick."""
        if work in ran:
            return
        ends = [] if self.m.regs(self.cpu).halted else [self.m.pc(self.cpu) + 1]
        self.m.interrupt(self.cpu, self.vector(0xA0, 0xC0))
        if work not in self.works_until(ends):
            raise Fail(WRONG, expected=f"work {work}, which the NMI deferred, runs within a tick",
                       seen="it has not run", cause="the last look came before the NMI, and nothing "
                       "makes the CPU look again.")

    def check_argument(self, regs: dict[str, int], whose: str = "ring 3", **details) -> None:
        """At knmi() or kmce(): fails unless its argument says what was interrupted, and C code has
        what it wants."""
        now = self.m.regs(self.cpu)
        self.check_saved(self.saved(self.argument(0)), regs, "the registers that the handler got",
                         whose, **details)
        if now.flags & (DF | IF):
            raise Fail(WRONG, expected="DF = 0 and IF = 0 in the handler",
                       seen=f"flags {now.flags:#x}", **details)
        for name in ("ds", "es") if self.m.width == 32 else ():
            if getattr(now, name) != KERNEL_DS:
                raise Fail(WRONG, expected=f"{name.upper()} = {KERNEL_DS:#x} in the handler",
                           seen=f"{getattr(now, name):#x}", **details)
        if now.cpl or self.m.width == 64 and now.sp % 16 != 8:
            raise Fail(WRONG, expected="the handler in ring 0, RSP a multiple of 16 before CALL",
                       seen=f"ring {now.cpl}, {now.sp:#x}", **details)

    def see(self, exact: bool = True) -> None:
        """An NMI was sent: runs the subject to knmi(), whose argument must say where it came."""
        pc = self.m.pc(self.cpu)
        self.run_to("knmi", "knmi() called within the budget")
        # Only this word: in 32 bits those above the frame may be no memory.
        seen = self.m.ptr(self.argument(0) + self.layout.names.index("ip") * self.layout.word)
        if exact and seen != pc:
            raise Fail(WRONG, expected=f"knmi() is told that it interrupted {self.place(pc)}",
                       seen=self.place(seen))

    def place(self, pc: int) -> str:
        """An address in words."""
        return elf_of(self, pc).where(pc) if self.m.elf.symbol_at(pc) or self.checker.symbol_at(pc) \
            else f"{pc:#x}"

    def check_open(self) -> None:
        """Fails unless this CPU takes another NMI: none may be left blocked."""
        before = self.nmis().count
        self.m.nmi(self.cpu)
        stop = self.m.run(self.cpu, "knmi", BUDGET)
        if stop.reason != "address":
            raise Fail(WRONG, expected="another NMI is taken",
                       seen=f"it was not, within {BUDGET} instructions; {before} were before",
                       went_wrong=self.m.place(stop.pc),
                       cause="NMIs stay blocked until an IRET is executed (SDM 3A 6.7.1).")


# ---- ways through the kernel, each of which can be gone again and again ----

class Way:
    """A path from ring 3 to ring 3, from ring 0 to ring 0 or from HLT to HLT."""

    ends = "address"            # or "halted": how a trace of it ends
    seen = 0.25                 # in what part of the cases the host watches knmi() begin
    exact = True                # it must be given the place where the NMI was sent

    def __init__(self, scene: NmiScene, name: str):
        self.scene, self.name = scene, name
        self.secret = scene.random.getrandbits(60)

    def start(self):
        """Brings the subject to the start; gives the snapshot."""
        raise NotImplementedError

    def again(self) -> None:
        """From the end of a way that went well to its start, without the snapshot."""
        raise NotImplementedError

    def finish(self) -> None:
        """Runs to the end of the way and looks."""
        raise NotImplementedError

    def _cause(self) -> None:
        """A device's interrupt comes, with everything noted before forgotten."""
        scene = self.scene
        scene.forget()
        scene.m.write_u32(scene.m.elf.address("probe_count") + 4 * self.vector, 0)
        scene.m.interrupt(scene.cpu, self.vector)

    def look(self) -> None:
        """What the NMI must have left."""
        self.scene.check_nmis()

    def see(self) -> None:
        """Runs to knmi() in some of the cases: a note of the guest's proves nothing, and which cases
        these are it cannot know.  In every case it would cost a fifth of the sweep's time.  The
        same place is watched, or not, each time: a case that is run again must go the same way."""
        chance = hash((self.secret, self.scene.m.pc(self.scene.cpu))) % 1000
        if chance < 1000 * self.seen:
            self.scene.see(self.exact)


class FromRing3(Way):
    """Something happens to a thread in ring 3, which then goes on."""

    def __init__(self, scene: NmiScene, name: str, cause: str, hostile: dict | None = None):
        super().__init__(scene, name)
        self.cause = cause          # "interrupt", or one of the checker's traps
        self.hostile = hostile or {}

    def start(self):
        scene = self.scene
        self.thread = scene.present()
        label = f"checker_{self.cause}" if self.cause != "interrupt" else "checker_sled"
        ip = scene.checker.address(label) + (4 if self.cause == "interrupt" else 0)
        self.regs = scene.layout.random_program(
            scene.random, ip, **(scene.honest | self._registers() | self.hostile))
        self.end = ip + 4 if self.cause == "interrupt" else scene.checker.address(f"{label}_next")
        self.last = self._last()
        if self.cause not in ("interrupt", "syscall", "fast"):
            scene.m.write_u32("probe_trap_skip", scene.trap_size(self.cause))
        scene.enter(self.regs)
        self._cause()
        return scene.m.snapshot()

    def _registers(self) -> dict[str, int]:
        number = self.scene.random.randrange(0x1000, 1 << 31)
        wide = self.scene.m.width == 64
        match self.cause:
            case "syscall":
                return {"rax" if wide else "eax": number}
            case "fast" if wide:
                return {"rax": number}
            case "fast":
                sp = self.scene.random.randrange(0x500000, 0xB0000000)
                return {"eax": number, "ecx": sp, "sp": sp,
                        "edx": self.scene.checker.address("checker_fast_next")}
            case "page":
                return {"rbx" if wide else "ebx": PAGE} | ({} if wide else {"ds": 0x23})
            case _:
                return {}

    def _last(self) -> dict[str, int]:
        """The registers at the end."""
        last = dict(self.regs, ip=self.end)
        if self.cause in ("syscall", "fast"):
            wide = self.scene.m.width == 64
            last["rax" if wide else "eax"] = -38 & (1 << self.scene.m.width) - 1     # -ENOSYS
            if self.cause == "fast" and wide:
                last |= {"rcx": self.end, "r11": self.regs["flags"]}
        return last

    def _cause(self) -> None:
        if self.cause != "interrupt":
            self.scene.forget()
            return
        self.vector = getattr(self, "vector", None) or self.scene.vector(0x50, 0x80)
        super()._cause()

    def again(self) -> None:
        changed = {name: self.regs[name] for name in self.regs
                   if self.regs[name] != self.last[name] and name not in ("ip", "flags")}
        self.scene.jump(self.regs["ip"], **changed)
        self._cause()

    def until(self) -> list[int]:
        """Where a trace of the way ends."""
        return [self.regs["ip"] if self.cause == "interrupt" else self.end]

    def finish(self) -> None:
        scene = self.scene
        self.see()
        self.to_end()
        scene.check_user(self.last)
        scene.check_gs()
        if self.cause == "interrupt":
            scene.check_answered(self.vector)
        if self.cause == "page":
            seen = scene.m.ptr("probe_trap_cr2")
            if seen != PAGE:
                raise Fail(WRONG, expected=f"CR2 = {PAGE:#x} in ktrap(), where ring 3 faulted",
                           seen=f"{seen:#x}", cause="a fault in the NMI's handler changes CR2.")
        self.look()
        scene.check_canaries()

    def to_end(self) -> None:
        self.scene.run_to(self.end, "ring 3 again, after the NMI")


class FromKernel(Way):
    """A device interrupts ring 0 in the grader's own code."""

    def start(self):
        scene = self.scene
        m, layout = scene.m, scene.layout
        m.start(scene.cpu, "probe_sled", flags=1)
        scene.run_to("probe_sled", "the grader's own code")
        self.general = {name: scene.random.getrandbits(layout.width)
                        for name in layout.general}
        m.set_regs(scene.cpu, **self.general)
        self.sp, self.ip = m.regs(scene.cpu).sp, m.elf.address("probe_sled")
        self.vector = scene.vector(0x50, 0x80)
        self._cause()
        return m.snapshot()

    def again(self) -> None:
        self.scene.jump(self.ip)
        self._cause()

    def until(self) -> list[int]:
        return [self.ip]

    def finish(self) -> None:
        scene = self.scene
        self.see()
        scene.run_to(self.ip + 8, "the kernel's own code again, after the NMI")
        regs = scene.m.regs(scene.cpu)
        for name, value in (self.general | {"sp": self.sp}).items():
            if getattr(regs, name) != value:
                raise Fail(WRONG, expected=f"{scene.layout.title(name)} = {value:x} in the kernel "
                           "again", seen=f"{getattr(regs, name):x}")
        scene.check_answered(self.vector)
        self.look()


class FromIdle(Way):
    """A device interrupts an idle CPU, which halts again."""

    ends = "halted"

    def start(self):
        scene = self.scene
        scene.guard()
        scene.m.start(scene.cpu, "idle_loop")
        scene.run_to_hlt()
        self.sp = scene.m.regs(scene.cpu).sp
        self.vector = scene.vector(0x50, 0x80)
        self._cause()
        return scene.m.snapshot()

    def again(self) -> None:
        self._cause()

    def until(self) -> list[int]:
        return []

    def finish(self) -> None:
        scene = self.scene
        self.see()
        self.to_end()
        regs = scene.m.regs(scene.cpu)
        if regs.sp != self.sp or not regs.flags & 0x200:
            raise Fail(WRONG, expected=f"HLT with interrupts on and stack pointer {self.sp:#x}",
                       seen=f"{regs.sp:#x}, flags {regs.flags:#x}")
        scene.check_answered(self.vector)
        self.look()
        scene.check_canaries()

    def to_end(self) -> None:
        self.scene.run_to_hlt()
