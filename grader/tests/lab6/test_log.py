"""Exercise 6.6: a log, one step after the other."""

from grader.explore.logmodel import BYTES, Record
from grader.explore.logs import DROPPED, READ, WORDS, WRITE, LogScene
from grader.explore.scene import DISPATCH, HIGH, PASSIVE
from grader.verdict import WRONG, Fail

MAX_CPUS = 8                                # kernel/include/cpu.h
ROOMS = (2, 4, 8, 64)
MANY, DROP_BUDGET = (1 << 16) + 4, 300      # records that are dropped; instructions for each
NEAR = 1 << 31, 1 << 32     # where numbers of 32 bits change their sign, and begin again


def test_one(cell):
    """One writer: every size, read as it was written; what does not fit is dropped and counted."""
    scene = LogScene(cell)
    scene.new(4)
    sizes = list(range(BYTES + 1)) + [BYTES + 1, BYTES + 4, 64, 4096, 1 << 31, (1 << 32) - 1]
    scene.random.shuffle(sizes)
    full = [(WRITE, None), (READ,)] * 4
    for at in range(0, len(sizes), 8):
        cpu = scene.random.randrange(scene.m.cpus)
        # Each place in the log has held a full record before, of which nothing may come out later.
        poison = [(WRITE, scene.record(cpu, BYTES)) if each[0] == WRITE else each for each in full]
        steps = [step for size in sizes[at:at + 8]
                 for step in ((WRITE, scene.record(cpu, size)), (READ,), (READ,), (DROPPED,))]
        scene.play(cpu, poison + steps)
    check_places(scene)
    scene.check_sides()
    check_keeps(scene)
    many_cpus(cell)


def many_cpus(cell):
    """Each of eight CPUs writes, in any order; the log is one, or each has its own."""
    cell.use(MAX_CPUS)
    scene = LogScene(cell)
    scene.find_kind()
    scene.new(MAX_CPUS)
    for cpu in scene.random.sample(range(MAX_CPUS), MAX_CPUS):
        scene.play(cpu, [(WRITE, scene.record(cpu))])
    scene.settle([scene.log], scene.random.randrange(MAX_CPUS))


def check_keeps(scene):
    """The level and IF stay as they are, with room and without: at any level, but for the reader."""
    number = scene.record(1).number
    for interrupts in (True, False):
        for level in (PASSIVE, DISPATCH, HIGH):
            scene.new(2)
            calls = [("probe_log_write", number, 8), ("probe_log_write", number, BYTES + 1),
                     ("probe_log_write", number, 8), ("probe_log_write", number, 8),
                     ("logring_dropped", scene.at)]
            calls += [("probe_log_read",)] * 3 if level <= DISPATCH else []
            for call in calls:
                scene.check_keeps(1, *call, level=level, interrupts=interrupts)


def check_places(scene):
    """Records are aligned to 4, and lie apart from each other."""
    places = []
    for size in (1, BYTES, 3, 7):
        place = scene.m.call(0, "logring_reserve", scene.at, size)
        if place % 4 or not place:
            raise Fail(WRONG, expected="logring_reserve() gives a record's place, aligned to 4",
                       seen=f"{place:#x}")
        places.append((place, size))
    places.sort()
    for (place, size), (after, _) in zip(places, places[1:]):
        if place + size > after:
            raise Fail(WRONG, expected=f"{size} bytes of a record at {place:#x}, nobody else's",
                       seen=f"another one's begin at {after:#x}")


def random_steps(scene, cpu, count, fill):
    """Writes and reads in random order, more of the ones or of the others."""
    steps = []
    for _ in range(count):
        if scene.random.random() < 0.05:
            steps.append((DROPPED,))
        elif scene.random.random() < fill:
            large = scene.random.random() < 0.1     # dropped once, whether or not there is room
            steps.append((WRITE, scene.record(cpu, BYTES + 1 if large else None)))
        else:
            steps.append((READ,))
    return steps


def rounds(scene, cpus, times, length):
    """The log fills and empties again, in parts, on these CPUs in turn."""
    for _ in range(times):
        cpu = scene.random.choice(cpus)
        fill = scene.random.choice((0.2, 0.5, 0.8, 1))
        scene.play(cpu, random_steps(scene, cpu, scene.random.randrange(1, length), fill))
    scene.settle([scene.log], scene.random.choice(cpus))


