"""The one error that a person sees without a traceback."""


class AirAwareError(Exception):
    """Something a person can mend: the message says what happened, where, and what to do next."""
