"""Exercise 6.4: names for bytes."""

import struct

from grader.explore.hostile import HostileScene
from grader.explore.regrants import check_regrants
from grader.explore.rings import BUFFERS, DATA, DATA_SIZE, USER, WORDS
from grader.verdict import WRONG, Fail

EINVAL, ENOMEM = -22, -12           # kernel/include/errno.h
SIGN = 1 << 31
# None of these is all in RING_DATA; the sums of many are small, modulo 2^32.
BEYOND = ((0, DATA_SIZE + 1), (1, DATA_SIZE), (DATA_SIZE, 1), (DATA_SIZE - 1, 2),
          (DATA_SIZE + 1, 1), (0, WORDS - 1), (0, SIGN), (SIGN, SIGN), (SIGN, 1), (SIGN - 1, 1),
          (WORDS - 1, 1), (WORDS - 1, 2), (1, WORDS - 1), (2, WORDS - 1), (DATA_SIZE, WORDS - 1),
          (WORDS - DATA_SIZE, DATA_SIZE + 1), (WORDS - 16, 32), (16, WORDS - 8),
          (DATA_SIZE - 1, WORDS - DATA_SIZE + 2), (DATA, 16), (USER, 16))
DEAD_FOR = 1000                     # grants, says kernel/include/ring.h
SLOTS = 64


# ---- 6.4a ----

def refuses(scene, offset, length):
    """Such a grant is -EINVAL."""
    seen = scene.grant(offset, length)
    if seen != EINVAL:
        raise Fail(WRONG, expected=f"ring_grant({offset:#x}, {length:#x}) gives {EINVAL} (-EINVAL)",
                   seen=str(seen), cause="these bytes are not all in RING_DATA." if seen >= 0 else "")


def test_grants(cell):
    """What is in RING_DATA, so many at a time, and each by a name of its own."""
    scene = HostileScene(cell)
    scene.ready(SLOTS, cell.random.getrandbits(32), [])
    beyond = list(BEYOND)
    scene.random.shuffle(beyond)
    for each in beyond:
        refuses(scene, *each)
    corners = [(0, DATA_SIZE), (DATA_SIZE - 1, 1), (0, 1), (1, DATA_SIZE - 1)]
    while len(corners) < BUFFERS:
        length = scene.random.randrange(1, 100)
        corners.append((scene.random.randrange(DATA_SIZE - length), length))
    scene.random.shuffle(corners)
    buffers = scene.peer.buffers
    for number, each in enumerate(corners):
        handle = scene.granted(*each)
        if handle in buffers:
            raise Fail(WRONG, expected="each buffer that is granted has a handle of its own",
                       seen=f"{handle:#x} twice")
        buffers[handle] = each
        if number == BUFFERS // 2:
            refuses(scene, *beyond[0])
    stays(scene, beyond[0])
    for turn in range(3):
        delivered(scene, turn)
        full(scene)
        handle = scene.random.choice(list(buffers))
        given_back(scene, handle)
        again = buffers.pop(handle)
        handle = scene.granted(*again)
        if handle in buffers:
            raise Fail(WRONG, expected="a handle that no other buffer has", seen=f"{handle:#x} again")
        buffers[handle] = again


def stays(scene, bad):
    """The level and IF stay as they are: all are granted, one is given back, and granted anew."""
    start, handle = scene.m.snapshot(), list(scene.peer.buffers)[0]
    for function, *args in (("ring_grant", *bad), ("ring_revoke", WORDS - 1), ("ring_grant", 0, 16),
                            ("ring_revoke", handle), ("ring_grant", 0, 16)):
        scene.check_stays(function, *args)
    scene.m.restore(start)


def full(scene):
    """As many as there may be are granted."""
    seen = scene.grant(0, 16)
    if seen != ENOMEM:
        raise Fail(WRONG, expected=f"{BUFFERS} buffers are granted; one more is {ENOMEM} (-ENOMEM)",
                   seen=str(seen))


def given_back(scene, handle):
    """ring_revoke() of a buffer that is granted."""
    if not scene.revoke(handle):
        raise Fail(WRONG, expected=f"ring_revoke({handle:#x}) is true: this buffer is granted",
                   seen="false")


