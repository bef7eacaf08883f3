"""Exercise 2.5: an NMI, which comes at any moment.

At this stage its gate is an ordinary one, so the tests send it only where that is harmless.  Later
stages run the same tests with a gate that is not.
"""

from grader.explore import gs
from grader.explore.scene import BUDGET, Scene
from grader.verdict import WRONG, Fail

FREE_STACK = 64         # below the kernel stack's top: what a design keeps there stays
MAX_CPUS = 8            # entries of probe_nmis[]


def prepared(cell, cpu):
    """A CPU that takes NMIs."""
    scene = Scene(cell, cpu)
    scene.tss()
    gs.check_self(scene)
    scene.m.call(cpu, "nmi_init", scene.block)
    scene.m.write_u32("probe_nmi_allowed", 1)
    return scene


def in_ring_3(scene, each):
    """Ring 3 with this GS; the stack of its next NMI is the kernel stack, not the save area."""
    regs = gs.program(scene, scene.sled(scene.random.randrange(0, 20)), each)
    gs.enter(scene, regs, each)
    tr = scene.m.regs(scene.cpu).tr
    scene.m.write_ptr(tr.base + 4, scene.kernel_stack()[1] - FREE_STACK)
    return regs


def in_ring_0(scene, each):
    """Ring 0 on a NOP with this GS, as between an entry and its repair, and random registers.

    Without one: with the kernel's, as most of the time.
    """
    m, cpu = scene.m, scene.cpu
    if each is None:
        m.start(cpu, "probe_sled")
    else:
        m.start(cpu, "probe_with_gs", each.value, m.elf.address("probe_sled"), 0)
    scene.run_to("probe_sled", "the grader's own code")
    m.set_regs(cpu, **{name: scene.random.getrandbits(m.width) for name in scene.layout.general})
    return {name: getattr(m.regs(cpu), name) for name in (*scene.layout.general, "sp")}


def nmi(scene, each, after, expected):
    """Sends an NMI; it answers as the right CPU, and nothing in it faults.  Gives its place."""
    m = scene.m
    place = scene.user_place("NMI came before") if m.regs(scene.cpu).cpl else \
        m.place(m.pc(scene.cpu))
    place.label = "NMI came before"
    place.note = f"on CPU {scene.cpu}, with {each or 'its own block'} in GS"
    scene.fresh_token()
    m.nmi(scene.cpu)
    stop = scene.run_to((after, "ktrap"), expected, at=place, budget=BUDGET)
    if stop.pc == m.elf.address("ktrap"):
        regs = scene.saved(scene.argument(0))
        raise Fail(WRONG, expected="an NMI without a fault in it",
                   seen=f"vector {regs['vector']:#x} at {m.elf.where(regs['ip'])}", at=place,
                   cause="the IRET of that fault lets the next NMI in, on top of this one.")
    check_answer(scene, place)
    return place


def check_answer(scene, place):
    """The answer is in the subject's entry of probe_nmis[], and nowhere else."""
    m = scene.m
    size = m.elf.symbols["probe_nmis"].size // MAX_CPUS
    for cpu in range(m.cpus):
        at = m.elf.address("probe_nmis") + cpu * size
        count, answer = m.u32(at), m.u32(at + 4)
        if count and cpu != scene.cpu:
            raise Fail(WRONG, expected=f"knmi() finds CPU {scene.cpu} in this_cpu()",
                       seen=f"CPU {cpu}", at=place,
                       cause="CS says which ring was interrupted, and a base is only a number: "
                       "neither says whose GS it is.")
        if cpu == scene.cpu and (count, answer) != (1, scene.token ^ 0xFFFFFFFF):
            raise Fail(WRONG, expected="knmi() called once", seen=f"{count} times", at=place)


