"""Exercise 6.1: the three pages of a ring."""

from grader.explore.pages import check_none_lost, watched
from grader.explore.registers import IF
from grader.explore.ring3 import Ring3
from grader.explore.rings import DATA, KERNEL, PAGE, PAGES, SLOTS_MAX, USER, WORDS, RingScene
from grader.explore.ringwords import check_new, check_table
from grader.explore.scene import BUDGET
from grader.verdict import WRONG, Fail

RIGHTS = {USER: "rw", KERNEL: "r", DATA: "rw"}
ENOMEM, EINVAL = -12, -22
PAGE_FAULT = 14
WRITE, FETCH = 7, 0x15                 # error codes: the page is there, ring 3 may not (SDM 3A 4.7)
UD2 = b"\x0f\x0b"
MOST_PAGES = 24                         # that a ring may ask for, its tables too


def test_pages(cell):
    """Each is there, with the rights of the contract, and is the page that the kernel looks at."""
    scene = RingScene(cell)
    scene.made(8)
    for address, at in ((USER, scene.user), (KERNEL, scene.kernel), (DATA, scene.data)):
        seen = scene.mapped(address)
        if seen is None:
            raise Fail(WRONG, expected=f"{PAGES[address]} is mapped for ring 3", seen="it is not")
        if seen[1] != RIGHTS[address]:
            raise Fail(WRONG, expected=f"{PAGES[address]}: {RIGHTS[address]}", seen=seen[1])
        mark = scene.random.randbytes(16)
        scene.m.write(at, mark)
        if scene.m.read_physical(seen[0], 16) != mark:
            raise Fail(WRONG, expected=f"ring 3 and the kernel see one page at {PAGES[address]}",
                       seen="two")


# ---- ring 3 itself ----

def page_fault(scene, address, error, what):
    """CPU 0 is on its way into a page fault at this address; anything else is a failure."""
    ends = scene.checker.address("checker_write_next"), scene.m.elf.address("ktrap")
    stop = scene.m.run(0, ends, BUDGET)
    if stop.reason != "address":
        raise scene.failed(stop, f"{what} faults")
    if stop.pc == ends[0]:
        raise Fail(WRONG, expected=f"{what} faults", seen="it does not")
    saved = scene.saved(scene.argument(0))
    seen = saved["vector"], saved["error"], scene.argument(1)
    if seen[0] != PAGE_FAULT:
        raise Fail(WRONG, expected=f"{what} is a page fault", seen=f"vector {seen[0]} at "
                   f"{saved['ip']:#x}", cause="the page can be executed.")
    if seen[1:] != (error, address):
        raise Fail(WRONG, expected=f"{what} faults at {address:#x}, error code {error:#x}",
                   seen=f"at {seen[2]:#x}, error code {seen[1]:#x}")


def test_ring_3(cell):
    """The program reads all three, writes two, and executes none."""
    scene = RingScene(cell)
    scene.made(8)
    m, random = scene.m, scene.random
    program = Ring3(scene)
    ip, base, result = ("rip", "rbx", "rax") if cell.width == 64 else ("eip", "ebx", "eax")
    pages = ((USER, scene.user), (KERNEL, scene.kernel), (DATA, scene.data))
    offsets = (0, random.randrange(4, PAGE - 4, 4), PAGE - 4)
    adopted = m.snapshot()
    program.enter()
    for address, at in pages:
        for offset in offsets:
            word = random.getrandbits(32)
            m.write_u32(at + offset, word)
            m.set_regs(0, **{ip: scene.checker.address("checker_touch"), base: address + offset,
                             result: 0})
            scene.run_to(scene.checker.address("checker_touch_next"),
                         f"ring 3 reads {PAGES[address]}", budget=8)
            seen = getattr(m.regs(0), result)
            if seen != word:
                raise Fail(WRONG, expected=f"ring 3 reads {word:#x} in {PAGES[address]}+{offset}",
                           seen=f"{seen:#x}")
    entered = m.snapshot()
    for address, at in pages:
        for offset in offsets:
            word, old = random.getrandbits(32), m.u32(at + offset)
            m.set_regs(0, **{ip: scene.checker.address("checker_write"), base: address + offset,
                             result: word})
            if address == KERNEL:
                page_fault(scene, address + offset, WRITE, "ring 3's write to RING_KERNEL")
                word = old
            else:
                scene.run_to(scene.checker.address("checker_write_next"),
                             f"ring 3 writes to {PAGES[address]}", budget=8)
            if m.u32(at + offset) != word:
                raise Fail(WRONG, expected=f"{word:#x} in {PAGES[address]}+{offset} for the kernel",
                           seen=f"{m.u32(at + offset):#x}")
            if address == KERNEL:
                m.restore(entered)
    for address, at in pages:
        m.restore(adopted)
        m.write(at + offsets[1], UD2)
        place = address + offsets[1]
        m.write("probe_regs", scene.layout.pack(program.regs | {"ip": place, "flags": 2 | IF}))
        m.start(0, "probe_enter_user", m.elf.address("probe_regs"))
        page_fault(scene, place, FETCH, f"ring 3's jump into {PAGES[address]}")


