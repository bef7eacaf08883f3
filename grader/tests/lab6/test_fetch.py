"""Exercise 6.4: what is checked is what is used."""

from grader.explore.drains import Drains
from grader.explore.fetch import path_reads
from grader.explore.hostile import WORDS_OF, HostileScene
from grader.explore.rings import DESCRIPTOR, FNV_PRIME, FNV_START, PAGE, WORDS, say
from grader.explore.sweep import walk
from grader.verdict import WRONG, Fail

BUDGET = 8
SLOTS = 4


# ---- 6.4d ----

def test_once(cell):
    """A good descriptor, one that is too long, one of no buffer: each byte of each is read once."""
    scene = HostileScene(cell)
    peer = scene.ready(SLOTS, WORDS - 1, [(1024, 64)])
    handle = list(peer.buffers)[0]
    cookies = [scene.random.getrandbits(32) for _ in range(3)]
    wait = [(handle, 8, 4, cookies[0]), (handle, 60, 8, cookies[1]),
            (handle ^ 0x500, 0, 8, cookies[2])]
    for ahead, each in enumerate(wait):
        peer.put(peer.next + ahead, each)
    peer.publish(peer.next + len(wait))
    scene.show()
    scene.start_drain(BUDGET)
    scene.run_to("ring_drain", "ring_drain() called by the grader")
    start = scene.m.snapshot()
    steps = walk(scene, [scene.m.elf.address("probe_returned")], "ring_drain() comes back")
    seen = path_reads(scene, start, steps, range(scene.user, scene.user + PAGE))
    for ahead in range(len(wait)):
        once(scene, start, seen, peer.next + ahead, wait[ahead])
    scene.m.restore(start)
    scene.run_to("probe_returned", "ring_drain() comes back")
    result, sunk = peer.drain(BUDGET)
    if scene.signed(scene.m.result(scene.cpu)) != result:
        raise Fail(WRONG, expected=f"ring_drain() takes {result}",
                   seen=str(scene.signed(scene.m.result(scene.cpu))))
    scene.check_sunk(sunk)


def once(scene, start, seen, number, descriptor):
    """Fails if a byte of this descriptor is read twice, or one of its words never."""
    at = scene.user + scene.peer.slot(number) + scene.form.descriptor
    readers = [[each for each in seen if byte in each.part(at, DESCRIPTOR.size)]
               for byte in range(DESCRIPTOR.size)]
    twice = next((byte for byte in (8, 4, 0, 12, *range(DESCRIPTOR.size))
                  if len(readers[byte]) > 1), None)
    if twice is not None:
        read_twice(scene, start, at, twice // 4, descriptor, *readers[twice][:2])


def read_twice(scene, start, at, word, descriptor, first, second):
    """The failure, after the program has changed the word between the two reads."""
    changed = {"handle": descriptor[0] ^ 0x5A5A00, "offset": 0x40000000, "length": 4000,
               "cookie": descriptor[3] ^ WORDS - 1}[WORDS_OF[word]]
    scene.m.restore(start)
    scene.forget()
    if second.index:
        scene.m.step(scene.cpu, second.index)
    scene.m.write_u32(at + 4 * word, changed)
    before = len(scene.sunk())
    raise Fail(WRONG, expected="each byte of a descriptor is read once, and this copy is checked "
               "and used",
               seen=f"its {WORDS_OF[word]} is read twice",
               at=place(scene, first, "first read"), went_wrong=place(scene, second, "second read"),
               extra=[f"The first read finds {WORDS_OF[word]} = {descriptor[word]:#x}.  The program "
                      "writes",
                      f"{changed:#x} there, and the second read finds that.", *came(scene, before)],
               cause="ring 3 runs on another CPU at the same time: between two reads it may write, "
                     "and what was checked is not what is used.")


def place(scene, read, label):
    """An instruction, with a word of its own."""
    found = scene.m.place(read.pc)
    found.label = label
    return found


def came(scene, before):
    """What became of it."""
    stop = scene.m.run(scene.cpu, ("probe_sunk", "probe_refused", "probe_returned"), 200_000,
                       exact=False)
    if stop.reason != "address":
        return [f"Then: {stop}."]
    if stop.pc == scene.m.elf.address("probe_sunk"):
        bytes_from, length = scene.argument(0), scene.argument(1) % WORDS
        at = bytes_from - scene.data
        where = f" from {at} of RING_DATA" if 0 <= at < PAGE else ""
        return [f"Then ring_sink() gets {length} bytes{where}; granted are 64 from 1024."]
    return ["This time nothing came of it: it was refused."] \
        if stop.pc == scene.m.elf.address("probe_refused") else []


# ---- 6.4e ----

BUFFERS = [(512, 64), (2048, 16)]           # and poison around them: random bytes as well


class Rewritten(Drains):
    """One word of both descriptors that wait changes, or all of them."""

    words = "another descriptor"

    def __init__(self, scene):
        super().__init__(scene, BUDGET)
        self.values = dict                      # gives what becomes of words: number, value
        self.allowed = inside(scene)

    def prepare(self):
        """Two that are good: the longer buffer's end, which the other does not have."""
        scene, peer = self.scene, self.scene.peer
        longer = list(peer.buffers)[0]
        for ahead in range(2):
            length = scene.random.randrange(1, 17)
            peer.put(peer.next + ahead, (longer, 64 - length - ahead, length,
                                         scene.random.getrandbits(32)))
        peer.publish(peer.next + 2)

    def change(self):
        peer = self.scene.peer
        for ahead in range(2):
            descriptor = list(peer.descriptor(peer.next + ahead))
            for word, value in self.values().items():
                descriptor[word] = value
            peer.put(peer.next + ahead, tuple(descriptor))

    def check(self, result, sunk, descriptors):
        """Both are taken; what was handed on are bytes of a buffer that is granted."""
        if result != 2:
            raise Fail(WRONG, expected="ring_drain() takes 2", seen=str(result))
        for number, each in enumerate(sunk):
            if each.good and (each.length, each.hash) not in self.allowed:
                raise Fail(WRONG, expected="ring_sink() gets bytes of a buffer that is granted",
                           seen=say(each), extra=[f"descriptor {number} of the two that waited",
                                                  "granted are 64 bytes from 512 of RING_DATA, and "
                                                  "16 from 2048"],
                           cause="one part was checked, and another one used.")


def inside(scene):
    """(length, hash) of all that is in a buffer."""
    found = {(0, FNV_START)}
    for start, size in scene.peer.buffers.values():
        data = scene.peer.data[start:start + size]
        for first in range(size):
            value = FNV_START
            for end in range(first, size):
                value = (value ^ data[end]) * FNV_PRIME % WORDS
                found.add((end + 1 - first, value))
    return found


def test_changed(cell):
    """Whenever it changes: no byte that was not granted, no fault."""
    scene = HostileScene(cell)
    random = scene.random
    # Behind the buffer's end, or before its start; another buffer, or none.
    changes = {
        "another length": lambda: {2: random.choice((65 + random.randrange(200),
                                                     WORDS - 1 - random.randrange(1 << 31)))},
        "another offset": lambda: {1: random.choice((64 + random.randrange(1000),
                                                     WORDS - random.randrange(1, 500)))},
        "another handle": lambda: {0: random.choice((list(scene.peer.buffers)[1],
                                                     random.getrandbits(32)))},
        "anything": lambda: {word: random.getrandbits(32) for word in range(4)},
    }
    scene.ready(SLOTS, WORDS - 3, BUFFERS)
    rewritten = Rewritten(scene)
    for name, rewritten.values in changes.items():
        rewritten.sweep(f"drain, then {name}")
