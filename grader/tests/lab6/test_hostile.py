"""Exercise 6.3: a program that lies."""

from grader.explore.drains import Drains
from grader.explore.hostile import HostileScene
from grader.explore.rings import DESCRIPTOR, LIES, MASKED, PAGE, SEQUENCE, WORDS, say
from grader.explore.scene import DISPATCH, flags_for
from grader.verdict import HANG, WRONG, Fail

TRIES = 100_000
BATCH = 2500
SIGN = 1 << 31
# What the counts of a ring begin with: near where they become negative, and where they wrap.
FIRSTS = (0, SIGN - 3, WORDS - 3)
BUFFERS = [(0, 64), (100, 1), (512, 300), (4000, 96)]
STRANGE = (0, 1, SIGN - 1, SIGN, SIGN + 1, WORDS - 1, PAGE, PAGE - 1)


# ---- 6.3a ----

class Liar:
    """What a hostile program writes next: mostly its count, sometimes slots, sometimes anything."""

    def __init__(self, scene):
        self.scene, self.peer, self.random = scene, scene.peer, scene.random

    def row(self):
        """(offset, value, budget) of the next try."""
        kind = self.random.random()
        write = self.count if kind < 0.6 else self.slot if kind < 0.85 else self.anything
        return (*write(), self.random.choice((1, 2, self.peer.slots, 64, 80)))

    def number(self):
        """What a count may be: honest, one off, far off, or anything."""
        kind, slots = self.random.random(), self.peer.slots
        if kind < 0.4:
            most = slots if kind < 0.1 else min(slots, 4)
            return self.peer.next + self.random.randrange(most + 1)
        if kind < 0.7:
            return self.peer.next + self.random.choice(
                (-1, slots, slots + 1, 2 * slots, -slots, SIGN - 1, SIGN, SIGN + 1, SIGN + slots))
        return self.random.choice(STRANGE) if kind < 0.8 else self.random.getrandbits(32)

    def count(self):
        form, peer = self.peer.form, self.peer
        number = self.number()
        if form.kind == SEQUENCE:
            slot = peer.slot(peer.next + self.random.randrange(min(peer.slots, 3)))
            return slot + form.sequence, self.random.choice((peer.next + 1, number)) % WORDS
        if form.kind == MASKED and self.random.random() < 0.6:
            number %= peer.slots
        return form.produced, number % WORDS

    def slot(self):
        """A word of a descriptor: good as often as not."""
        word = self.random.randrange(4)
        value = self.scene.descriptor()[word] if self.random.random() < 0.7 else self.bad(word)
        at = self.peer.slot(self.random.randrange(self.peer.slots)) + self.peer.form.descriptor
        return at + 4 * word, value

    def bad(self, word):
        if word == 0:
            handle = self.random.choice(list(self.peer.buffers))
            return self.random.choice((handle ^ 1 << self.random.randrange(32), *STRANGE))
        near = self.random.choice((1, 64, 96, 300, PAGE)) + self.random.randrange(-2, 3)
        return self.random.choice((near % WORDS, *STRANGE, self.random.getrandbits(32)))

    def anything(self):
        return (self.random.randrange(PAGE - 3),
                self.random.choice((0, WORDS - 1, self.peer.next, self.random.getrandbits(32))))


def test_tries(cell):
    """100,000 of them; the host knows the answer to each."""
    done = 0
    sizes = HostileScene(cell).sizes()
    turns = [(slots, first) for slots in sizes for first in (*FIRSTS, cell.random.getrandbits(32))]
    for turn, (slots, first) in enumerate(turns):
        cell.park()
        scene = HostileScene(cell)
        scene.ready(slots, first, BUFFERS)
        scene.fresh()
        liar = Liar(scene)
        share = TRIES * (turn + 1) // len(turns) - done
        while share:
            batch = min(share, BATCH)
            scene.tries(liar.row, batch, done)
            done, share = done + batch, share - batch
            cell.progress(done, TRIES)
    cell.count("attempts", done)


# ---- 6.3b ----

def edges(peer):
    """Where the program says that the next free slot is, from the kernel's count on."""
    slots = peer.slots
    near = {side + near for side in (0, slots, 2 * slots, -slots, SIGN, SIGN + slots, SIGN - slots,
                                     1 << 16, -1 << 16)
            for near in (-2, -1, 0, 1, 2)}
    return sorted(near)


def claim(peer, ahead):
    """The row's (offset, value) for such a claim: no count is made right by taking it modulo."""
    form = peer.form
    if form.kind == SEQUENCE:
        return peer.slot(peer.next) + form.sequence, (peer.next + ahead) % WORDS
    if form.kind == MASKED and 0 <= ahead < peer.slots:
        return form.produced, (peer.next + ahead) % peer.slots
    return form.produced, (form.count(peer.next, peer.slots) + ahead) % WORDS


