"""What the programs that run on a fleet's hosts write into their journals."""

import logging


def begin() -> None:
    """Write a program's own messages, but of the packages that it calls warnings alone.

    At each report of a host botocore would say where its credentials come from.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("airaware").setLevel(logging.INFO)
