"""Names of databases' hosts are resolved aside, and the last address serves where that fails."""

import socket
import threading
from collections.abc import Iterator

import psycopg2
import pytest
from deadline import until

from airaware.errors import AirAwareError
from airaware.store.names import Names

DSN = "host=database-a.test dbname=airaware port=5433"
FOUND = {"host": "database-a.test", "hostaddr": "192.0.2.1", "port": "5433"}
SHORT, LONG = 0.01, 60


class Resolver:
    """Stands for getaddrinfo: says what it is set to, once it may."""

    def __init__(self) -> None:
        self.addresses = {"database-a.test": ["192.0.2.1"], "database-b.test": ["192.0.2.2"]}
        self.asked: list[str] = []
        self.answers = threading.Event()
        self.answers.set()

    def __call__(self, host: str, _port: None, **_more: int) -> list[tuple[object, ...]]:
        self.asked.append(host)
        self.answers.wait(LONG)
        host.encode("idna")
        if host not in self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(0, 0, 0, "", (address, 0)) for address in self.addresses[host]]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    resolver = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    yield resolver
    resolver.answers.set()


@pytest.mark.usefixtures("resolver")
def test_the_address_is_given_beside_the_name() -> None:
    assert Names(DSN).options(LONG) == FOUND


def test_all_addresses_of_all_hosts_are_tried_in_order(resolver: Resolver) -> None:
    resolver.addresses["database-a.test"].append("2001:db8::1")
    names = Names("host=database-a.test,database-b.test,/run/postgresql port=5433,5434,")
    assert names.options(LONG) == {
        "host": "database-a.test,database-a.test,database-b.test,/run/postgresql",
        "hostaddr": "192.0.2.1,2001:db8::1,192.0.2.2,",
        "port": "5433,5433,5434,",
    }
    # libpq's own default, which an environment variable may have set.
    assert "port" not in Names("host=database-b.test").options(LONG)


@pytest.mark.parametrize(
    "dsn",
    [
        *(
            "dbname=airaware",
            "host=127.0.0.1",
            "host=::1",
            "host=/run/postgresql",
            "host=@airaware",
        ),
        *("host=database-a.test hostaddr=192.0.2.9", "postgresql://192.0.2.9/airaware"),
    ],
)
def test_what_libpq_would_not_resolve_is_left_to_it(resolver: Resolver, dsn: str) -> None:
    assert Names(dsn).options(LONG) == {}
    assert resolver.asked == []


@pytest.mark.usefixtures("resolver")
def test_a_name_that_is_unknown_is_an_error_that_names_it() -> None:
    with pytest.raises(psycopg2.OperationalError, match=r"database-c\.test: .*not known"):
        Names("host=database-c.test").options(LONG)
    with pytest.raises(psycopg2.OperationalError, match="could not resolve"):
        Names("host=" + 64 * "a" + ".test").options(LONG)


def test_no_dsn_is_an_error_that_names_the_setting() -> None:
    with pytest.raises(AirAwareError, match="AIRAWARE_ZONES"):
        Names("database-a")


def test_the_last_address_serves_only_while_resolving_fails(resolver: Resolver) -> None:
    failures: list[str] = []
    names = Names(DSN, lambda: failures.append("one"))
    assert names.options(LONG) == FOUND
    addresses, resolver.addresses = resolver.addresses, {}
    assert not failures
    assert names.options(LONG) == FOUND
    until(lambda: failures == ["one"])
    resolver.addresses = addresses | {"database-a.test": ["192.0.2.3"]}
    assert names.options(LONG)["hostaddr"] == "192.0.2.3"


def test_a_silent_resolver_is_asked_once_and_waited_for_until_the_deadline(
    resolver: Resolver,
) -> None:
    names = Names(DSN)
    resolver.answers.clear()
    for _ in range(3):
        with pytest.raises(psycopg2.OperationalError, match=r"no answer within 0\.01 s"):
            names.options(SHORT)
    assert resolver.asked == ["database-a.test"]
    resolver.answers.set()
    assert names.options(LONG) == FOUND


def test_nobody_waits_long_for_an_address_that_is_known(resolver: Resolver) -> None:
    names = Names(DSN)
    assert names.options(LONG) == FOUND
    resolver.answers.clear()
    assert names.options(LONG) == FOUND
    # What is found too late is not lost: a resolver may always be slow.
    resolver.addresses["database-a.test"] = ["192.0.2.3"]
    resolver.answers.set()
    until(lambda: not names._lookup._running)
    resolver.answers.clear()
    assert names.options(LONG)["hostaddr"] == "192.0.2.3"
