"""Exercise 6.7: how long the pages of a ring live, and who frees them."""

from grader.explore.access import sites_of
from grader.explore.explore import explore
from grader.explore.logregion import call_again, result
from grader.explore.pages import Pages, check_none_lost, go_on, watched
from grader.explore.region import Memory, Program, Region, lab_of
from grader.explore.ring3 import Ring3
from grader.explore.rings import PAGE, PAGES, RingScene
from grader.explore.ringwords import check_new
from grader.explore.scene import KERNEL_FROM, flags_for
from grader.machine.types import Unmapped
from grader.verdict import WRONG, Fail

SYS_EXIT, SYS_RING_MAP = 1, 20
LEVEL = flags_for(2, True)      # DISPATCH, interrupts on
EXIT_BUDGET = 400_000
WAITS = 20_000                  # instructions of a CPU that asks for a reference


class Fresh(Region):
    """A region whose runs all begin at the snapshot: pages move about, and nobody puts them back."""

    def begin(self, fresh):
        return super().begin(True)


def filled(cell, count):
    """A ring with so many descriptors in it, what has to come out, and the pages that it took."""
    scene = RingScene(cell)
    scene.owner = scene.thread()
    pages = made(scene, 8, cell.random.getrandbits(32))
    scene.m.call(0, "probe_producer_new")
    data = scene.fill()
    handle = scene.grant(0, len(data))
    wanted, expected = [], []
    for _ in range(count):
        length, cookie = cell.random.randrange(1, 17), cell.random.getrandbits(32)
        offset = cell.random.randrange(len(data) - length)
        wanted.append((handle, offset, length, cookie))
        expected.append(scene.good(data[offset:offset + length], cookie))
    scene.describe(wanted)
    if scene.push(0, count) != count:
        raise Fail(WRONG, expected=f"room for {count} descriptors", seen="the ring is full")
    scene.forget()
    return scene, expected, pages.taken


def made(scene, slots, first):
    """A ring for the owner; the pages that it took."""
    pages = watched(scene, 0, "probe_ring_new", scene.owner, slots, first)
    if scene.signed(pages.result):
        raise Fail(WRONG, expected=f"ring_map() makes a ring of {slots} slots",
                   seen=str(scene.signed(pages.result)))
    scene.slots = slots
    scene.user, scene.kernel, scene.data = map(scene.pointer, ("user", "kernel", "data"))
    return pages


def physical(scene):
    """The pages of the ring: physical address, name."""
    found = {scene.mapped(address)[0]: name for address, name in PAGES.items()
             if scene.mapped(address)}
    if len(found) != len(PAGES):
        raise Fail(WRONG, expected="three pages are mapped", seen=f"{len(found)}")
    return found


# ---- while somebody uses the pages ----

class Lives:
    """Follows the pages of a ring through a run: who uses them, who frees them."""

    def __init__(self, scene, taken, users):
        self.scene, self.m = scene, scene.m
        self.pages = physical(scene)
        self.others = set(taken) - set(self.pages)      # that a lab may have for itself
        self.users = users              # CPUs that get a reference, use the pages, and put it

    def begun(self, run):
        run.notes |= {"uses": set(), "freed": [], "gone": 0}

    def drains(self, run, cpu):
        """A CPU has its reference: ring_drain() begins."""
        if cpu in self.users:
            self.check_there(run, f"CPU {cpu} has a reference, and drains")
            run.notes["uses"].add(cpu)

    def sinks(self, run, cpu):
        self.check_there(run, f"CPU {cpu} takes a descriptor out of them")

    def check_there(self, run, what):
        if run.notes["freed"]:
            name = self.pages[run.notes["freed"][0]]
            raise Fail(WRONG, expected=f"the pages are the ring's while {what}",
                       seen=f"{name} is free: it may be anybody's",
                       cause="from 0 references there is no way back.")

    def puts(self, run, cpu):
        """It is done with them: ring_put() begins."""
        run.notes["uses"].discard(cpu)

    def frees(self, run, cpu):
        """page_free() begins."""
        page = self.scene.argument(0, cpu)
        if page in self.others:
            return
        users = run.notes["uses"]
        name = self.pages.get(page)
        if name is None:
            raise Fail(WRONG, expected="the pages of this ring are freed",
                       seen=f"page_free({page:#x}), of which the ring knows nothing",
                       cause="after ring_gone() the place belongs to the next program.")
        if users:
            raise Fail(WRONG, expected=f"{name} stays while CPU {min(users)} drains",
                       seen=f"CPU {cpu} frees it",
                       cause="the next owner's bytes would come out of the ring.")
        if page in run.notes["freed"]:
            raise Fail(WRONG, expected="each page is freed once", seen=f"{name}: twice",
                       cause="two CPUs found that theirs was the last reference.")
        run.notes["freed"].append(page)

    def gone(self, run, cpu):
        """ring_gone() begins: from here on another program may take the place."""
        run.notes["gone"] += 1
        size = self.scene.field["size"] - self.scene.field["as"]
        self.m.write(self.scene.ring + self.scene.field["as"], bytes(size))

    def check(self, run):
        freed = len(run.notes["freed"])
        if freed != len(self.pages):
            raise Fail(WRONG, expected="all three pages are free when the last reference is gone",
                       seen=f"{freed} are", cause="pages that nobody frees are lost for good.")
        if run.notes["gone"] != 1:
            raise Fail(WRONG, expected="ring_gone() once, with the last reference",
                       seen=f"{run.notes['gone']} times")

    def marks(self):
        return {"ring_drain": self.drains, "ring_put": self.puts, "ring_sink": self.sinks,
                "page_free": self.frees, "ring_gone": self.gone}


