"""Exercise 3.6: machine checks.  Neither emulator makes them at will; INT 18 takes the same gate."""

from grader.explore.nmi import FromRing3, NmiScene
from grader.explore.registers import DF
from grader.explore.scene import OTHER
from grader.explore.sweep import Event, labs_own, sweep, trace
from grader.verdict import WRONG, Fail

NMIS = (0, 1, 0)            # in the handler of each machine check, one after the other
VECTOR = 18


class CheckScene(NmiScene):
    """A scene that makes machine checks, by an instruction of the grader's own."""

    def __init__(self, cell):
        super().__init__(cell)
        self.ready()
        self.int18, self.behind = map(self.m.elf.address, ("probe_int18", "probe_int18_next"))

    def begin(self, gs: int | None = None) -> None:
        """The subject stands before INT 18, with nothing but random bits in its registers and DF set."""
        m = self.m
        if gs is None:
            m.start(self.cpu, "probe_int18")
        else:
            m.start(self.cpu, "probe_with_gs", gs, self.int18, 0)
        self.run_to(self.int18, "the grader's own code")
        now = m.regs(self.cpu)
        self.own = {name: getattr(now, name) for name in (*self.layout.general, self.flags)}
        self.jump(self.int18, **{name: self.random.getrandbits(m.width)
                                 for name in self.layout.general}, **{self.flags: now.flags | DF})
        self.before = m.regs(self.cpu)
        self.forget()

    def end(self) -> None:
        """The call comes back, with the registers that it had."""
        self.m.set_regs(self.cpu, **self.own)
        self.run_to("probe_returned", "the end of the call")

    @property
    def flags(self) -> str:
        return "rflags" if self.m.width == 64 else "eflags"

    def to_kmce(self) -> None:
        """INT 18 is executed: kmce() must be called, and be told what was interrupted."""
        now, layout = self.m.regs(self.cpu), self.layout
        was = {name: getattr(now, name) for name in layout.program
               if name not in ("ip", "sp", "ss", "flags")} | {"ip": self.behind, "flags": now.flags}
        if self.m.width == 64:
            was["sp"] = now.sp
        self.run_to("kmce", "kmce() called within the budget")
        self.check_argument(was, whose="what was interrupted")
        self.check_stack("the machine check")

    def check_stack(self, what: str) -> None:
        """Fails if a machine check is on a stack that somebody else may be in."""
        sp = self.m.regs(self.cpu).sp
        stack = self.stack_of(sp)
        if stack not in ("machine check", "kernel", OTHER):
            where = {"area": "the thread's save area", "ring 3": "memory of ring 3",
                     "SYSENTER": "the few words for SYSENTER"}.get(stack, f"the {stack} stack")
            raise Fail(WRONG, expected=f"{what} on a stack of its own",
                       seen=f"{self.layout.title('sp')} = {sp:#x}, in {where}",
                       cause="a machine check comes at any moment, also while that stack is in use.")

    def check_back(self) -> None:
        """Behind INT 18: fails unless all is as it was before it."""
        after = self.m.regs(self.cpu)
        for name in (*self.layout.general, "sp", "flags", "gs", "gs_base"):
            if getattr(after, name) != getattr(self.before, name):
                raise Fail(WRONG, expected=f"{self.layout.title(name)} = "
                           f"{getattr(self.before, name):#x} after a machine check",
                           seen=f"{getattr(after, name):#x}")
        for number, top in enumerate(self.own_tops):
            if self.m.ptr(top) != self.block:
                raise Fail(WRONG, expected="the word above each own stack as it was: this CPU's "
                           "struct cpu", seen=f"{self.m.ptr(top):#x} above own_top[{number}]",
                           cause="what is at the top and above it is not the lab's.")

    def check_counts(self, checks: int, nmis: int) -> None:
        seen = self.nmis()
        if (seen.checks, seen.count) != (checks, nmis):
            raise Fail(WRONG, expected=f"{checks} machine checks and {nmis} NMIs on CPU {self.cpu}",
                       seen=f"{seen.checks} and {seen.count}")


def test_machine_check(cell):
    """Three of them, one with an NMI in its handler; with something of ring 3's in GS; in an NMI's
    handler; in the lab's own code; and an NMI before each instruction of the lab's way there and
    back."""
    # A base of ring 3; in 32 bits a null selector.
    for gs in (None, 0x7000_0000 if cell.width == 64 else 0):
        scene = CheckScene(cell)
        for nmis in NMIS:
            one(scene, nmis, gs)
        scene.check_open()
        cell.park()
    in_nmi(cell)
    anywhere(cell)
    swept(cell)


def one(scene, nmis, gs):
    """One machine check, which must come back with every register as it was."""
    scene.begin(gs)
    scene.to_kmce()
    for _ in range(nmis):
        scene.m.nmi(scene.cpu)
        scene.see()
    scene.run_to(scene.behind, "the interrupted code again")
    scene.check_back()
    scene.check_counts(1, nmis)
    scene.end()


def in_nmi(cell):
    """A machine check in the handler of an NMI."""
    scene = CheckScene(cell)
    scene.begin()
    scene.m.nmi(scene.cpu)
    scene.see()
    knmi = scene.m.regs(scene.cpu)
    scene.jump(scene.int18)
    scene.to_kmce()
    scene.run_to(scene.behind, "the NMI's handler again, after a machine check in it")
    if scene.m.regs(scene.cpu).sp != knmi.sp:
        raise Fail(WRONG, expected=f"{scene.layout.title('sp')} = {knmi.sp:#x} in the NMI's "
                   "handler again", seen=f"{scene.m.regs(scene.cpu).sp:#x}")
    scene.jump(knmi.pc)
    scene.run_to(scene.behind, "the interrupted code again, after the NMI and one more machine check")
    scene.check_back()
    scene.check_counts(2, 1)
    scene.end()
    cell.park()


class Checked(FromRing3):
    """A way on which a machine check comes, and no NMI."""

    seen = False

    def look(self):
        self.scene.check_counts(1, 0)


def anywhere(cell):
    """A machine check before each of the lab's instructions in an interrupt of ring 3."""
    scene = CheckScene(cell)
    go = Checked(scene, "interrupt of ring 3", "interrupt")
    start = go.start()
    path = labs_own(scene, trace(scene, go.name, go.until(), "ring 3 again", nmis=True))

    def check():
        """INT 18 in place of the next instruction, which then is executed."""
        pc = scene.m.pc(scene.cpu)
        scene.jump(scene.int18)
        scene.to_kmce()
        scene.run_to(scene.behind, "the interrupted code again, after the machine check")
        scene.jump(pc)

    event = Event(check, "machine check", VECTOR, masked=False,
                  pend=lambda: scene.jump(scene.int18), noun="machine checks")
    sweep(scene, start, path, event, go.finish, go.again)
    cell.park()


def swept(cell):
    """An NMI before each of the lab's instructions in a machine check."""
    scene = CheckScene(cell)
    scene.begin()
    start = scene.m.snapshot()
    path = labs_own(scene, trace(scene, "machine check", [scene.behind], "the interrupted code again",
                                 nmis=True))

    def finish():
        scene.see()
        scene.run_to(scene.behind, "the interrupted code again, after the machine check and the NMI")
        scene.check_back()
        scene.check_nmis()
        scene.check_counts(1, 1)

    def again():
        scene.forget()
        scene.jump(scene.int18)

    sweep(scene, start, path, scene.event, finish, again)
    cell.park()
