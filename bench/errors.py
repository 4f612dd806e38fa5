"""Mistakes that are the user's to mend."""


class UserError(Exception):
    """Its message is one line that says what is wrong and what to do; exit_code is the process's."""

    exit_code = 2
