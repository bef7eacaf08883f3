"""The one exception for what is not the student's fault."""


class GraderError(Exception):
    """The grader cannot do its work.  The text is one sentence that says what to do."""