WORDS = {"ring_drain": "has a reference, and drains", "ring_put": "gives a reference back",
         "ring_sink": "has taken a descriptor out", "page_free": "frees a page",
         "ring_gone": "says that the place is free"}


def region_of(scene, name, programs, lives, start):
    return Fresh(scene, name, programs, [Memory("the ring", scene.ring, scene.field["size"])],
                 marks=lives.marks(), words=WORDS, begun=lives.begun, check=lives.check,
                 start=start)


def test_close(cell):
    """The program ends on CPU 0 while CPU 1 uses the ring, in every schedule, and at each descriptor."""
    scene, _, taken = filled(cell, 1)
    lives = Lives(scene, taken, users=[1])
    space = scene.pointer_of_space()
    explore(region_of(scene, "the end of a program whose ring is being drained",
                      [Program(0, "ring_exit", (space,), LEVEL), Program(1, "probe_use", (0,), LEVEL)],
                      lives, "CPU 0 is about to close the ring, CPU 1 to drain it, with a budget of 0"),
            most=80, pct=4, walks=4)
    cell.park()
    scene, _, taken = filled(cell, 1)
    lives = Lives(scene, taken, users=[])
    got(scene, 1, True)
    explore(region_of(scene, "two references that go at the same time",
                      [Program(0, "ring_exit", (scene.pointer_of_space(),), LEVEL),
                       Program(1, "ring_put", (scene.ring,), LEVEL)],
                      lives, "CPU 0 is about to close the ring, CPU 1 has a reference"),
            most=40, pct=4, walks=4)
    cell.park()
    while_it_drains(cell)


def while_it_drains(cell):
    """At each descriptor the program ends, and others write into the pages that they get."""
    count = 3
    scene, expected, _ = filled(cell, count)
    m, ring = scene.m, physical(scene)
    start = m.snapshot()
    for number in range(1, count + 1):
        m.restore(start)
        m.start(1, "probe_use", count, flags=LEVEL)
        for _ in range(number):
            scene.run_cpu(1, "ring_sink", "ring_drain() gives a descriptor to ring_sink()")
        pages, when = Pages(), f"while CPU 1 takes out descriptor {number} of {count}"
        m.start(0, "ring_exit", scene.pointer_of_space())
        closed = go_on(scene, 0, "ring_exit() returns", pages, may_wait=True)
        check_freed(pages, ring, 0, when)
        for _ in range(len(ring) if closed else 0):
            page = m.call(0, "page_alloc")
            if page in ring:
                raise Fail(WRONG, expected=f"the pages are the ring's {when}",
                           seen=f"page_alloc() gives {ring[page]}")
            m.write(KERNEL_FROM[m.width] + page, cell.random.randbytes(PAGE))
        go_on(scene, 1, "the drain goes on and ends", pages)
        if not closed:
            go_on(scene, 0, "ring_exit() returns, after the last ring_put()", pages)
        check_freed(pages, ring, len(ring), "after the drain")
        check_place(scene, False, "after the drain")
        seen = scene.sunk()
        if len(seen) < number or seen != expected[:len(seen)]:
            raise Fail(WRONG, expected=f"what the program had pushed, {when}", seen="something else")


# ---- one thing after another ----

def got(scene, cpu, wanted, why="the ring is there"):
    """ring_get() on a CPU, and what it must give."""
    seen = bool(scene.m.call(cpu, "ring_get", scene.ring, flags=LEVEL) & 0xFF)
    if seen != wanted:
        raise Fail(WRONG, expected=f"ring_get() gives {str(wanted).lower()}: {why}",
                   seen=str(seen).lower())


def check_freed(pages, ring, wanted, when):
    """So many of the ring's pages were given back."""
    freed = sum(page in ring for page in pages.freed)
    if freed != wanted:
        raise Fail(WRONG, expected=f"{wanted or 'none'} of the ring's pages free {when}",
                   seen=f"{freed} are")


