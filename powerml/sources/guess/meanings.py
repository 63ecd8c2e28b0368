"""What event names seem to mean, by their words and by how many people do them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from powerml.sources.guess.words import normal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

CORE_SHARE = 0.4  # of all people: who does the commonest things
CORE_MOST = 6
RARE_SHARE = 0.15

_VERBS = re.compile(
    r"^(add|edit|updat|chang|delet|remov|view|open|clos|click|start|stop|finish|complet|creat|made|make|new|begin|began"
    r"|run|ran|send|sent|receiv|generat|export|import|download|upload|shar|invit|accept|call|us|enabl|disabl|set|sav"
    r"|submit|schedul|cancel|connect|disconnect|customi[sz]|advanc|win|lose|request|show|shown|abandon|fail|install)"
    r"(e|ed|d|ted|led|ing)?$"
)
_TECHNICAL = re.compile(
    r"^(heartbeat|ping|healthcheck|keepalive|identify|set|set_once|unset|groupidentify|create_alias|pageleave|exposure"
    r"|feature_flag_called|web_vitals|opt_in|merge_dangerously|snapshot|performance_event)$"
)
_SESSION = re.compile(
    r"(^|_)(login|logged_in|log_in|signin|signed_in|sign_in|session_start|session_started|authenticated)(_|$)"
)
_ROLES: tuple[tuple[str, str], ...] = (
    ("integration_removed", r"(integration|connector|app|plugin).*(remov|delet|disconnect|uninstall|disabl)"),
    ("integration_removed", r"(remov|delet|disconnect|uninstall|disabl)\w*_(integration|connector|app|plugin)"),
    ("integration_added", r"(integration|connector|plugin).*(add|connect|install|enabl|creat)"),
    ("integration_added", r"(add|connect|install|enabl|creat)\w*_(integration|connector|plugin)"),
    ("workflow_completed", r"(workflow|flow|pipeline).*(complet|finish|succe)|(complet|finish)\w*_(workflow|flow)"),
    ("workflow_started", r"(workflow|flow|pipeline).*(start|begin|began)|(start|begin)\w*_(workflow|flow)"),
    ("feature_request", r"(feature|idea).*(request|submit|vot)|request\w*_feature|suggestion"),
    ("beta", r"(^|_)(beta|preview|labs)(_|$)"),
    ("referral", r"(^|_)refer"),
    ("invite", r"(^|_)invit"),
    ("share", r"(^|_)(share|shared|sharing|publish|published)(_|$)"),
    ("collaboration", r"(^|_)(comment|mention|reply|replied|message|assign|assigned|chat|coauthor|collab)"),
    ("report", r"(^|_)(report|reports)(_|$)"),
    ("export", r"(^|_)(export|exported|download|downloaded)(_|$)"),
    ("error", r"(^|_)(error|errors|exception|crash|failed|failure)(_|$)"),
    ("automation", r"(^|_)(api|automation|automations|automated|webhook|zap|bot|scheduled_job|cron)(_|$)"),
    ("content_created", r"(^|_)(create|created|upload|uploaded)(_|$)"),
)
_ADVANCED = re.compile(
    r"(^|_)(api|automation|automations|webhook|integration|workflow|custom\w*|bulk|sso|advanced|script|sql|template|beta)"
)


@dataclass(frozen=True)
class EventName:
    """An event name of the data: how often, between which days, by how many users, or accounts."""

    event: str
    events: int
    first: date | None
    last: date | None
    users: int


def meanings(names: Sequence[EventName], users: int) -> dict[str, dict[str, Any]]:
    """A meaning for each event name (see `config.vocabulary.Meaning`), `users` being all people there are.

    >>> names = [EventName("report_generated", 90, None, None, 9), EventName("heartbeat", 900, None, None, 9)]
    >>> meanings(names, 10)["report_generated"]
    {'feature': 'report', 'tier': 'core', 'roles': ['key_action', 'report']}
    >>> meanings(names, 10)["heartbeat"]
    {'roles': ['ignore']}
    """
    found: dict[str, dict[str, Any]] = {}
    for one in names:
        told = normal(one.event)
        roles = _roles(told)
        if roles in (["ignore"], ["login"]):
            found[one.event] = {"roles": roles}
            continue
        meaning: dict[str, Any] = {}
        if (feature := _feature(told)) and feature != one.event:
            meaning["feature"] = feature
        share = one.users / users if users else 0.0
        if _ADVANCED.search(told):
            meaning |= {"tier": "advanced", "depth": "advanced"}
        elif share < RARE_SHARE and one.events >= 20 and "error" not in roles:
            meaning |= {"tier": "advanced", "depth": "intermediate"}
        found[one.event] = meaning | ({"roles": roles} if roles else {})
    commonest = sorted(names, key=lambda n: (-n.users, -n.events))
    core = [
        n.event
        for n in commonest
        if n.users >= CORE_SHARE * users
        and not set(found[n.event].get("roles", ())) & {"ignore", "login", "error"}
        and found[n.event].get("tier") is None
    ][:CORE_MOST]
    for event in core:
        meaning = found[event]
        roles = meaning.pop("roles", [])
        meaning["tier"] = "core"
        if not core.index(event) or set(roles) & {"content_created", "report", "export"}:
            roles = ["key_action", *roles]
        if roles:
            meaning["roles"] = roles
    return found


def _roles(told: str) -> list[str]:
    if _TECHNICAL.match(told):
        return ["ignore"]
    if _SESSION.search(told):
        return ["login"]
    found = [role for role, pattern in _ROLES if re.search(pattern, told)]
    if "error" in found:
        return ["error"]
    if {"invite", "integration_added", "integration_removed"} & set(found):
        found = [role for role in found if role != "content_created"]
    return list(dict.fromkeys(found))


def _feature(told: str) -> str:
    """The words of a name that say on what something was done.

    >>> _feature("create_list"), _feature("report_generated"), _feature("search")
    ('list', 'report', 'search')
    """
    return "_".join(word for word in told.split("_") if not _VERBS.match(word))
