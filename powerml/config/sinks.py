"""Where scores go: the `sync:` and `exports:` blocks of a project. Secrets are named here, and stand nowhere."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from powerml.config.base import Spec
from powerml.config.secrecy import BEGINNINGS, may_be_secret

_NO_NAME = re.compile(rf"{BEGINNINGS}|[^\w]|^\d|^(?=.*\d)(?=.*[a-z])\w{{24,}}$")


def _variable(value: Any) -> str:
    """The name of an environment variable; the message never shows what stands there instead: it may be the secret."""
    if not isinstance(value, str) or not value or _NO_NAME.search(value):
        raise ValueError("is no name of an environment variable; put the secret into one, and name that one here")
    return value


def is_loopback(host: str) -> bool:
    """Whether a host is this machine.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("example.org")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def address_problem(address: str) -> str:
    """What keeps an address from being used, in a sentence that does not show it; empty where nothing does.

    >>> address_problem("https://api.attio.com"), address_problem("http://127.0.0.1:8000")
    ('', '')
    """
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no address; write it like https://host"
    if parts.username is not None or parts.password is not None:
        return "holds a user or a password; put the secret into an environment variable"
    if not host or parts.scheme not in ("https", "http"):
        return "is no address; write it like https://host"
    if parts.scheme == "http" and not is_loopback(host):
        return "is not encrypted; use https"
    return ""


def _host(value: Any) -> str:
    told = address_problem(str(value))
    if told:
        raise ValueError(told)
    parts = urlsplit(str(value))
    if parts.query or parts.fragment:
        raise ValueError("holds more than a host; write it like https://host, and secrets into environment variables")
    return str(_no_secret(value)).rstrip("/")


def _no_secret(value: Any) -> Any:
    if may_be_secret(str(value)):
        raise ValueError("may be a secret and is not shown; put it into an environment variable")
    return value


Variable = Annotated[str, BeforeValidator(_variable)]
Host = Annotated[str, BeforeValidator(_host)]
Slug = Annotated[str, BeforeValidator(_no_secret), Field(pattern=r"^[a-z][a-z0-9_]*$")]


def _schema(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][\w$]{0,62}", value):
        raise ValueError("is no name of a schema; use letters, digits and underscores")
    return value


Schema = Annotated[str, Field(alias="schema"), BeforeValidator(_no_secret), AfterValidator(_schema)]


class SinkSpec(Spec):
    """The settings of a sink; `served_by` is its class, as `module:Class`."""

    served_by: ClassVar[str]


class PosthogSpec(SinkSpec):
    """Events, person properties, cohorts and a dashboard. `group`: what customers are called among groups there."""

    served_by: ClassVar[str] = "powerml.sinks.posthog:PosthogSink"
    host: Host = "https://us.i.posthog.com"
    project_id: Annotated[int, Field(ge=1)]
    project_key_env: Variable
    personal_key_env: Variable | None = None  # without it there are no cohorts and no dashboard
    group: Slug = "company"


class AttioSpec(SinkSpec):
    """Two attributes of people (of companies, where accounts are scored), and a list of candidates."""

    served_by: ClassVar[str] = "powerml.sinks.attio:AttioSink"
    host: Host = "https://api.attio.com"
    token_env: Variable
    list: Slug = "power_user_candidates"


class WebhookSpec(SinkSpec):
    """Signed batches of JSON."""

    served_by: ClassVar[str] = "powerml.sinks.webhook:WebhookSink"
    url_env: Variable
    secret_env: Variable


class PostgresSpec(SinkSpec):
    """The two export tables in a PostgreSQL."""

    served_by: ClassVar[str] = "powerml.sinks.postgres:PostgresSink"
    url_env: Variable
    schema_: Schema = "public"


class FilesSpec(SinkSpec):
    """The two export tables in another folder, relative to the project's."""

    served_by: ClassVar[str] = "powerml.sinks.tables:FilesSink"
    folder: Annotated[str, BeforeValidator(_no_secret), Field(min_length=1)]


class SyncSpec(Spec):
    """The sinks of a project, by name; what is left out gets nothing."""

    posthog: PosthogSpec | None = None
    attio: AttioSpec | None = None
    webhook: WebhookSpec | None = None
    files: FilesSpec | None = None
    postgres: PostgresSpec | None = None

    @property
    def named(self) -> dict[str, SinkSpec]:
        """The sinks that the project names, in the order in which they are served."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: spec for name, spec in found.items() if spec is not None}


class ExportsSpec(Spec):
    """Where the export tables go beside `exports/`: a PostgreSQL whose address an environment variable holds."""

    url_env: Variable
    schema_: Schema = "public"
