"""How much of one submission is in another: evidence to look at, never a score.

Fingerprints by winnowing (Schleimer, Wilkerson and Aiken, 2003): of each run of WINDOW + GRAM - 1 tokens
that two files share, at least one fingerprint is in both.  Whatever the skeletons and the given kernel
hold is left out.  What few have says more than what all have, so that is counted apart.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from grader.course.classroom.tokens import Token, names, tokens_of

GRAM = 16               # tokens of a fingerprint
WINDOW = 10             # of so many grams in a row one is kept
FEWEST = 6              # fingerprints without which a share says nothing
FEW = 10                # of so many submissions one may have a fingerprint that is rare, and two always

Place = tuple[str, int, int]        # file, first line, last line


@dataclass
class Prints:
    """The fingerprints of one set of files: each with its first place."""

    name: str
    marks: dict[int, Place] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """Two that share something; `share` is of the smaller one."""

    one: str
    other: str
    share: float
    count: int
    rare: int                               # of these, what few of the class have
    places: tuple[tuple[str, str], ...]     # lines in the one, lines in the other: the longest first


class Given:
    """What everybody was handed."""

    def __init__(self, texts: Iterable[tuple[str, str]]):
        """`texts` are (file name, contents)."""
        texts = list(texts)
        self.names = frozenset(word for _, text in texts for word in names(text))
        self.grams = {gram for name, text in texts for gram, _, _ in grams(name, text, self.names)}


def grams(name: str, text: str, given: frozenset[str]) -> list[tuple[int, int, int]]:
    """Every run of GRAM tokens: its hash, its first and last line."""
    found = tokens_of(name, text, given)
    return [(_hash(found[n:n + GRAM]), found[n].line, found[n + GRAM - 1].line)
            for n in range(len(found) - GRAM + 1)]


def _hash(gram: list[Token]) -> int:
    text = "\0".join(token.text for token in gram)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def fingerprints(name: str, files: dict[str, bytes], given: Given) -> Prints:
    """Of each window the smallest gram, the last of them if there are several."""
    prints = Prints(name)
    for file, data in sorted(files.items()):
        row = [gram for gram in grams(file, data.decode("utf-8", "replace"), given.names)
               if gram[0] not in given.grams]
        for n in range(max(1, len(row) - WINDOW + 1) if row else 0):
            mark, first, last = min(reversed(row[n:n + WINDOW]), key=lambda gram: gram[0])
            prints.marks.setdefault(mark, (file, first, last))
    return prints


def pairs(prints: list[Prints], others: list[Prints] = ()) -> list[Pair]:
    """The pairs of `prints` with each other, or with `others` if there are some, most alike first."""
    count = Counter(mark for each in prints for mark in each.marks)
    rare = {mark for mark, number in count.items() if number <= max(2, len(prints) // FEW)}
    found = []
    for index, one in enumerate(prints):
        for other in others or prints[index + 1:]:
            pair = compare(one, other, rare)
            if pair:
                found.append(pair)
    return sorted(found, key=lambda p: (-p.share, -p.rare, -p.count, p.one, p.other))


def compare(one: Prints, other: Prints, rare: set[int]) -> Pair | None:
    """None if they share nothing, or one is too short to say."""
    smaller = min(len(one.marks), len(other.marks))
    both = one.marks.keys() & other.marks.keys()
    if smaller < FEWEST or not both:
        return None
    return Pair(one.name, other.name, len(both) / smaller, len(both), len(both & rare),
                _places(one, other, both))


def _places(one: Prints, other: Prints, both: set[int]) -> tuple[tuple[str, str], ...]:
    """Shared lines that follow each other in both, joined."""
    joined: list[list[Place]] = []
    for mark in sorted(both, key=lambda m: one.marks[m]):
        here, there = one.marks[mark], other.marks[mark]
        last = joined[-1] if joined else None
        if last and _follows(last[0], here) and _follows(last[1], there):
            joined[-1] = [_union(last[0], here), _union(last[1], there)]
        else:
            joined.append([here, there])
    joined.sort(key=lambda two: two[0][1] - two[0][2])
    return tuple((_lines(here), _lines(there)) for here, there in joined[:4])


def _follows(last: Place, place: Place) -> bool:
    return last[0] == place[0] and last[1] <= place[1] <= last[2] + 2


def _union(last: Place, place: Place) -> Place:
    return last[0], last[1], max(last[2], place[2])


def _lines(place: Place) -> str:
    return f"{place[0]}:{place[1]}-{place[2]}"