def at_edges(cell, slots, first, arms):
    """Each edge with each budget, in an order that nobody knows; and fixed values."""
    cell.park()
    scene = HostileScene(cell)
    peer = scene.ready(slots, first)
    scene.fresh()
    todo = [(ahead, budget) for ahead in edges(peer) for budget in (1, slots, slots + 1)]
    scene.random.shuffle(todo)

    def row():
        ahead, budget = todo[row.at]
        row.at += 1
        return (*claim(peer, ahead), budget)

    row.at = 0
    scene.tries(row, len(todo), arms=arms)
    cell.count("attempts", len(todo))


def test_edges(cell):
    """One less, one more, a ring more, half of all numbers away: in rings of every size."""
    for slots in HostileScene(cell).sizes():
        for first in (*FIRSTS, cell.random.getrandbits(32)) if slots == 4 else FIRSTS[1:]:
            at_edges(cell, slots, first, arms=False)


def test_armed(cell):
    """ring_arm() at the same counts: nothing waits where the count cannot be."""
    for slots, first in zip(HostileScene(cell).sizes(), 2 * FIRSTS):
        at_edges(cell, slots, first, arms=True)


# ---- 6.3c ----

def test_replay(cell):
    """Between two drains all that the program may write is as it was before, or anything."""
    for slots, first in ((2, SIGN - 3), (8, WORDS - 3), (8, 0), (64, cell.random.getrandbits(32))):
        cell.park()
        replayed(HostileScene(cell), slots, first)


