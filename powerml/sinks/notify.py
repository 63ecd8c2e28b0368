"""Digests to people: Slack, Teams, e-mail, webhooks, through Apprise; addresses come from the environment only."""

from __future__ import annotations

import logging
import os
import re
from typing import TYPE_CHECKING, Any

from powerml.errors import UsageError
from powerml.sinks.plans import unset

if TYPE_CHECKING:
    from powerml.history.alarms import Digest

HEADER = "X-Powerml-Digest"
_PLAIN = re.compile(r"^http(s?)://")


def send_digest(digest: Digest, *, project: str) -> str:
    """Sends a digest to the address that the environment variable `digest.destination` holds; gives what went wrong.

    An empty text means that it was taken. A plain http(s) address that Apprise does not know gets JSON. The id stands
    in the text, and in the header `X-Powerml-Digest` where the service takes headers. Raises UsageError without
    the extra `notify`.
    """
    try:
        import apprise
    except ImportError:
        raise UsageError("notify: needs Apprise; pip install 'powerml[notify]'") from None
    address = os.environ.get(digest.destination)
    if not address:
        return unset(digest.destination)
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it would log addresses
    service: Any = apprise.Apprise.instantiate(address) or apprise.Apprise.instantiate(
        _PLAIN.sub(r"json\1://", address)
    )
    if service is None:
        return f"the address in {digest.destination} is none that Apprise knows"
    if isinstance(getattr(service, "headers", None), dict):
        service.headers[HEADER] = digest.id
    title = f"{project}, {digest.fired_at}: {len(digest.texts)} to look at"
    body = "\n".join([*(f"- {text}" for text in digest.texts), "", f"id {digest.id}"])
    taken = service.notify(body=body, title=title)
    return "" if taken else f"the address in {digest.destination} did not take it"
