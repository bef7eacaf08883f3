"""A class at once: what was handed in, graded submission by submission, and what came out of it."""
