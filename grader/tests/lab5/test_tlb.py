"""Bonus 5.9: every CPU forgets a translation."""

import re

from grader.errors import GraderError
from grader.explore.ipis import ON, ROUNDS, Turns
from grader.explore.scene import SUBJECT, flags_for
from grader.verdict import WRONG, Fail

PAGE, OTHER_PAGE = 0x600000, 0x601000
OTHER = 1               # a CPU that calls as well
ANOTHER = f"; CPU {OTHER}, which has no thread and other page tables, wants another page to be forgotten"
REFUSED = ("at IPI_LEVEL", flags_for(14, True)), ("with interrupts off", flags_for(0))
LEVELS = 2, 11, 13      # at which it is done
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


def forgetting(m):
    """Where the kernel has an instruction that forgets translations; its text by address."""
    found = {}
    for code in (b"\x0f\x01", b"\x0f\x22", b"\x0f\x38\x82"):
        for at in m.elf.occurrences(code):
            symbol = m.elf.symbol_at(at)
            for start in (at, at - 1):          # a prefix may come first
                if symbol and start in m.elf.boundaries(symbol.name):
                    text = m.elf.instruction(start).text
                    if re.search("invlpg|invpcid|, %cr[34]", text):
                        found[start] = text
    return found


def forgets(m, cpu, text):
    """Whether the instruction in front of the CPU forgets PAGE.  Neither emulator shows that by
    itself: that the grader stops a CPU may make it forget everything."""
    match = re.fullmatch(r"invlpg\s+\(%(\w+)\)", text)
    return not match or getattr(m.regs(cpu), match[1]) & -0x1000 == PAGE


def test_shootdown(cell):
    """All CPUs know the page; it becomes another one; each executes an INVLPG for it.  Also while another
    CPU wants another page to be forgotten, which has other page tables: the page may be the kernel's."""
    cpus = range(cell.machine.cpus)
    for caller, two, alone in [*((cpu, False, False) for cpu in cpus), (0, True, False), (0, False, True)]:
        scene = Turns(cell)
        if alone:
            scene.without(*scene.others)
        m = scene.m
        places = cell.store("forgetting", lambda: forgetting(m))
        thread = scene.thread()
        words = [cell.random.getrandbits(32) for _ in range(2)]
        for address, word in zip((PAGE, OTHER_PAGE), words):
            page = m.call(SUBJECT, "probe_map", thread, address, budget=200_000)
            m.write_u32(page, word)
        for cpu in scene.cpus:
            if two and cpu == OTHER:
                continue
            m.call(cpu, "probe_adopt", thread)
            if read_word(scene, cpu) != words[0]:
                raise GraderError("a page that a test made cannot be read")
        others = [cpu for cpu in scene.cpus if cpu != caller]
        m.write_u32("probe_go", 0)
        for cpu in others:
            if not two or cpu != OTHER:
                m.start(cpu, "probe_spin_wait", flags=ON)
                scene.settle(cpu)
        entry, new = (entry_of(m, m.regs(caller).cr3, at) for at in (PAGE, OTHER_PAGE))
        m.write_physical(entry, m.read_physical(new, 8))
        m.start(caller, "tlb_shootdown", PAGE, flags=ON)
        done = another_page(scene, caller, places) if two else set()
        done |= turns_until_returned(scene, caller, places)
        scene.accepted(caller)
        for cpu in scene.cpus:
            if cpu not in done:
                raise Fail(WRONG, expected=f"INVLPG for the page on CPU {cpu} before the "
                           f"call returns{ANOTHER if two else ''}", seen="it does not")
        if two:
            cell.park()
            continue
        m.write_u32("probe_go", 1)
        for cpu in others:
            scene.run_until(cpu, "probe_returned", "a CPU that waited")
        for cpu in scene.cpus:
            if read_word(scene, cpu) != words[1]:
                raise Fail(WRONG, expected=f"CPU {cpu} reads the new page", seen="the old one")
        for words, flags in REFUSED:
            if m.call(caller, "tlb_shootdown", PAGE, flags=flags) & 0xFF:
                raise Fail(WRONG, expected=f"refused {words}", seen="it was done")
        for level in LEVELS if alone else ():
            if not m.call(caller, "tlb_shootdown", PAGE, flags=flags_for(level, True)) & 0xFF:
                raise Fail(WRONG, expected=f"done at level {level}", seen="it was refused")
        cell.park()


def another_page(scene, caller, places):
    """While the call is under way, another CPU wants another page to be forgotten; whether the caller has
    forgotten its own before it asks the others."""
    m, done = scene.m, set()
    sends = m.elf.address("ipi_send")
    while (stop := scene.run_until(caller, {sends, *places}, "the others are asked")).pc != sends:
        if forgets(m, caller, places[stop.pc]):
            done.add(caller)
    scene.m.start(OTHER, "tlb_shootdown", OTHER_PAGE, flags=ON)
    scene.settle(OTHER)
    return done


def turns_until_returned(scene, caller, places):
    """All CPUs take turns until the call is over; those that forgot the page before."""
    m, done = scene.m, set()
    end = m.elf.address("probe_returned")
    for _ in range(ROUNDS):
        for cpu in scene.cpus:
            if not scene.give(cpu, [*places, *([end] if cpu == caller else [])]):
                continue
            if m.pc(cpu) == end:
                return done
            if forgets(m, cpu, places[m.pc(cpu)]):
                done.add(cpu)
    raise scene.failed_on(m.run(caller, (), 1), "tlb_shootdown() returns")