def delivered(scene, turn):
    """A descriptor for the whole of each buffer, and for its last byte: the host knows the bytes."""
    wanted = []
    for handle, (_, length) in scene.peer.buffers.items():
        wanted += [(handle, 0, length), (handle, length - 1, 1), (handle, length // 2, length // 4)]
    drained(scene, wanted, f"turn {turn + 1}: buffers and their ends")


def drained(scene, descriptors, words):
    """All of these, (handle, offset, length), with random cookies, a ring full at a time."""
    room = scene.form.room(SLOTS)
    for at in range(0, len(descriptors), room):
        part = descriptors[at:at + room]
        for ahead, each in enumerate(part):
            scene.peer.put(scene.peer.next + ahead, (*each, scene.random.getrandbits(32)))
        scene.peer.publish(scene.peer.next + len(part))
        scene.show()
        scene.check_drain(SLOTS, words)
    scene.check_kept()


# ---- 6.4b ----

GRANTED = [(1024, 512), (3000, 40), (0, 16)]


def outside(offset, length):
    """(offset, length) in a buffer that is `length` bytes from `offset` of RING_DATA: all wrong."""
    pairs = [(length, 1), (length - 1, 2), (0, length + 1), (1, length), (length + 1, 1),
             (0, WORDS - 1), (1, WORDS - 1), (2, WORDS - 1), (length, WORDS - length),
             (length, WORDS - length + 1), (WORDS - 1, 1), (WORDS - 1, 2), (WORDS - 16, 16),
             (WORDS - 16, 32), (WORDS - 256, 257), (SIGN, SIGN), (SIGN, SIGN + 1), (SIGN, 8),
             (8, SIGN), (0, SIGN), (SIGN - 1, 2), (WORDS - offset, 16), (DATA_SIZE - offset, 8),
             (DATA_SIZE - offset - 1, 2), (0, DATA_SIZE), (DATA, 8), (USER, 8)]
    return [(at, size) for at, size in ((at % WORDS, size % WORDS) for at, size in pairs)
            if at + size > length and size]


def kernel_addresses(scene):
    """Addresses that a program might like to read: as they are, and as offsets from RING_DATA."""
    places = [scene.ring, scene.user, scene.kernel, scene.m.elf.address("cpus"),
              scene.m.elf.address("ring_drain"), scene.owner]
    for place in places:
        for base in (0, scene.data, *(scene.data + at for at, _ in GRANTED)):
            yield (place - base) % WORDS


def strangers(handles, dead):
    """Handles of nothing, among them many that look like one of something."""
    found = {WORDS - 1, SIGN, SIGN - 1, 0, 1, BUFFERS, BUFFERS - 1, dead}
    for handle in (*handles, dead):
        found |= {handle ^ 1 << bit for bit in range(32)}
        found |= {(handle + step) % WORDS
                  for step in (-1, 1, BUFFERS, -BUFFERS, 256, 1 << 16, 1 << 24)}
        found |= {handle | SIGN, handle % BUFFERS, handle % 256, handle & 0xFFFF}
    return sorted(found - set(handles))


def test_refused(cell):
    """What a buffer does not have, and what no buffer is; those between them arrive."""
    scene = HostileScene(cell)
    scene.ready(SLOTS, WORDS - 40, GRANTED)
    buffers = scene.peer.buffers
    dead = scene.granted(2000, 100)
    given_back(scene, dead)
    bad = [(handle, *pair) for handle, where in buffers.items() for pair in outside(*where)]
    handles = list(buffers)
    bad += [(scene.random.choice(handles), at, 8) for at in kernel_addresses(scene) if at > 512]
    # No bytes at all are of no buffer either.
    bad += [(handle, 0, length) for handle in strangers(handles, dead)
            for length in (0, scene.random.randrange(1, 9))]
    scene.random.shuffle(bad)
    every = []
    for each in bad:
        every += [each] + [scene.descriptor()[:3]] * (scene.random.random() < 0.5)
    drained(scene, every, "")
    for handle in scene.random.sample(strangers(handles, dead), 12):
        if scene.revoke(handle):
            raise Fail(WRONG, expected=f"ring_revoke({handle:#x}) is false: it names no buffer",
                       seen="true")
    drained(scene, [scene.descriptor()[:3] for _ in range(8)], "")


# ---- 6.4c ----

def test_given_back(cell):
    """A handle that was given back names nothing, a thousand grants later neither; a drain may be
    under way meanwhile."""
    for held in (0, 3, BUFFERS - 1):
        cell.park()
        scene = HostileScene(cell)
        first = [(64 * number, 32) for number in range(held)]
        scene.ready(SLOTS, cell.random.getrandbits(32), first)
        dead = [scene.granted(1024, 64)]
        given_back(scene, dead[0])
        names_nothing(scene, dead[0], "it was given back")
        dead += again_and_again(scene, DEAD_FOR - 1)
        if (repeated := first_repeated(dead)) is not None:
            raise Fail(WRONG, expected=f"a handle that was given back comes again after {DEAD_FOR} "
                       "grants at the earliest",
                       seen=f"{dead[repeated]:#x} after "
                       f"{repeated - dead.index(dead[repeated])} of them",
                       cause="what a program still has of the old buffer then names the new one.")
        now = scene.granted(1024, 64)
        if now in dead or now in scene.peer.buffers:
            raise Fail(WRONG, expected="a new handle", seen=f"{now:#x}, which was given back")
        scene.peer.buffers[now] = 1024, 64
        tried = [dead[1], dead[-1], dead[DEAD_FOR // 2], *scene.random.sample(dead[1:], 20)]
        for handle in tried[:6]:
            names_nothing(scene, handle, "it was given back, and others were granted")
        every = [(handle, 0, 8) for handle in tried]
        every += [(handle, 0, 32) for handle in scene.peer.buffers]
        scene.random.shuffle(every)
        drained(scene, every, "handles that were given back, and some that are granted")
    check_regrants(cell)


def again_and_again(scene, times):
    """So many grants of the same bytes, each given back; the handles."""
    done = scene.m.call(0, "probe_grant", 1024, 64, times, budget=5000 * times) % WORDS
    raw = scene.m.read("probe_grants", 4 * times)
    handles = list(struct.unpack(f"<{times}i", raw))
    if done != times:
        raise Fail(WRONG, expected="a buffer is granted and given back again and again",
                   seen=f"time {done + 1}: ring_grant() gave {handles[done]}"
                   + ("" if handles[done] < 0 else ", and ring_revoke() of that is false"))
    return handles


def first_repeated(handles):
    """The index of the first handle that was there before, or None."""
    return next((n for n, handle in enumerate(handles) if handle in set(handles[:n])), None) \
        if len(set(handles)) < len(handles) else None


def names_nothing(scene, handle, words):
    """A descriptor with this handle is refused, and it cannot be given back."""
    drained(scene, [(handle, 0, length) for length in (0, 8)],
            f"handle {handle:#x} stood for nothing: {words}")
    if scene.revoke(handle):
        raise Fail(WRONG, expected=f"ring_revoke({handle:#x}) is false: {words}", seen="true")
