"""One place opens PostgreSQL for what reads it and what writes it; its errors show nothing of an address."""

import socket

import pytest

from powerml.postgres import NoDatabase, enter_database, has_driver, reason_without

pytest.importorskip("psycopg")
SECRET = "s3cret-of-ada"


def test_what_is_no_address_is_told_apart_and_not_repeated():
    with pytest.raises(NoDatabase) as raised:
        enter_database(f"ada:{SECRET}@db.example.org")
    assert raised.value.address
    assert SECRET not in str(raised.value)
    assert has_driver()


@pytest.mark.parametrize("form", ["postgresql://ada:{0}@127.0.0.1:{1}/shop", "host=127.0.0.1 port={1} user=ada"])
def test_who_does_not_answer_is_told_without_the_address(form):
    with socket.socket() as taken:  # bound and not listening: a connection is refused
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(NoDatabase, match="refused") as raised:
            enter_database(form.format(SECRET, taken.getsockname()[1]))
    assert not raised.value.address
    assert not any(word in str(raised.value) for word in (SECRET, "ada", "127.0.0.1"))


@pytest.mark.parametrize("address", [f"postgresql://ada:{SECRET}@db.example.org/shop", f"user=ada password={SECRET}"])
def test_a_reason_is_one_line_without_login_and_host(address):
    said = reason_without(address, ValueError(f'FATAL:  password {SECRET} of user "ada" at {address}\nsecond line'))
    assert said.startswith("password *** of user")
    assert not any(word in said for word in (SECRET, "ada", "example.org", "second"))
