"""The project file and the vocabulary as a person reads them: every guess with a comment beside it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from powerml.sources.guess.draft import Draft, Entry
    from powerml.sources.guess.meanings import EventName

MOST_LISTED = 500
_PLAIN = re.compile(r"^[A-Za-z_/.][A-Za-z0-9_./\- ]*$")
_WORDS = frozenset(["true", "false", "null", "yes", "no", "on", "off", "~"])


def project_page(draft: Draft, name: str, vocabulary: str) -> str:
    """The text of `powerml.yaml`.

    >>> from powerml.sources.guess.draft import Draft
    >>> print(project_page(Draft(settings={"entity": ("user", "guess: or account")}), "crm", "words.yaml"))
    # Made by `powerml init`. What it was not sure of says "guess"; correct it where it is wrong.
    project: crm
    entity: user  # guess: or account
    tables:
    vocabulary: words.yaml
    <BLANKLINE>
    """
    lines = ['# Made by `powerml init`. What it was not sure of says "guess"; correct it where it is wrong.']
    lines.append(f"project: {scalar(name)}")
    for key, (value, said) in draft.settings.items():
        lines.append(_line("", key, one_line(value), said))
    lines.append("tables:")
    for table, entry in draft.entries.items():
        lines += _entry(table, entry)
    lines += [f"vocabulary: {scalar(vocabulary)}", ""]
    return "\n".join(lines)


def _entry(table: str, entry: Entry) -> list[str]:
    lines = [f"  {table}:"]
    declared, said = entry.declared(), dict(entry.comments)
    for key, value in declared.items():
        comment = said.pop(key, "")
        if key == "query":
            inside = [c for c in said if c not in declared and c not in (declared.get("columns") or {})]
            spare = [f"{c}: {said.pop(c)}" for c in inside]
            lines += [f"    # {text}" for text in [comment, *spare] if text]
            lines.append("    query: |")
            lines += [f"      {line}" for line in str(value).splitlines()]
        elif key == "columns":
            lines.append("    columns:")
            for column, source in value.items():
                lines.append(_line("      ", column, one_line(source), said.pop(column, "")))
        else:
            lines.append(_line("    ", key, one_line(value), comment))
    return lines + [f"    # {about}: {text}" for about, text in said.items()]


def _line(indent: str, key: str, value: str, said: str) -> str:
    return f"{indent}{key}: {value}{f'  # {_one_line(said)}' if said else ''}"


def _one_line(said: str) -> str:
    return " ".join(said.split())


def scalar(value: Any) -> str:
    """A value as YAML, quoted where it would be read as something else.

    >>> scalar("report"), scalar("7"), scalar("a: b"), scalar(None), scalar(0.05)
    ('report', '"7"', '"a: b"', 'null', '0.05')
    """
    if value is None:
        return "null"
    if isinstance(value, str):
        plain = _PLAIN.match(value) and value.lower() not in _WORDS and value == value.strip() and " #" not in value
        return value if plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


def one_line(value: Any) -> str:
    """A value, list or mapping on one line.

    >>> one_line({"roles": ["login"], "tier": "core"})
    '{roles: [login], tier: core}'
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(k)}: {one_line(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(one_line, value)) + "]"
    return scalar(value)


def vocabulary_page(names: Sequence[EventName], meant: Mapping[str, Mapping[str, Any]], entity: str) -> str:
    """The text of `vocabulary.yaml`: a line per event name with its count, days and people."""
    lines = [
        "# What event names mean. All of it is guessed from the words and from how many people do it: correct roles",
        "# (login, key_action, content_created, report, export, share, collaboration, invite, integration_added,",
        "# integration_removed, workflow_started, workflow_completed, error, feature_request, beta, referral,",
        "# automation, ignore), tier (core, advanced) and feature. A name that is not listed counts as activity.",
    ]
    if len(names) > MOST_LISTED:
        lines.append(
            f'# The {MOST_LISTED:,} most frequent of {len(names):,} names; a glob such as "commit:*" stands for many.'
        )
    width = 0
    rows = []
    for one in names[:MOST_LISTED]:
        left = f"{scalar(one.event)}: {one_line(meant[one.event])}"
        width = max(width, min(len(left), 90))
        days = f", {one.first} to {one.last}" if one.first else ""
        rows.append((left, f"{one.events:,} events{days}, {one.users:,} {entity}s"))
    lines += [f"{left:<{width}}  # {said}" for left, said in rows]
    return "\n".join(lines) + ("\n" if rows else "\n{}\n")
