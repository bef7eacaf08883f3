"""Whose word is where in the pages of a ring, and what is in one that is new."""

from __future__ import annotations

from collections.abc import Iterator

from grader.explore.rings import (
    DATA, DESCRIPTOR, KERNEL, PAGE, PAGES, SEQUENCE, SLOTS_MAX, USER, WORDS, Layout, RingScene)
from grader.verdict import WRONG, Fail


def words(form: Layout) -> Iterator[tuple[int, str, int, int]]:
    """Each word that the table names: its page, its name, its offset, its bytes, all in that page."""
    yield USER, "the first slot", form.slots, form.slot_size * SLOTS_MAX
    if form.kind != SEQUENCE:
        yield USER, "the program's count", form.produced, 4
    yield KERNEL, "the kernel's count", form.consumed, 4
    yield KERNEL, "the word that asks for a doorbell", form.armed, 4


def apart(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two pieces, (offset, size), have no byte in common."""
    return one[0] + one[1] <= other[0] or other[0] + other[1] <= one[0]


def check_table(form: Layout) -> None:
    """Every word in its page, at a multiple of 4, and on no other."""
    found = list(words(form))
    for page, name, at, size in found:
        if at % 4:
            raise Fail(WRONG, expected=f"{name} at a multiple of 4", seen=f"{PAGES[page]}+{at}",
                       cause="a word that crosses a line is not read or written in one piece.")
        if at + size > PAGE:
            raise Fail(WRONG, expected=f"{name} in {PAGES[page]}: up to {SLOTS_MAX} slots fit",
                       seen=f"from offset {at} to {at + size}")
        for other, its, there, length in found:
            if name < its and page == other and not apart((at, size), (there, length)):
                raise Fail(WRONG, expected=f"{name} and {its} have no byte in common",
                           seen=f"{at} to {at + size} and {there} to {there + length}")
    in_slot = [("the descriptor", form.descriptor, DESCRIPTOR.size)]
    if form.kind == SEQUENCE:
        in_slot.append(("its number", form.sequence, 4))
    for name, at, size in in_slot:
        if at % 4 or form.slot_size % 4 or at + size > form.slot_size:
            raise Fail(WRONG, expected=f"{name} in its slot, at a multiple of 4",
                       seen=f"offset {at} in a slot of {form.slot_size} bytes")
    if len(in_slot) > 1 and not apart(in_slot[0][1:], in_slot[1][1:]):
        raise Fail(WRONG, expected="the number of a slot beside its descriptor", seen="in it")


def check_new(scene: RingScene, slots: int, first: int) -> None:
    """The ring is empty and asks for a doorbell; there is nothing else in its pages."""
    form, m = scene.form, scene.m
    count = form.count(first, slots)
    known = {USER: [], KERNEL: [form.consumed, form.armed], DATA: []}
    counts = [("the kernel's count", scene.kernel + form.consumed)]
    if form.kind == SEQUENCE:
        for number in range(first, first + slots):
            if m.u32(scene.slot(number) + form.sequence) == (number + 1) % WORDS:
                raise Fail(WRONG, expected="a new ring is empty",
                           seen=f"slot {number % slots} says that it is full",
                           cause="its number plus one is there; counts wrap.")
        known[USER] = [form.slots + n * form.slot_size + form.sequence for n in range(SLOTS_MAX)]
    else:
        counts.append(("the program's count", scene.user + form.produced))
        known[USER] = [form.produced]
    for name, at in counts:
        if m.u32(at) != count:
            raise Fail(WRONG, expected=f"{name} begins with {count:#x}: `first` was {first:#x}, "
                       f"{slots} slots", seen=f"{m.u32(at):#x}")
    if not scene.armed():
        raise Fail(WRONG, expected="a new ring asks for a doorbell", seen="it does not")
    check_clean(scene, known)


def check_kernel_page(scene: RingScene) -> None:
    """There is nothing in RING_KERNEL but its two words, whatever the kernel has done."""
    check_clean(scene, {KERNEL: [scene.form.consumed, scene.form.armed]})


def check_clean(scene: RingScene, known: dict[int, list[int]]) -> None:
    """All bytes of these pages are 0, but for these words."""
    places = {USER: scene.user, KERNEL: scene.kernel, DATA: scene.data}
    for address, its in known.items():
        data = bytearray(scene.m.read(places[address], PAGE))
        for word in its:
            data[word:word + 4] = bytes(4)
        there = next((n for n, byte in enumerate(data) if byte), None)
        if there is not None:
            raise Fail(WRONG, expected=f"nothing in {PAGES[address]} but what the table names, all "
                       "other bytes 0", seen=f"at offset {there}: {data[there:there + 8].hex(' ')}",
                       cause="ring 3 reads it: the kernel's own things must not be there.")
