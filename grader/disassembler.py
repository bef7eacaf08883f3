"""capstone, in a quarter of the time: it asks distutils for a path, and where setuptools is installed that
word loads all of setuptools."""

from __future__ import annotations

import warnings

try:
    import _distutils_hack as hack
except ImportError:                     # no setuptools
    hack = None
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)     # of distutils
    if hack:
        hack.remove_shim()
    try:
        import capstone
        from capstone import x86_const as x86
    except ImportError:                 # a Python without a distutils of its own
        if not hack:
            raise
        hack.add_shim()
        import capstone
        from capstone import x86_const as x86

__all__ = ["capstone", "x86"]
