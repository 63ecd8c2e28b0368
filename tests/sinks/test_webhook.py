"""The signature, against an HMAC written out by its definition (RFC 2104)."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.sinks.webhook import SIGNATURE_HEADER, signature
from powerml.workflows.sync import SyncOptions, sync
from tests.sinks.fakes import Receiver, running
from tests.sinks.world import ENVIRONMENT, PEOPLE, project_in, say
from tests.sinks.world import settings as sync_settings

BLOCK = 64  # bytes of SHA-256


def by_definition(secret: bytes, body: bytes) -> str:
    key = (hashlib.sha256(secret).digest() if len(secret) > BLOCK else secret).ljust(BLOCK, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in key) + body).digest()
    return "sha256=" + hashlib.sha256(bytes(b ^ 0x5C for b in key) + inner).hexdigest()


@settings(deadline=None, max_examples=100)
@given(st.text(min_size=1, max_size=150), st.binary(max_size=300))
def test_the_signature_is_the_hmac_of_the_body(secret, body):
    try:
        raw = secret.encode()
    except UnicodeEncodeError:
        return
    assert signature(secret, body) == by_definition(raw, body)


def test_a_receiver_can_verify_what_came(tmp_path, monkeypatch):
    fake, came = Receiver(), []
    serve = fake.serve
    fake.serve = lambda method, target, headers, raw: came.append((headers, raw)) or serve(method, target, headers, raw)
    with running(fake) as address:
        monkeypatch.setenv("HOOK_URL", f"{address}/hook")
        project = project_in(tmp_path / "shop", sync_settings(address, "webhook"))
        say(project, "2026-03-01", PEOPLE)
        (done,) = sync(project, options=SyncOptions(apply=True))
    assert not done.findings
    assert came
    for headers, raw in came:
        sent = {name.lower(): value for name, value in headers.items()}
        assert sent[SIGNATURE_HEADER.lower()] == by_definition(ENVIRONMENT["HOOK_SECRET"].encode(), raw)
