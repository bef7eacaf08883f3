"""Exercise 3.6: machine checks.  Neither emulator makes them at will; INT 18 takes the same gate."""

from grader.explore.nmi import NmiScene
from grader.verdict import WRONG, Fail

NMIS = (0, 1, 0)            # in the handler of each machine check, one after the other


def test_machine_check(cell):
    """Three of them, one with an NMI in its handler; and the same with something of ring 3's in GS."""
    for hostile in (False, True):
        scene = NmiScene(cell)
        scene.ready()
        for nmis in NMIS:
            one(scene, nmis, hostile)
        scene.check_open()
        cell.park()


def one(scene, nmis, hostile):
    """One machine check, which must come back with every register as it was."""
    m, layout = scene.m, scene.layout
    # A base of ring 3; in 32 bits a null selector.
    gs = 0x7000_0000 if m.width == 64 else 0
    if hostile:
        m.start(scene.cpu, "probe_with_gs", gs, m.elf.address("probe_int18"), 0)
    else:
        m.start(scene.cpu, "probe_int18")
    scene.run_to("probe_int18", "the grader's own code")
    general = {name: scene.random.getrandbits(layout.width) for name in layout.general}
    kept = {name: getattr(m.regs(scene.cpu), name) for name in layout.general}
    m.set_regs(scene.cpu, **general)
    before = m.regs(scene.cpu)
    scene.forget()
    scene.run_to("kmce", "kmce() called within the budget")
    scene.check_argument(general | {"ip": m.elf.address("probe_int18_next")})
    for _ in range(nmis):
        m.nmi(scene.cpu)
    scene.run_to("probe_int18_next", "the interrupted code again")
    after = m.regs(scene.cpu)
    for name in (*general, "sp", "gs", "gs_base"):
        if getattr(after, name) != getattr(before, name):
            raise Fail(WRONG, expected=f"{layout.title(name)} = {getattr(before, name):#x} "
                       "after a machine check", seen=f"{getattr(after, name):#x}")
    seen = scene.nmis()
    if (seen.checks, seen.count) != (1, nmis):
        raise Fail(WRONG, expected=f"one machine check and {nmis} NMIs on CPU {scene.cpu}",
                   seen=f"{seen.checks} and {seen.count}")
    m.set_regs(scene.cpu, **kept)       # the call's own, so that it comes back
    scene.run_to("probe_returned", "the end of the call")
