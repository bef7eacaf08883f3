"""Exercises 5.2, 5.4, 5.5 and 5.7: a serialising instruction between writing code and executing it.

Neither emulator can show that it is missing: both execute what is in memory.  So what each CPU
executes is read, instruction by instruction.
"""

from grader.explore.access import serialises
from grader.explore.ipis import NEW_CODE, NOP, ON, ROUNDS, Turns
from grader.verdict import WRONG, Fail

CAUSE = ("neither emulator can show this; it is read from the machine code.  A CPU may have "
         "fetched the old bytes long before (SDM 3A 9.1.3, 9.3).")
LATE = range(12)        # instructions that a CPU has gone on in the loop in which it waits
TURN = 300
STEPS = 50              # of a turn in which each instruction is looked at: who waits uses up all of them
LOOKED_AT = ROUNDS * TURN // STEPS      # so many of these


def serialising(elf):
    """Where the kernel has a serialising instruction."""
    names = [symbol.name for symbol in elf.symbols.values()
             if symbol.kind in ("STT_FUNC", "STT_NOTYPE") and elf.code(symbol.address, 1)]
    return {insn.address for name in names for insn in elf.function(name) if serialises(insn.text)}


class Watch:
    """Which CPUs execute a serialising instruction from some moment on."""

    def __init__(self, scene):
        self.scene, self.m = scene, scene.m
        self.places = scene.cell.store("serialising", lambda: serialising(self.m.elf))
        self.forget()

    def forget(self):
        self.done, self.count = set(), dict.fromkeys(self.scene.cpus, 0)

    def walk(self, cpu, until, limit=TURN):
        """A turn of a CPU; whether it stands at `until`."""
        ends = {self.m.elf.address(until)} if until else set()
        while limit > 0:
            if self.m.pc(cpu) in self.places:
                self.done.add(cpu)
            stop = self.m.run(cpu, ends | self.places, limit)
            if stop.reason not in ("address", "budget"):
                raise self.scene.failed_on(stop, "the CPU goes on")
            self.count[cpu] += stop.steps
            limit -= stop.steps
            if stop.pc in ends:
                return True
        return False

    def check(self, cpu, what):
        """Fails unless the CPU has executed one."""
        if cpu in self.done:
            return
        raise Fail(WRONG, expected=f"CPU {cpu} executes a serialising instruction between {what}",
                   seen=f"none of its {self.count[cpu]} instructions there is one",
                   went_wrong=self.m.place(self.m.pc(cpu)), cause=CAUSE)

    def until(self, ends, what, first):
        """Runs each CPU to its end, the first one first, and checks it there."""
        missing = dict(ends)
        for _ in range(ROUNDS):
            for cpu in [first, *(cpu for cpu in ends if cpu != first)]:
                if cpu in missing and self.walk(cpu, missing[cpu]):
                    self.check(cpu, what)
                    del missing[cpu]
            if not missing:
                return
        cpu = min(missing)
        raise self.scene.failed_on(self.m.run(cpu, (), 1), f"CPU {cpu} goes on")


def go_on(scene, cpus, late):
    """CPUs that wait stand elsewhere in their loops."""
    for cpu in cpus:
        if late:
            scene.m.step(cpu, late)


def first_in_one(scene):
    """Gives turns until a CPU is in the first phase; which one it is."""
    for _ in range(ROUNDS):
        for cpu in scene.cpus:
            if scene.give(cpu, "probe_one"):
                return cpu
    raise scene.failed_on(scene.m.run(0, (), 1), "a CPU runs the first phase")


def test_phases(cell):
    """Between the end of the first phase and a CPU's second one; also where there is one CPU alone."""
    cpus = range(cell.machine.cpus)
    for caller, alone in [*((cpu, False) for cpu in cpus), (0, True)]:
        scene = Turns(cell)
        if alone:
            scene.without(*scene.others)
        scene.rest(*(cpu for cpu in scene.cpus if cpu != caller))
        scene.forget()
        scene.code(NEW_CODE)
        scene.m.start(caller, "probe_two_phase", flags=ON)
        writer = first_in_one(scene)
        behind = scene.m.ptr(scene.m.regs(writer).sp, writer)
        scene.run_until(writer, behind, "the first phase ends")
        watch, written = Watch(scene), scene.m.snapshot()
        for late in LATE:
            scene.m.restore(written)
            go_on(scene, (cpu for cpu in scene.cpus if cpu != writer), late)
            watch.forget()
            watch.until(dict.fromkeys(scene.cpus, "probe_all"),
                        "the first phase, which wrote code, and the second, which executes it",
                        writer)
        scene.returned(caller)
        cell.park()


