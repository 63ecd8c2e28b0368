"""A connection to a PostgreSQL server; what is said when something goes wrong with it shows no address."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from powerml.errors import PowermlError

if TYPE_CHECKING:
    import psycopg

EXTRA = "pip install 'powerml[postgres]'"
_HIDDEN = "***"
_DEFAULTS = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "application_name": "powerml",
}
_SECRET = ("password", "passfile", "sslpassword", "service", "user", "host", "hostaddr")


class NoDatabase(PowermlError):
    """There is no connection; the text is the reason, as the driver gives it. `address`: that is none."""

    def __init__(self, reason: str, *, address: bool = False) -> None:
        self.address = address
        super().__init__(reason)


def has_driver() -> bool:
    """Whether the extra `postgres` is installed."""
    return find_spec("psycopg") is not None


def enter_database(address: str) -> psycopg.Connection[Any]:
    """A connection that waits ten seconds for the server; what the address says itself counts. Raises NoDatabase."""
    import psycopg
    import psycopg.conninfo

    try:
        said = psycopg.conninfo.conninfo_to_dict(address)
    except psycopg.Error:
        raise NoDatabase("is no address of PostgreSQL", address=True) from None
    try:
        return psycopg.connect(**{**_DEFAULTS, **said, "client_encoding": "UTF8"})  # type: ignore[arg-type]
    except (psycopg.Error, ValueError) as error:
        raise NoDatabase(reason_without(address, error)) from None


def reason_without(address: str, error: Exception) -> str:
    """The first line of what the driver says, without an address, its login and its host."""
    import psycopg
    import psycopg.conninfo

    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    line = str(primary or error).strip().split("\n", 1)[0]
    line = re.sub(r"^connection failed: ", "", line)
    line = re.sub(r'^connection to server (at|on socket) ".*?"[^:]*failed: ', "", line)
    parts = urlsplit(address) if "://" in address else None
    try:
        said: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(address)
    except psycopg.Error:
        said = {}
    secrets = {address, *(str(said[key]) for key in _SECRET if said.get(key))}
    if parts is not None:
        secrets |= {parts.netloc, parts.password or "", unquote(parts.password or "")}
    for secret in sorted(secrets, key=len, reverse=True):
        line = line.replace(secret, _HIDDEN) if len(secret) > 2 else line
    return line.removeprefix("FATAL:").strip().rstrip(". ") or type(error).__name__
