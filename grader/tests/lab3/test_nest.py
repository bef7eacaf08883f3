"""Exercise 3.4: an NMI in an NMI.

A lab says by nmi_nestable() whether knmi() may fault.  If it may, these tests make it fault, and the
IRET of the fault lets the next NMI in.  If it may not, no IRET may run from the NMI to its own last
one, and then the hardware keeps the next one back.
"""

from dataclasses import replace

from grader.explore.nmi import FromIdle, FromKernel, FromRing3, NmiScene
from grader.explore.sweep import elf_of, given, labs_own, path_of, sweep, trace, walk
from grader.verdict import WRONG, Fail, Place

INSIDE = "interrupt of ring 3"      # where the first NMI comes


class Nested(FromRing3):
    """The first NMI comes in ring 3; others come in its handler."""

    times = 2
    before = 1          # handlers that begin before the last NMI is sent
    exact = False       # two NMIs that wait may be one run, with the registers of the first
    begun = 0           # handlers that had begun when the last NMI was sent

    def _cause(self):
        self.scene.forget()
        self.scene.m.nmi(self.scene.cpu)

    def one_more(self):
        """Sends the last NMI."""
        self._send(self.scene.nmis().count)

    def _send(self, begun):
        self.begun = begun
        self.scene.m.nmi(self.scene.cpu)

    def in_knmi(self):
        """As one_more(), when the next handler is about to begin."""
        self.scene.run_to("knmi", "knmi() called within the budget")
        self._send(self.scene.nmis().count + 1)

    def until(self):
        return [self.end]

    def look(self):
        """A handler began after the last NMI.  Two that wait at a time may be one run of it: the
        hardware, too, keeps no more than one."""
        count = self.scene.nmis().count
        self.scene.check_nmis(count if self.begun < count < self.times else self.times)

    def finish(self):
        scene = self.scene
        self.see()
        scene.run_to(self.end, "ring 3 again, after all NMIs")
        scene.check_user(self.last)
        scene.check_gs()
        self.look()
        scene.check_canaries()


class Third(Nested):
    """Two NMIs are under way: the second waits when the first is in knmi()."""

    times, before = 3, 2

    def _cause(self):
        super()._cause()
        self.scene.run_to("knmi", "knmi() called within the budget")
        self.scene.m.nmi(self.scene.cpu)


class Both(Nested):
    """The last two come one behind the other: the third waits when the second is in knmi()."""

    times = 3
    seen = 0

    def one_more(self):
        super().one_more()
        self.in_knmi()


def nest(cell, way, *rest, faults):
    """A scene whose lab is asked whether it nests; (scene, way, whether it does)."""
    scene = NmiScene(cell)
    scene.ready()
    nests = bool(scene.m.call(scene.witness, "nmi_nestable"))
    scene.order(faults=faults if nests else 0)
    return scene, way(scene, *rest), nests


def irets(scene, steps):
    """The indexes of the IRETs on a path."""
    return [index for index, step in enumerate(steps)
            if elf_of(scene, step.pc).instruction(step.pc).text.startswith("iret")]


def fault_irets(scene, steps, count):
    """As irets(), of which there are so many at least, if each handler's fault comes back."""
    found = irets(scene, steps)
    if len(found) <= count:     # the last one is the handler's own
        raise Fail(WRONG, expected="the fault in the handler comes back to it, by IRET",
                   seen=f"{len(found)} IRETs on the whole way to ring 3")
    return found


def check_no_iret(scene, steps):
    """Fails if an IRET runs in the handler before its own: the one that leads back to where the NMI
    came."""
    def state(step):
        return step.pc, step.cpl, step.sp

    for index in irets(scene, steps):
        if index + 1 == len(steps) or state(steps[index + 1]) == state(steps[0]):
            return
        pc = steps[index].pc
        raise Fail(WRONG, expected="no IRET before the handler's own, as nmi_nestable() says",
                   seen="one is executed", at=Place(scene.m.elf.where(pc), "iret",
                                                    str(scene.m.elf.line(pc) or ""), "", "IRET at"),
                   cause="any IRET lets the next NMI in, while this one is not done.")


def test_fault(cell):
    """In ring 3, in the kernel, in an idle CPU: the handler faults, or no IRET runs in it."""
    for way in (FromRing3, FromKernel, FromIdle):
        scene, go, nests = nest(cell, way, "an NMI", *(["interrupt"] if way is FromRing3 else []),
                                faults=1)
        go.seen = 1
        go.start()
        scene.m.nmi(scene.cpu)
        if nests:
            go.finish()
            if scene.nmis().faulted != 1:
                raise Fail(WRONG, expected="the fault in the handler comes back to it",
                           seen="it did not")
        else:
            check_no_iret(scene, walk(scene, go.until(), "the end of the way", go.ends))
        cell.park()
    in_page_fault(cell)