def step_until_written(scene, code, cpus):
    """Steps until the code is there, whole; gives the CPU that wrote its last byte."""
    for _ in range(LOOKED_AT):
        for cpu in cpus:
            for _ in range(STEPS):
                scene.m.step(cpu)
                if scene.m.read("probe_patch_site", len(code)) == code:
                    return cpu
    raise scene.failed_on(scene.m.run(0, (), 1), "the code is written")


def patched(cell, ends):
    """CPU 0 patches; each CPU is watched from the last byte to its end."""
    scene = Turns(cell)
    scene.rest(*(cpu for cpu in scene.others if ends[cpu] == "probe_rest"))
    for cpu in scene.others:
        if ends[cpu] == "probe_returned":
            scene.m.write_u32("probe_go", 0)
            scene.m.start(cpu, "probe_spin_wait")
            scene.settle(cpu)
    scene.code(NEW_CODE)
    scene.m.start(0, "probe_patch", flags=ON)
    writer = step_until_written(scene, NEW_CODE, scene.cpus)
    watch, written = Watch(scene), scene.m.snapshot()
    for late in LATE:
        scene.m.restore(written)
        go_on(scene, (cpu for cpu in scene.cpus if cpu != writer), late)
        watch.forget()
        if writer == 0:
            watch.walk(0, "probe_returned")
            if scene.m.pc(0) == scene.m.elf.address("probe_returned"):
                watch.check(0, "the last new byte and the return of text_patch()")
        scene.m.write_u32("probe_go", 1)
        left = {cpu: end for cpu, end in ends.items()
                if scene.m.pc(cpu) != scene.m.elf.address("probe_returned")}
        watch.until(left, "the last new byte and what it executes after it was held",
                    writer if writer in left else min(left))
    cell.park()


def test_patch(cell):
    """The CPU that patches, before text_patch() returns; the others, before they go on."""
    patched(cell, {cpu: "probe_rest" if cpu else "probe_returned"
                   for cpu in range(cell.machine.cpus)})


def test_spins(cell):
    """A CPU that answered by ipi_poll(), with interrupts off, and goes on: there is no IRET."""
    patched(cell, dict.fromkeys(range(cell.machine.cpus), "probe_returned"))


def test_poke(cell):
    """Every CPU, behind the INT3 and before the rest; before the first byte; at the end."""
    for caller, code in enumerate((Turns(cell).jump(), NOP)):
        scene = Turns(cell)
        if code == NOP:
            scene.m.write("probe_poke_site", scene.jump())
        scene.rest(*(cpu for cpu in scene.cpus if cpu != caller))
        scene.code(code)
        scene.m.start(caller, "probe_poke", flags=ON)
        poked(scene, caller, code)
        cell.park()


def poked(scene, caller, code):
    """Follows one call of text_poke(), one instruction of its CPU at a time."""
    watch, before, step = Watch(scene), scene.m.read("probe_poke_site", 5), "the first byte"
    begun = False
    for _ in range(LOOKED_AT):
        for _ in range(STEPS):
            back = watch.walk(caller, "probe_returned", 1)
            now = scene.m.read("probe_poke_site", 5)
            if now != before:
                step = follow(scene, watch, before, now, step, begun, code)
                before, begun = now, True
            if back:
                for cpu in scene.cpus:
                    watch.check(cpu, "the new first byte and the return of text_poke()")
                return
        for cpu in scene.cpus:
            if cpu != caller:
                watch.walk(cpu, ())
    raise scene.failed_on(scene.m.run(caller, (), 1), "text_poke() returns")


def follow(scene, watch, before, now, step, begun, code):
    """The bytes have changed; gives what was written."""
    if not begun and now != b"\xcc" + before[1:]:
        raise Fail(WRONG, expected="INT3 over the first byte is written first", seen=now.hex(" "))
    if begun and now[0] != 0xCC and now != code:
        raise Fail(WRONG, expected="INT3 stays until the others are written", seen=now.hex(" "))
    wrote = "the first byte" if now[0] != before[0] else "the others"
    if begun and now[0] != before[0] and now[1:] != before[1:]:
        raise Fail(WRONG, expected="the first byte is written last, alone", seen=now.hex(" "))
    if begun and wrote != step:
        for cpu in scene.cpus:
            watch.check(cpu, f"{'the INT3' if wrote == 'the others' else 'the other bytes'} and "
                        f"{'the others' if wrote == 'the others' else 'the new first one'}")
    watch.forget()
    return wrote