def replayed(scene, slots, first):
    peer = scene.ready(slots, first)
    room = scene.form.room(slots)
    images = [bytes(peer.user)]
    for batch in (1, room, (room + 1) // 2, room):
        scene.fresh()
        peer.publish(peer.next + batch)
        images.append(bytes(peer.user))
        scene.show()
        scene.check_drain(slots)
        images.append(bytes(peer.user))
    words = ["a page of zeros", "a page of ones", "a page of random bytes"]
    pages = [bytes(PAGE), b"\xff" * PAGE, scene.random.randbytes(PAGE)]
    words += ["the page as it was before"] * len(images)
    for what, page in zip(words, pages + images):
        peer.user = bytearray(page)
        peer.data, peer.hashes = scene.random.randbytes(len(peer.data)), {}
        if scene.form.kind != SEQUENCE and peer.waiting():
            continue            # an old count that is honest again, with old descriptors
        scene.show()
        scene.m.write(scene.data, peer.data)
        scene.check_drain(slots, f"the program had written {what}")
        scene.check_kept()
        scene.fresh()
        peer.publish(peer.next + 1)
        scene.show()
        scene.check_drain(slots, f"the program had written {what}, and then put one in")


# ---- 6.3d ----

def test_words(cell):
    """All of RING_USER that is neither the count nor a slot, as the program likes."""
    for slots in (2, 8, 64):
        cell.park()
        scene = HostileScene(cell)
        peer = scene.ready(slots, cell.random.getrandbits(32))
        known = peer.known_bytes
        others = [at for at in range(PAGE) if at not in known]
        for fill in (b"\xff" * PAGE, bytes(PAGE), scene.random.randbytes(PAGE)):
            for at in others:
                peer.user[at] = fill[at]
            for _ in range(3):
                scene.fresh()
                peer.publish(peer.next + scene.form.room(slots))
                scene.show()
                scene.check_drain(
                    slots, "the program had written into words that are neither count nor slot")
            scene.check_kept()
        if slots == 8:
            one_word(scene, peer, [at for at in range(0, PAGE, 4) if at not in known])


def one_word(scene, peer, offsets):
    """One word after the other; then one descriptor is put in."""
    rows = [(at, scene.random.choice((WORDS - 1, 0, scene.random.getrandbits(32))), 80)
            for at in offsets]

    def row():
        number, then = divmod(row.at, 2)
        row.at += 1
        return rows[number] if not then else (*claim(peer, 1), 80)

    row.at = 0
    scene.tries(row, 2 * len(rows), arms=False)


# ---- 6.3e ----

TURN, SERVICE = 8, 32           # kernel/sys/ring.c: drains of a turn, and the budget of each

def sinks(scene, budget, most, slots):
    """Runs on while the program puts one in for each that is taken; how many were."""
    peer, start = scene.peer, scene.peer.next
    taken = 0
    while True:
        stop = scene.m.run(scene.cpu, ("probe_sunk", "probe_refused", "probe_returned"),
                           scene.limit(budget), exact=False)
        if stop.reason != "address":
            raise scene.failed(stop, "it comes to an end, however fast the program is")
        if stop.pc == scene.m.elf.address("probe_returned"):
            return taken
        taken += 1
        if taken > most:
            raise Fail(HANG, expected=f"at most {most} descriptors are taken",
                       seen=f"number {taken}, and the program puts in more",
                       cause="a program that is faster than the kernel keeps it here forever.")
        number = start + taken - 1      # the one that is at the sink: its slot may be full again
        room = scene.form.room(slots)
        scene.m.write(scene.user + peer.slot(number) + scene.form.descriptor,
                      DESCRIPTOR.pack(*scene.descriptor()))
        if scene.form.kind == SEQUENCE:
            scene.m.write_u32(scene.user + peer.slot(number) + scene.form.sequence,
                              (number + slots + 1) % WORDS)
        else:
            scene.m.write_u32(scene.user + scene.form.produced,
                              scene.form.count(number + room, slots))


def test_faster(cell):
    """While the kernel drains, the ring fills again; a drain and a turn end all the same."""
    for slots, budget in ((1, 5), (4, 4), (8, 3), (8, 30), (64, 64)):
        if slots not in HostileScene(cell).sizes():
            continue
        cell.park()
        scene = HostileScene(cell)
        full(scene, slots, WORDS - 3)
        scene.start_drain(budget)
        taken = sinks(scene, budget, budget, slots)
        least = min(budget, scene.form.room(slots))
        seen = scene.signed(scene.m.result(scene.cpu))
        if seen != taken or taken < least:
            raise Fail(WRONG, expected=f"ring_drain() takes {least} to {budget} and says so",
                       seen=f"it took {taken} and gave {seen}")
        scene.check_kept()
    cell.park()
    turn_ends(HostileScene(cell))


def turn_ends(scene):
    """ring_service(): the ring is full again before each drain."""
    full(scene, 64, 0)
    scene.forget()
    scene.m.start(scene.cpu, "ring_service", scene.ring, flags=flags_for(DISPATCH, True))
    drains = 0
    while True:
        stop = scene.m.run(scene.cpu, ("ring_drain", "probe_returned"), scene.limit(SERVICE),
                           exact=False)
        if stop.reason != "address":
            raise scene.failed(stop, "ring_service() comes to an end, however fast the program is")
        if stop.pc == scene.m.elf.address("probe_returned"):
            break
        drains += 1
        peer = scene.peer
        peer.next = scene.m.u32("probe_sunk_count") % WORDS
        peer.publish(peer.next + scene.form.room(64))
        scene.show(whole=False)
    taken = scene.m.u32("probe_sunk_count")
    if taken != TURN * SERVICE:
        raise Fail(WRONG, expected=f"ring_service() takes {TURN} times {SERVICE} descriptors of a ring "
                   "that is always full", seen=f"{taken}, in {drains} drains")


def full(scene, slots, first):
    """A ring that is full of good descriptors."""
    peer = scene.ready(slots, first)
    scene.fresh()
    peer.publish(peer.next + scene.form.room(slots))
    scene.show()


# ---- 6.3f ----

SLOTS, WAITING, BUDGET = 4, 2, 8


def lies(scene, peer):
    """A count that cannot be; without counts: numbers of no descriptor."""
    if scene.form.kind != SEQUENCE:
        return peer.write(*claim(peer, scene.random.randrange(SLOTS + 2, SIGN)))
    for number in range(SLOTS):
        peer.write(peer.slot(number) + scene.form.sequence, scene.random.getrandbits(32))


class Changes(Drains):
    """A drain of two, before an instruction of which the program says something else."""

    words = "another count"

    def __init__(self, scene):
        super().__init__(scene, BUDGET)
        self.says = None                # so many wait then; None: a count that cannot be

    def prepare(self):
        """Two wait, and the other slots are good, too."""
        peer = self.scene.peer
        for number in range(SLOTS):
            peer.put(number, self.scene.descriptor())
        peer.publish(peer.next + WAITING)

    def change(self):
        peer = self.scene.peer
        if self.says is None:
            lies(self.scene, peer)
        else:
            peer.publish(peer.next + self.says)

    def check(self, result, sunk, descriptors):
        """What was taken is the first of what was there; as many as one of the two counts says."""
        least = min(WAITING, 0 if self.says is None else self.says)
        most = max(WAITING, self.says or 0)
        if result == LIES and self.says is None:
            least = most = result = 0
        if not least <= result <= most:
            raise Fail(WRONG, expected=f"ring_drain() takes {least} to {most}", seen=str(result))
        good = [self.scene.peer.judge(*each) for each in descriptors]
        if sunk != good[:result]:
            raise Fail(WRONG, expected=f"the first {result} descriptors of the ring, in order",
                       seen=f"{len(sunk)}, or others",
                       extra=[f"ring_drain() gave {result}", *(say(each) for each in sunk[:4])])


def test_changed(cell):
    """Larger, smaller, or one that cannot be: whenever it changes, what is taken was in the ring."""
    scene = HostileScene(cell)
    scene.ready(SLOTS, WORDS - 3)
    changes = Changes(scene)
    for name, says in (("a count that cannot be", None), ("all slots", scene.form.room(SLOTS)),
                       ("none", 0)):
        changes.says = says
        changes.sweep(f"drain, then {name}")
