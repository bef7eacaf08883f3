"""Exercise 3.5: work that is deferred when the kernel has looked for it already."""

from grader.explore.nmi import FromIdle, FromRing3, NmiScene
from grader.explore.sweep import labs_own, sweep, trace


def deferring(way):
    """A way on which the NMI defers work, which must have run in the end."""
    class Deferring(way):
        def to_end(self):
            self.ran = self.scene.works_until([] if self.ends == "halted" else [self.end])

        def look(self):
            self.scene.check_nmis()
            self.scene.check_work(self.work, self.ran)

    return Deferring


def swept(cell, way, *rest):
    scene = NmiScene(cell)
    scene.ready()
    go = deferring(way)(scene, *rest)
    go.work = cell.random.randrange(16)
    scene.order(defer=1 << go.work)
    start = go.start()
    path = trace(scene, go.name, go.until(), "the end of the way", go.ends, nmis=True)
    leave = scene.m.elf.address("ret_to_user" if way is FromRing3 else "kintr")
    first = next((b.index for b in path.boundaries if b.pc == leave), 0)
    path.boundaries = [b for b in path.boundaries if b.index >= first]
    if way is FromIdle:
        path = labs_own(scene, path)
    sweep(scene, start, path, scene.event, go.finish, go.again)


def test_ring3(cell):
    """Before each instruction from ret_to_user() to ring 3."""
    swept(cell, FromRing3, "return to ring 3", "interrupt")


def test_idle(cell):
    """Before each instruction of the lab from an interrupt of an idle CPU to its HLT."""
    swept(cell, FromIdle, "return to idle")
