"""C and assembly as tokens, so that names, spaces and comments make no difference."""

from __future__ import annotations

import re
from dataclasses import dataclass

GIVEN_WORDS = frozenset("""
auto break case char const continue default do double else enum extern float for goto if inline int
long register return short signed sizeof static struct switch typedef union unsigned void volatile
while include define ifdef ifndef endif elif defined
""".split())
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
LABEL = re.compile(r"^\s*(\.?[A-Za-z_]\w*):|^\s*\.macro\s+(\w+)", re.MULTILINE)
TOKEN = re.compile(r"""\.?[A-Za-z_]\w* | 0[xX][0-9a-fA-F]+\w* | \d\w* | "(?:\\.|[^"\\\n])*"
                       | '(?:\\.|[^'\\\n])*' | [%$][A-Za-z_]\w* | <<=|>>=|->|\+\+|--|<<|>>|[<>=!]=
                       | &&|\|\||[-+*/%&|^]= | \S""", re.VERBOSE)


@dataclass(frozen=True)
class Token:
    """`text` is what is compared; a name that nobody gave the student is "v"."""

    text: str
    line: int


def tokens(text: str, given: frozenset[str] = frozenset()) -> list[Token]:
    """The tokens of a file.  `given` are the names that everybody has to use."""
    bare = COMMENT.sub(lambda match: " " + "\n" * match[0].count("\n"), text)
    found, line, at = [], 1, 0
    for match in TOKEN.finditer(bare):
        line += bare.count("\n", at, match.start())
        at = match.start()
        found.append(Token(_plain(match[0], given), line))
    return found


def tokens_of(name: str, text: str, given: frozenset[str]) -> list[Token]:
    """The same for a file by its name: in assembly every word counts but the labels it makes up."""
    if name.endswith(".S"):
        made = {word.lstrip(".") for pair in LABEL.findall(text) for word in pair}
        given = given | (names(text) - (made - given))
    return tokens(text, given)


def names(text: str) -> set[str]:
    """The words of a file."""
    return set(re.findall(r"[A-Za-z_]\w*", COMMENT.sub(" ", text)))


def _plain(word: str, given: frozenset[str]) -> str:
    if word[0] == '"':
        return '"'
    bare = word.lstrip(".")
    if bare and (bare[0].isalpha() or bare[0] == "_") and bare not in GIVEN_WORDS | given:
        return word[:len(word) - len(bare)] + "v"
    return word