def test_full(cell):
    """What gives way is what the policy says, and what was read and dropped is what was tried."""
    scene = LogScene(cell)
    scene.find_kind()
    for room in ROOMS:
        for cpus in ((0,), (0, 1)):
            scene.new(room, scene.random.getrandbits(32))
            for cpu in cpus:
                count = min(2 * room + scene.random.randrange(1, room), 126)
                scene.play(cpu, [(WRITE, scene.record(cpu)) for _ in range(count)] + [(DROPPED,)])
            scene.settle([scene.log])
            rounds(scene, cpus, 5, min(4 * room, 64))
    beside(scene)
    many_dropped(scene)


def beside(scene):
    """There is another log, of another size: each has its own records, and its own count."""
    m, other, room, more = scene.m, scene.m.elf.address("kernel_log"), 8, 3
    steps = [(WRITE, scene.record(0)) for _ in range(3)]
    scene.new(4, scene.random.getrandbits(32))
    scene.play(0, steps)
    m.call(1, "logring_init", other, room, scene.random.getrandbits(32))
    for _ in range(room + more):
        if place := m.call(1, "logring_reserve", other, 8):
            m.call(1, "logring_commit", other, place)
    try:
        scene.play(0, [(WRITE, scene.record(0)) for _ in range(3)])
        scene.settle([scene.log])
    except Fail as fail:
        fail.failure.extra.append(f"CPU 1 had filled another log meanwhile, with room for {room}.")
        raise
    read = 0
    while m.call(1, "logring_read", other, m.elf.address("probe_record")) & 0xFF and read <= room:
        read += 1
    dropped = m.call(0, "logring_dropped", other) % WORDS
    if (read, dropped) != (room, more):
        raise Fail(WRONG, expected=f"{room + more} records were tried in a log with room for {room}, "
                   f"beside one with room for 4: {room} are read and {more} dropped",
                   seen=f"{read} and {dropped}", cause="each log has its own memory: logring_area().")


def many_dropped(scene):
    """The count of dropped records is one of 32 bits."""
    scene.new(4, scene.random.getrandbits(32))
    large = scene.record(0, BYTES + 1)
    scene.m.call(0, "probe_log_drop", MANY, budget=MANY * DROP_BUDGET)
    scene.log.tried += MANY
    scene.log.gone += [large] * MANY
    scene.play(1, random_steps(scene, 1, 16, 0.8))
    scene.settle([scene.log])


def test_wrap(cell):
    """The numbers in the log change their sign, and begin again with 0."""
    scene = LogScene(cell)
    scene.find_kind()
    for edge in NEAR:
        full_across(scene, edge)
        for room in (2, 8, 64):
            scene.new(room, edge - scene.random.randrange(1, room + 1))
            if room == 64:
                rounds(scene, (0, 1), 5, 120)
                continue
            rounds(scene, (0,), 3, 4 * room)
            held_over(scene, room)
            rounds(scene, (0, 1), 3, 4 * room)
            scene.new(room, edge - scene.random.randrange(2, room + 1))
            held_over(scene, room)
            rounds(scene, (0, 1), 2, 4 * room)


def full_across(scene, edge):
    """The log is full while its oldest record has a number before the edge, and the next one is at
    it or behind it."""
    for room, before in ((2, 2), (8, scene.random.randrange(2, 9)), (8, 8)):
        scene.new(room, edge - before)
        for cpu in (0, 1):
            scene.play(cpu, [(WRITE, scene.record(cpu)) for _ in range(room + 2)] + [(DROPPED,)])
        scene.settle([scene.log])


def held_over(scene, room):
    """A record is not whole while others are written, enough for all places and more."""
    m = scene.m
    mine = scene.record(0, 8)
    number = mine.number
    scene.check_room(scene.log, mine, scene.log.reserve(mine),
                     bool(m.call(0, "probe_log_begin", number, mine.size) & 0xFF))
    scene.play(0, [(WRITE, Record(0, scene.record(0).number, 12, 1)) for _ in range(room + 1)]
               + [(READ,)])
    m.call(0, "probe_log_end")
    scene.log.commit(mine)