def check_place(scene, wanted, when):
    """Whether the place in rings[] is taken."""
    used = bool(scene.m.u8(scene.ring + scene.field["used"]))
    if used != wanted:
        raise Fail(WRONG, expected=f"the place in rings[] is {'taken' if wanted else 'free'} {when}",
                   seen="it is not")


def place(scene, slots=0):
    """A program takes the place, as the given half does it; it has no ring yet."""
    scene.m.write(scene.ring, bytes(scene.field["size"]))
    scene.m.write(scene.ring + scene.field["used"], b"\1")
    scene.m.write_ptr(scene.ring + scene.field["as"], scene.pointer_of_space())
    scene.m.write_u32(scene.ring + scene.field["slots"], slots)


def life(scene, slots, order):
    """A program comes, has a ring, and ends; CPUs give back their references in this order."""
    m, first = scene.m, scene.random.getrandbits(32)
    scene.owner = scene.thread()
    place(scene)
    got(scene, 1, False, "the place is taken, and ring_map() was not called yet")
    pages = made(scene, slots, first)
    check_new(scene, slots, first)
    ring, space = physical(scene), scene.pointer_of_space()
    for at in (scene.user, scene.data):
        m.write(at, scene.random.randbytes(PAGE))       # what nobody after it may see
    for cpu in order:
        got(scene, cpu, True)
    m.start(0, "ring_exit", space)
    closed = go_on(scene, 0, "ring_exit() returns", pages, may_wait=bool(order))
    if closed:
        watched(scene, 0, "as_destroy", space, pages=pages)
    for left in range(len(order), 0, -1):
        check_freed(pages, ring, 0, f"while there are {left} references")
        check_place(scene, True, f"while there are {left} references")
        watched(scene, order[-left] if closed else 1, "ring_put", scene.ring, pages=pages)
    if not closed:
        go_on(scene, 0, "ring_exit() returns, after the last ring_put()", pages)
        watched(scene, 0, "as_destroy", space, pages=pages)
    check_freed(pages, ring, len(ring), "after the last reference")
    check_none_lost(pages, "at the end of the program")
    check_place(scene, False, "after the last reference")
    for cpu in (0, 1):
        got(scene, cpu, False, "the ring is closed, and its pages are free")


def test_after(cell):
    """References of both CPUs, the end, and the next rings in the same place."""
    scene = RingScene(cell)
    before = scene.m.call(0, "page_count_free")
    for slots, order in ((8, (0, 1, 1)), (64, ()), (2, (1, 0))):
        life(scene, slots, order)
        seen = scene.m.call(0, "page_count_free")
        if seen != before:
            raise Fail(WRONG, expected=f"{before} free pages, as before the program came",
                       seen=str(seen))
    cell.park()
    at_levels(cell)
    cell.park()
    by_ring_3(cell)
    cell.park()
    while_it_is_made(cell)
    cell.park()
    while_there_is_none(cell)


def at_levels(cell):
    """The level and IF stay as they are: with a reference, with the last one, and with none."""
    scene, _, _ = filled(cell, 1)
    for function in ("ring_get", "ring_put", "ring_get", "ring_close", "ring_put", "ring_get"):
        scene.check_stays(function)
    check_place(scene, False, "after the last reference")


def by_ring_3(cell):
    """The program asks for its ring and ends, by system calls; once while CPU 1 has a reference."""
    scene = RingScene(cell)
    scene.owner = scene.thread()
    m = scene.m
    program = Ring3(scene)
    program.enter()
    names = ("rip", "rax", "rdi") if cell.width == 64 else ("eip", "eax", "ebx")
    call, after = (scene.checker.address(f"checker_syscall{end}") for end in ("", "_next"))
    m.set_regs(0, **dict(zip(names, (call, SYS_RING_MAP, 8))))
    scene.run_to(after, "ring 3 after SYS_RING_MAP", budget=EXIT_BUDGET)
    error = scene.signed(getattr(m.regs(0), names[1]))
    if error:
        raise Fail(WRONG, expected="SYS_RING_MAP gives 0", seen=str(error))
    ring, mapped = physical(scene), m.snapshot()
    for held in (False, True):
        m.restore(mapped)
        if held:
            got(scene, 1, True)
        m.set_regs(0, **dict(zip(names, (call, SYS_EXIT, 0))))
        pages, what = Pages(), "the kernel takes the address space apart"
        arrived = go_on(scene, 0, what, pages, "as_destroy", may_wait=held)
        if held:
            check_freed(pages, ring, 0, "after SYS_EXIT, while CPU 1 has a reference")
            watched(scene, 1, "ring_put", scene.ring, pages=pages)
        if not arrived:
            go_on(scene, 0, what, pages, "as_destroy")
        check_freed(pages, ring, len(ring), "after SYS_EXIT and the last reference")
        check_place(scene, False, "after the end of the program")