class TwoOfThem(FromRing3):
    """A second NMI waits while the first is handled."""

    seen = 0        # make() has seen it

    def make(self):
        self.scene.m.nmi(self.scene.cpu)
        self.scene.see()
        self.scene.m.nmi(self.scene.cpu)

    def look(self):
        self.scene.check_nmis(2)


def in_page_fault(cell):
    """Ring 3's CR2 may not have been read yet: the faults of two NMIs change it."""
    scene, go, nests = nest(cell, TwoOfThem, "page fault of ring 3", "page", faults=2)
    if nests:
        start = go.start()
        path = labs_own(scene, trace(scene, go.name, go.until(), "ring 3 again", nmis=True))
        sweep(scene, start, path, replace(scene.event, make=go.make, pend=scene.event.make),
              go.finish, go.again)


def test_pending(cell):
    """A second NMI waits while the first is handled, and a third while the second is."""
    for count in (2, 3):
        scene, go, nests = nest(cell, Nested, "NMIs", "interrupt", faults=count - 1)
        go.times, go.seen = count, 1
        go.start()
        for _ in range(count - 1):
            scene.run_to("knmi", "knmi() called within the budget")
            scene.m.nmi(scene.cpu)
        go.finish()
        scene.check_open()
        cell.park()
    # Three while one is handled: the hardware keeps one of them.
    scene, go, _ = nest(cell, Nested, "NMIs", "interrupt", faults=0)
    go.start()
    go.in_knmi()
    for _ in range(2):
        scene.m.nmi(scene.cpu)
    go.finish()
    cell.park()
    two_cpus(cell)


def two_cpus(cell):
    """CPU 0 is in a handler, and a second NMI has come there; on CPU 1 one comes before each of the
    lab's instructions in an interrupt of ring 3.  Neither knows of the other."""
    mine, go, nests = nest(cell, Nested, "NMIs of CPU 0", "interrupt", faults=1)
    scene = NmiScene(cell, 1)
    scene.ready()
    other = FromRing3(scene, "interrupt of CPU 1, while CPU 0 is in its handler", "interrupt")
    other.start()
    go.start()              # CPU 0 last: it makes the threads
    to_middle(mine, go, nests)
    mine.order()
    scene.forget()
    start, mine.token = scene.m.snapshot(), scene.token
    path = labs_own(scene, trace(scene, other.name, other.until(), "ring 3 again", nmis=True))
    sweep(scene, start, path, scene.event, other.finish, other.again)
    scene.m.restore(start)
    scene.m.nmi(scene.cpu)
    scene.run_to(other.end, "ring 3 again, after the NMI")
    scene.m.write(scene.notes, bytes(scene.size))       # a report is to speak of CPU 0
    go.seen = 0
    go.finish()
    cell.park()


def to_middle(scene, go, nests):
    """The subject, before its first NMI, is taken into knmi(), behind a fault there if it may fault;
    a second NMI has come."""
    go.in_knmi()
    if not nests:
        return
    start = scene.m.snapshot()
    steps = walk(scene, go.until(), "ring 3 again, after both NMIs")
    fault = fault_irets(scene, steps, 1)[0]
    inside = next(at for at, step in enumerate(steps)
                  if at > fault and scene.m.elf.where(step.pc).startswith("probe_nmi+"))
    scene.m.restore(start)
    scene.m.step(scene.cpu, inside)


def swept(cell, way, faults, skip):
    """One more NMI before each of the lab's instructions behind the skip-th IRET."""
    scene, go, nests = nest(cell, way, "inside the handler", "interrupt", faults=faults)
    start = go.start()
    steps = walk(scene, go.until(), "ring 3 again")
    path = path_of(scene, go.name, steps, nmis=True)
    began = sum(step.pc == scene.m.elf.address("knmi") for step in steps)
    if began < go.before:
        raise Fail(WRONG, expected=f"knmi() called {go.before} times before another NMI comes",
                   seen=f"{began} times")
    if nests:
        first = fault_irets(scene, steps, skip + 1)[skip]
    else:
        first = next(i for i, step in enumerate(steps) if step.cpl == 0)
        # The hardware keeps the next one back: it comes behind the last IRET.
    path.boundaries = [b for b in path.boundaries
                       if b.index > first and b.cpl == 0 and not given(scene, b.pc)]
    sweep(scene, start, path, replace(scene.event, make=go.one_more, pend=scene.event.make),
          go.finish, go.again)
    cell.park()


def test_second(cell):
    """A second NMI before each instruction behind the handler's fault."""
    swept(cell, Nested, 1, 0)


def test_third(cell):
    """A second NMI came in the first; a third before each instruction behind its fault.  And a second
    before each instruction, with a third in its handler."""
    swept(cell, Third, 2, 1)
    if bool(cell.machine.call(0, "nmi_nestable")):
        swept(cell, Both, 2, 0)
