"""Grading a pull request: files out of git's objects, a tree of the base, a grade in a sandbox."""
