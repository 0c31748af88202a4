"""Locust's shapes, a file for each: Locust takes the one in the file that it is given."""

from collections.abc import Callable

from locust import LoadTestShape

COME_SECONDS = 10  # within which all users of a change have come, or gone


class Shape(LoadTestShape):
    """A shape by its curve and the options --most-users and --minutes."""

    abstract = True
    curve: Callable[[float, int, float], int]

    def tick(self) -> tuple[int, float] | None:
        """Locust's question, each second: how many users, how many more or fewer a second."""
        assert self.runner
        options = self.runner.environment.parsed_options
        assert options
        seconds, total_seconds = self.get_run_time(), 60 * options.minutes
        if seconds >= total_seconds:
            return None
        most = options.most_users
        return self.curve(seconds, most, total_seconds), max(most / COME_SECONDS, 1)