def stores(elf):
    """Behind each instruction of the lab that writes to memory, but to its stack."""
    names = [symbol.name for symbol in elf.symbols.values() if symbol.kind == "STT_FUNC"
             and elf.code(symbol.address, 1) and lab_of(elf, symbol.address) == 6]
    return {site.end for name in names for site in sites_of(elf, name)
            if site.writes and not site.on_stack}


def while_it_is_made(cell):
    """After each store of ring_map() another CPU asks for a reference: none, or the ring is whole."""
    scene = RingScene(cell)
    scene.owner, scene.slots = scene.thread(), 8
    m, first = scene.m, scene.random.getrandbits(32)
    place(scene, scene.slots)
    places = stores(m.elf) | {m.elf.address("probe_returned")}
    m.start(0, "ring_map", scene.ring, first)
    while True:
        stop = m.run(0, places, EXIT_BUDGET, exact=False)
        if stop.reason != "address":
            raise scene.failed(stop, "ring_map() returns")
        m.start(1, "ring_get", scene.ring, flags=LEVEL)
        asked = m.run(1, "probe_returned", WAITS, exact=False)
        over = stop.pc == m.elf.address("probe_returned")
        if asked.reason == "budget" and not over:
            return              # it waits until the ring is there: right too, and tried above
        if asked.reason != "address":
            raise scene.failed(asked, "ring_get() returns")
        if m.result(1) & 0xFF:
            break
        if over:
            raise Fail(WRONG, expected="a reference, now that ring_map() has made the ring",
                       seen="ring_get() gives false")
    where = None if over else m.place(stop.pc)
    try:
        scene.user, scene.kernel, scene.data = map(scene.pointer, ("user", "kernel", "data"))
        physical(scene)
        check_new(scene, scene.slots, first)
    except (Fail, Unmapped) as error:
        missing = error.failure.expected if isinstance(error, Fail) else "all pages are known"
        raise Fail(WRONG, expected="no reference for another CPU before ring_map() is done with the "
                   "ring", seen=f"CPU 1 has one before this is so: {missing}", went_wrong=where,
                   cause="ring_service_all() comes at any time, and drains what it gets.") from None


def while_there_is_none(cell):
    """Two CPUs ask for a reference of a ring that is closed; one does while the ring is made."""
    scene, _, _ = filled(cell, 1)
    scene.m.call(0, "ring_exit", scene.pointer_of_space())
    asks = [Program(cpu, "ring_get", (scene.ring,), LEVEL) for cpu in (0, 1)]
    shared = [Memory("the ring", scene.ring, scene.field["size"])]
    explore(Fresh(scene, "two ask for a reference of a closed ring", asks, shared,
                  check=lambda run: check_none(run, asks), start="the ring is closed; both CPUs "
                  "are about to call ring_get()"), most=20, pct=2, walks=2)
    cell.park()
    scene = RingScene(cell)
    scene.owner, scene.slots = scene.thread(), 8
    place(scene, scene.slots)
    programs = [Program(0, "probe_use", (0,), LEVEL), Program(1, "ring_map", (scene.ring, 0), LEVEL)]
    shared = [Memory("the ring", scene.ring, scene.field["size"])]
    explore(Fresh(scene, "one asks for a reference while the ring is made", programs, shared,
                  words={"probe_use": "calls ring_get()"},
                  check=lambda run: check_first(run, scene), start="CPU 0 is about to ask for a "
                  "reference, CPU 1 to make the ring"), most=20, pct=2, walks=2)


def check_none(run, asks):
    """No CPU was given a reference."""
    for each in asks:
        if result(run, each.cpu) & 0xFF:
            raise Fail(WRONG, expected="ring_get() gives false: the ring is closed, and its pages "
                       "are free", seen=f"true, on CPU {each.cpu}",
                       cause="another CPU asks just now: that it does must not look like a reference.")


def check_first(run, scene):
    """The ring is made: its program has a reference, the only one, which goes when it ends."""
    call_again(run, 1, "ring_get", scene.ring)
    if not result(run, 1) & 0xFF:
        raise Fail(WRONG, expected="a reference, now that ring_map() has made the ring",
                   seen="ring_get() gives false",
                   cause="what CPU 0 did to the count, it undid when ring_map() had written it.")
    call_again(run, 1, "ring_put", scene.ring)
    call_again(run, 0, "ring_exit", scene.pointer_of_space())
    check_place(scene, False, "when the program, which had the last reference, has ended")
