"""Statements that a session of the database plans once: planning takes longer than the rest."""

import itertools
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2 import extensions

# In a session; each takes it some 40 kB for each load that the statement names.
MOST = 8
# What is prepared names its loads, so one plan does for all values of its parameters.
OPTIONS = "-c plan_cache_mode=force_generic_plan"


@dataclass(frozen=True)
class Prepared:
    """A statement with parameters $1, $2, ... `name` is what pg_stat_activity shows of it."""

    name: str
    sql: str


class Session(extensions.connection):  # type: ignore[misc]  # it has no types
    """A connection that remembers what is prepared in it: the most recently used statements."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Connect as psycopg2 does."""
        super().__init__(*arguments, **options)
        self._names: OrderedDict[Prepared, str] = OrderedDict()
        self._numbers = itertools.count()

    def text(self, statement: Prepared, parameters: Sequence[Any]) -> str:
        """Return what executes a statement with psycopg2's parameters.

        Where it is new here, what prepares it comes before, so that it takes no further way.
        """
        before = "" if statement in self._names else self._prepare(statement)
        self._names.move_to_end(statement)
        values = f"({', '.join(['%s'] * len(parameters))})" if parameters else ""
        return f"{before}EXECUTE {self._names[statement]}{values}"

    def _prepare(self, statement: Prepared) -> str:
        name = self._names[statement] = f"{statement.name}_{next(self._numbers)}"
        text = f"PREPARE {name} AS {statement.sql.replace('%', '%%')}; "
        if len(self._names) > MOST:
            _, oldest = self._names.popitem(last=False)
            text = f"DEALLOCATE {oldest}; {text}"
        return text
