"""The cells: a width and an emulator each."""

from __future__ import annotations

ARCHES = ("x86_64", "i386")
EMUS = ("qemu", "bochs")
CELLS = tuple(f"{arch}/{emu}" for arch in ARCHES for emu in EMUS)
WIDTH = {"x86_64": 64, "i386": 32}