def test_ring_3(cell):
    """In ring 3 with each GS, on both CPUs."""
    for cpu in (1, 0):
        scene = prepared(cell, cpu)
        scene.present()
        start = scene.m.snapshot()
        for each in gs.hostile(scene):
            regs = in_ring_3(scene, each)
            regs["ip"] += 3
            place = nmi(scene, each, regs["ip"], "ring 3 again after the NMI")
            scene.check_user(gs.kept(regs), at=place)
            scene.m.restore(start)
        cell.park()


def test_ring_0(cell):
    """In ring 0 with each GS, the other CPU's block and this CPU's own among them, on both CPUs."""
    for cpu in (1, 0):
        scene = prepared(cell, cpu)
        start = scene.m.snapshot()
        for each in (None, *gs.hostile(scene)):
            before = in_ring_0(scene, each)
            place = nmi(scene, each, scene.m.elf.address("probe_sled") + 3,
                        "the interrupted kernel code again after the NMI")
            regs = scene.m.regs(cpu)
            for name, value in before.items():
                if getattr(regs, name) != value:
                    raise Fail(WRONG, expected=f"{scene.layout.title(name)} = {value:#x} after "
                               "the NMI", seen=f"{getattr(regs, name):#x}", at=place)
            scene.m.restore(start)
        cell.park()


def test_gs_comes_back(cell):
    """In both rings: selector and both bases are afterwards what they were, whatever that was."""
    for cpu in (1, 0):
        scene = prepared(cell, cpu)
        scene.present()
        start = scene.m.snapshot()
        for number, each in enumerate((*gs.hostile(scene), None)):
            for ring in (3, 0) if each else (0,):
                after = enter(scene, ring, each, number)
                before = gs.selector_and_bases(scene)
                place = nmi(scene, each, after, "the interrupted code again after the NMI")
                gs.check_unchanged(
                    scene, before, at=place,
                    cause="the interrupted code may have been between any two instructions, also "
                    "where GS is not what CS lets one think.")
                scene.m.restore(start)
        cell.park()
    on_both(cell)


def on_both(cell):
    """CPU 0 takes an NMI, from its first instruction to its last, while CPU 1 is in one."""
    other, scene = prepared(cell, 0), prepared(cell, 1)
    m, each = scene.m, gs.hostile(scene)[1]
    in_ring_0(scene, each)
    in_ring_0(other, None)
    before = gs.selector_and_bases(scene)
    place = m.place(m.pc(1))
    place.label, place.note = "NMI came before", f"on CPU 1, with {each} in GS; then one on CPU 0"
    m.nmi(1)
    scene.run_to("knmi", "knmi() on CPU 1", at=place)
    m.nmi(0)
    sled = m.elf.address("probe_sled")
    other.run_to(sled + 2, "the end of the NMI on CPU 0", at=place)
    scene.run_to(sled + 2, "the end of the NMI on CPU 1", at=place)
    gs.check_unchanged(scene, before, at=place,
                       cause="what gs_paranoid_exit needs is in B: memory of all CPUs is another "
                             "one's by now.")


def enter(scene, ring, each, number):
    """One of the two rings with this GS; gives where it goes on.  In 64 bits ring 3 has loaded a
    selector, too, every second time."""
    if ring == 0:
        in_ring_0(scene, each)
        return scene.m.elf.address("probe_sled") + 2
    if scene.m.width == 64 and number % 2:
        load = scene.checker.address("checker_gs_selector")
        scene.enter(scene.layout.random_program(scene.random, load, rcx=0x23))
        scene.run_to(scene.checker.address("checker_gs_selector_next"), "ring 3's own MOV GS",
                     budget=8)
        scene.m.set_regs(scene.cpu, rip=scene.checker.address("checker_gs_base"), rbx=each.value)
        after = scene.checker.address("checker_gs_base_next")
        scene.run_to(after, "ring 3's own WRGSBASE", budget=8)
        tr = scene.m.regs(scene.cpu).tr
        scene.m.write_ptr(tr.base + 4, scene.kernel_stack()[1] - FREE_STACK)
        return after + 1
    return in_ring_3(scene, each)["ip"] + 2
