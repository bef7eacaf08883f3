"""Bonus 5.9: every CPU forgets a translation."""

from grader.explore.ipis import ON, Turns, level
from grader.explore.scene import SUBJECT
from grader.verdict import WRONG, Fail

PAGE, OTHER_PAGE = 0x600000, 0x601000
FRAME = 0x000F_FFFF_FFFF_F000


def entry_of(m, cr3, address):
    """The physical address of the last entry that translates it."""
    table, shifts = cr3 & FRAME, (39, 30, 21, 12) if m.width == 64 else (30, 21, 12)
    if m.width == 32:
        table = cr3 & ~31
    for shift in shifts:
        at = table + 8 * (address >> shift & (511 if shift != 30 or m.width == 64 else 3))
        table = int.from_bytes(m.read_physical(at, 8), "little") & FRAME
    return at


def read_word(scene, cpu):
    """What the CPU itself finds at PAGE."""
    if scene.m.call(cpu, "copy_from_user", scene.m.elf.address("probe_arg"), PAGE, 4) & 0xFFFFFFFF:
        raise Fail(WRONG, expected="the page can be read", seen="it cannot")
    return scene.m.u32("probe_arg")


def test_shootdown(cell):
    """Two CPUs know the page; it becomes another one; after the call neither knows the old one."""
    for caller in range(cell.machine.cpus):
        scene = Turns(cell)
        m = scene.m
        thread = scene.thread()
        words = [cell.random.getrandbits(32) for _ in range(2)]
        for address, word in zip((PAGE, OTHER_PAGE), words):
            page = m.call(SUBJECT, "probe_map", thread, address, budget=200_000)
            m.write_u32(page, word)
        for cpu in scene.cpus:
            m.call(cpu, "probe_adopt", thread)
            assert read_word(scene, cpu) == words[0]
        others = [cpu for cpu in scene.cpus if cpu != caller]
        m.write_u32("probe_go", 0)
        for cpu in others:
            m.start(cpu, "probe_spin_wait", flags=ON)
            scene.settle(cpu)
        entry, new = (entry_of(m, m.regs(caller).cr3, at) for at in (PAGE, OTHER_PAGE))
        m.write_physical(entry, m.read_physical(new, 8))
        m.start(caller, "tlb_shootdown", PAGE, flags=ON)
        scene.returned(caller)
        scene.accepted(caller)
        if m.call(caller, "tlb_shootdown", PAGE, flags=ON | level(14)) & 0xFF:
            raise Fail(WRONG, expected="refused at IPI_LEVEL", seen="it was done")
        m.write_u32("probe_go", 1)
        for cpu in others:
            scene.run_until(cpu, "probe_returned", "a CPU that waited")
        for cpu in scene.cpus:
            if read_word(scene, cpu) != words[1]:
                raise Fail(WRONG, expected=f"CPU {cpu} reads the new page", seen="the old one")
        cell.park()
