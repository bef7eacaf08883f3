"""The parts of a variable by their names, as the kernel's debug information has them."""

from __future__ import annotations

from functools import lru_cache
from math import prod

from elftools.dwarf.die import DIE

from grader.elf import Elf
from grader.labs import lab_in

ADDRESS = 0x03          # DW_OP_addr
NAMED = ("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type", "DW_TAG_atomic_type")
MOST_NAMES = 32         # of one type
STRUCTS = ("DW_TAG_structure_type", "DW_TAG_union_type")


def part_of(elf: Elf, address: int, offset: int) -> str:
    """What lies so many bytes behind the start of the variable at an address: ".head", "[2].next"; with
    "+1" behind it if that is the middle of something, and "" at the start of what has no parts or where the
    file says nothing."""
    variable = _variables(elf).get(address)
    try:
        if variable:
            return _part(variable, offset)
    except Exception:       # whoever writes assembly may have written this, too
        pass
    return f"+{offset}" if offset else ""


@lru_cache(maxsize=4)
def _variables(elf: Elf) -> dict[int, DIE]:
    """The variables of the labs' files by their addresses."""
    found = {}
    try:
        for unit in elf.dwarf.iter_CUs() if elf.dwarf else ():
            top = unit.get_top_DIE()
            name = top.attributes.get("DW_AT_name")
            if name and lab_in(name.value.decode("utf-8", "replace")):
                found.update((at, die) for die in top.iter_children() if (at := _address(die)) is not None)
    except Exception:       # see above: what was read so far is good enough
        pass
    return found


def _address(die: DIE) -> int | None:
    """Where a variable is; None if it moves, or this is none."""
    place = die.attributes.get("DW_AT_location")
    if die.tag != "DW_TAG_variable" or not place or place.form != "DW_FORM_exprloc" \
            or place.value[:1] != [ADDRESS]:
        return None
    return int.from_bytes(bytes(place.value[1:]), "little")


def _part(of: DIE, offset: int) -> str:
    """The part of a variable, a member or an array's element."""
    kind = _type_of(of)
    if kind is not None and kind.tag in STRUCTS:
        for member in kind.iter_children():
            start = member.attributes.get("DW_AT_data_member_location")
            first = start.value if start else 0
            if member.tag == "DW_TAG_member" and first <= offset < first + _size(_type_of(member)):
                name = member.attributes.get("DW_AT_name")
                said = "." + name.value.decode("utf-8", "replace") if name else ""
                return said + _part(member, offset - first)
    # Of bytes only the first is named: they are something else's room.
    if kind is not None and kind.tag == "DW_TAG_array_type" and len(_counts(kind)) == 1 \
            and (size := _size(_type_of(kind))) > 1:
        return f"[{offset // size}]" + _part(kind, offset % size)
    return f"+{offset}" if offset else ""


def _type_of(die: DIE) -> DIE | None:
    """The type of a variable, a member or an element, without its other names."""
    if "DW_AT_specification" in die.attributes:     # it was declared before
        die = die.get_DIE_from_attribute("DW_AT_specification")
    for _ in range(MOST_NAMES):
        if "DW_AT_type" not in die.attributes:
            break
        die = die.get_DIE_from_attribute("DW_AT_type")
        if die.tag not in NAMED:
            return die
    return None


def _size(kind: DIE | None) -> int:
    """Bytes of a type; 0 if nobody knows."""
    if kind is None:
        return 0
    if kind.tag == "DW_TAG_array_type":
        return _size(_type_of(kind)) * prod(_counts(kind))
    size = kind.attributes.get("DW_AT_byte_size")
    if size is None and kind.tag == "DW_TAG_pointer_type":      # Clang says it of no pointer
        return kind.cu["address_size"]
    return size.value if size else 0


def _counts(array: DIE) -> list[int]:
    """The elements of an array, in each of its dimensions."""
    return [_count(each) for each in array.iter_children() if each.tag == "DW_TAG_subrange_type"]


def _count(bounds: DIE) -> int:
    count, last = bounds.attributes.get("DW_AT_count"), bounds.attributes.get("DW_AT_upper_bound")
    return count.value if count else last.value + 1 if last else 0
