"""A digest says what it cannot do; what it sends carries its id."""

import sys
import types

import pytest

from powerml.errors import UsageError
from powerml.history.alarms import Digest
from powerml.sinks.notify import HEADER, send_digest

DIGEST = Digest("id-1", "CS_URL", "2026-03-02", ("score_drop: ada", "score_drop: bob"))


class Service:
    def __init__(self, url):
        self.headers, self.url, self.sent = {}, url, []

    def notify(self, *, body, title):
        self.sent.append((title, body))
        return "down" not in self.url


@pytest.fixture
def services(monkeypatch):
    made = []

    def instantiate(url):
        if not url.startswith("json"):
            return None
        made.append(Service(url))
        return made[-1]

    fake = types.SimpleNamespace(Apprise=types.SimpleNamespace(instantiate=instantiate))
    monkeypatch.setitem(sys.modules, "apprise", fake)
    return made


def test_a_plain_address_gets_json_with_the_id_in_text_and_header(services, monkeypatch):
    monkeypatch.setenv("CS_URL", "https://alerts.example/in")
    assert send_digest(DIGEST, project="crm") == ""
    assert services[0].url == "jsons://alerts.example/in"
    assert services[0].headers == {HEADER: "id-1"}
    assert services[0].sent == [("crm, 2026-03-02: 2 to look at", "- score_drop: ada\n- score_drop: bob\n\nid id-1")]


def test_what_goes_wrong_names_the_variable_and_never_the_address(services, monkeypatch):
    monkeypatch.delenv("CS_URL", raising=False)
    assert send_digest(DIGEST, project="crm") == "the environment variable CS_URL is not set"
    monkeypatch.setenv("CS_URL", "secret")
    assert send_digest(DIGEST, project="crm") == "the address in CS_URL is none that Apprise knows"
    monkeypatch.setenv("CS_URL", "http://down.example/secret")
    assert send_digest(DIGEST, project="crm") == "the address in CS_URL did not take it"


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(UsageError, match=r"needs Apprise; pip install 'powerml\[notify\]'"):
        send_digest(DIGEST, project="crm")