# ---- what cannot be, and what is not there ----

def destroyed(scene, pages):
    """The program ends: the pages of its own, and its page tables, are free."""
    watched(scene, 0, "as_destroy", scene.pointer_of_space(), pages=pages)


def check_unmapped(scene, why):
    """Nothing is at any of the three addresses."""
    for address, name in PAGES.items():
        if scene.mapped(address):
            raise Fail(WRONG, expected=f"nothing mapped, {why}", seen=f"something at {name}")


def test_slots(cell):
    """Numbers of slots that cannot be: an error, and nothing else."""
    scene = RingScene(cell)
    scene.owner = scene.thread()
    start = scene.m.snapshot()
    fewest = 1 if scene.form.room(1) else 2
    bad = [0, 3, SLOTS_MAX + 1, 2 * SLOTS_MAX, 1 << 31, WORDS - 1, WORDS - SLOTS_MAX,
           *range(1, fewest), scene.random.randrange(5, SLOTS_MAX, 2),
           scene.random.randrange(SLOTS_MAX, WORDS)]
    for slots in bad:
        scene.m.restore(start)
        pages = watched(scene, 0, "probe_ring_new", scene.owner, slots, 0)
        seen = scene.signed(pages.result)
        if seen != EINVAL:
            raise Fail(WRONG, expected=f"a ring of {slots} slots: {EINVAL}, -EINVAL", seen=str(seen))
        check_unmapped(scene, "after -EINVAL")
        scene.check_stays("ring_map", 0)
        destroyed(scene, pages)
        check_none_lost(pages, "after -EINVAL and the end of the program")
    scene.m.restore(start)
    scene.m.write_ptr(scene.ring + scene.field["as"], scene.pointer_of_space())
    scene.m.write_u32(scene.ring + scene.field["slots"], 2)
    scene.check_stays("ring_map", 0)
    for slots in (2 ** n for n in range(7) if 2 ** n >= fewest):
        scene.m.restore(start)
        seen = scene.signed(scene.m.call(0, "probe_ring_new", scene.owner, slots, 0))
        if seen:
            raise Fail(WRONG, expected=f"a ring of {slots} slots can be", seen=str(seen))


def check_no_page(scene, pages):
    """ring_map() had a page too few: it says so, and all is as before."""
    seen = scene.signed(pages.result)
    if seen == 0:
        found = [where[0] for where in map(scene.mapped, PAGES) if where]
        if len(set(found) & set(pages.taken)) == len(PAGES):
            return                  # it has found another way
    if seen != ENOMEM:
        raise Fail(WRONG, expected=f"{ENOMEM}, -ENOMEM: page_alloc() has no page left", seen=str(seen))
    check_unmapped(scene, "after -ENOMEM")
    alien = set(pages.freed) - set(pages.taken)
    if alien:
        raise Fail(WRONG, expected="only pages that ring_map() took are given back",
                   seen=f"page_free({min(alien):#x})")


def test_no_page(cell):
    """There is no page left, from each of its calls of page_alloc() on; or that one has none."""
    scene = RingScene(cell)
    scene.owner, scene.slots = scene.thread(), 8
    start = scene.m.snapshot()
    for number in range(MOST_PAGES):
        scene.m.restore(start)
        pages = watched(scene, 0, "probe_ring_new", scene.owner, 8, 0, short=lambda n: n >= number)
        if not pages.refused:
            break
        check_no_page(scene, pages)
        destroyed(scene, pages)
        check_none_lost(pages, "after -ENOMEM and the end of the program")
        scene.m.restore(start)
        pages = watched(scene, 0, "probe_ring_new", scene.owner, 8, 0, short=lambda n: n == number)
        check_no_page(scene, pages)
        if scene.signed(pages.result):
            again = scene.signed(scene.m.call(0, "probe_ring_new", scene.owner, 8, 0))
            if again or not all(map(scene.mapped, PAGES)):
                raise Fail(WRONG, expected="a second ring_map() works, now that there are pages",
                           seen=str(again), cause="something of the first one is still there.")
    if number == 0:
        raise Fail(WRONG, expected="the pages of a ring come from page_alloc()", seen="they do not")


# ---- whose word is where ----

def test_words(cell):
    """The table of the words, and each of them in rings of several sizes."""
    scene = RingScene(cell)
    check_table(scene.form)
    scene.owner = scene.thread()
    start = scene.m.snapshot()
    for slots, first in ((8, 0), (2, WORDS - 1), (64, scene.random.getrandbits(32)),
                         (4, (1 << 31) - 3), (16, 0xFFFF_FFF0)):
        scene.m.restore(start)
        error = scene.signed(scene.m.call(0, "probe_ring_new", scene.owner, slots, first))
        if error:
            raise Fail(WRONG, expected=f"ring_map() makes a ring of {slots} slots", seen=str(error))
        scene.slots = slots
        scene.user, scene.kernel, scene.data = map(scene.pointer, ("user", "kernel", "data"))
        check_new(scene, slots, first)
