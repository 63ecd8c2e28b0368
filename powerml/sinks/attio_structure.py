"""What has to be in a workspace of Attio before rows can be written: two attributes, the tier's options, the list."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from powerml.history.standing import TIER_WORDS
from powerml.sinks.http import RowRefused, ServiceDown, problem_in
from powerml.sinks.plans import Write, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from powerml.history.sent import SinkLedger
    from powerml.sinks.http import Service

ATTIO_PAGE = 500
SCORE, TIER = "power_user_score", "power_user_tier"
LIST_NAME = "Power User Candidates"
_ABOUT = "Written by powerml each night: "
ATTRIBUTES = {
    SCORE: ("Power user score", "number", "the composite power-user score, 0 to 100."),
    TIER: ("Power user tier", "select", "Champion, Power User, Rising Star or Standard."),
}
"""The attributes by their slug: title, type, what they hold."""


def without_data(answer: Any) -> str:
    """What keeps an answer from saying that the request was taken: each that was holds `data`."""
    if answer is None:
        return ""
    problem = problem_in(answer)
    if problem:
        return problem
    return "" if isinstance(answer, dict) and ("data" in answer or not answer) else "no answer of Attio's"


def items_in(answer: Any) -> list[dict[str, Any]]:
    """The things in an answer that lists some."""
    items = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ServiceDown("Attio: what it answers is no list", unclear=False)
    return items


def made_in(answer: Any) -> dict[str, Any]:
    """The one thing that an answer gives back."""
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        raise ServiceDown("Attio: says yes and gives nothing back", unclear=True)
    return data


def id_in(thing: dict[str, Any], name: str) -> str:
    """The id of a record or an entry, as its own part of the ids that a thing has."""
    ids = thing.get("id")
    if not isinstance(ids, dict) or not ids.get(name):
        raise ServiceDown(f"Attio: says yes and gives no {name}", unclear=True)
    return str(ids[name])


def pages(service: Service, method: str, path: str, **more: Any) -> Iterator[dict[str, Any]]:
    """Everything at a path, page by page until there is nothing new; a service without pages gives all, and again."""
    asked: dict[str, Any] = {"limit": ATTIO_PAGE, "offset": 0, **more}
    seen: set[str] = set()
    while True:
        answer = service.call(method, path, params=asked) if method == "GET" else service.call(method, path, body=asked)
        items = items_in(answer)
        fresh = [item for item in items if digest_of(item.get("id") or item) not in seen]
        seen |= {digest_of(item.get("id") or item) for item in fresh}
        yield from fresh
        told = answer.get("pagination") or {}
        if not fresh or ("next_cursor" in told and not told["next_cursor"]):
            return
        place = {"cursor": told["next_cursor"]} if "next_cursor" in told else {"offset": asked["offset"] + len(items)}
        asked = {"limit": ATTIO_PAGE, **more, **place}


@dataclass
class AttioStructure:
    """Attributes, options and the list (called `slug`); `adopt` takes over those that somebody else made."""

    service: Service | None
    slug: str
    adopt: bool = False

    def plan(self, object_: str, ledger: SinkLedger) -> tuple[list[Write], str, int]:
        """What has to be made before rows can be written; why nothing may be touched; how much is there."""
        if self.service is None:
            names = [("attribute", slug) for slug in ATTRIBUTES] + [("list", self.slug)]
            absent = [(kind, key) for kind, key in names if ledger.row(kind, key) is None]
            return [self._made(kind, key, object_) for kind, key in absent], "", len(names) - len(absent)
        attributes = {str(a.get("api_slug")): a for a in pages(self.service, "GET", _attributes(object_))}
        writes, right = [], 0
        for slug in ATTRIBUTES:
            there = attributes.get(slug)
            if told := self._foreign_attribute(slug, there, object_, ledger):
                return [], told, 0
            if there is None:
                writes.append(self._made("attribute", slug, object_))
                continue
            if ledger.row("attribute", slug) is None:
                writes.append(replace(self._made("attribute", slug, object_), action="adopt"))
            right += 1
        listed = self._options(object_) if TIER in attributes else []
        options = [self._option(word, object_, listed) for word in TIER_WORDS.values()]
        writes += [write for write in options if write is not None]
        found = self.the_list()
        if found is None:
            return [*writes, self._made("list", self.slug, object_)], "", right + options.count(None)
        parents = found.get("parent_object") or [object_]
        if ledger.row("list", self.slug) is None and not self.adopt:
            told = f"a list {self.slug!r} is there that powerml did not make"
            return [], f"{told}; name another one in sync.attio.list, or take it over with --adopt", 0
        if object_ not in parents and parents != object_:
            return [], f"the list {self.slug!r} holds no {object_}; name another one in sync.attio.list", 0
        if ledger.row("list", self.slug) is None:
            writes.append(replace(self._made("list", self.slug, object_), action="adopt"))
        return writes, "", right + options.count(None) + 1

    def _foreign_attribute(self, slug: str, there: dict[str, Any] | None, object_: str, ledger: SinkLedger) -> str:
        """What keeps an attribute from being written; empty where nothing does."""
        _, type_, _ = ATTRIBUTES[slug]
        if there is None:
            return ""
        if ledger.row("attribute", slug) is None and not self.adopt:
            told = f"an attribute {slug!r} of {object_} is there that powerml did not make"
            return f"{told}; rename it, or take it over with --adopt"
        if there.get("type") not in (None, type_):
            return f"the attribute {slug!r} of {object_} is a {there['type']}, not a {type_}; rename it"
        return _archived(slug, object_) if there.get("is_archived") else ""

    def _option(self, word: str, object_: str, there: list[dict[str, Any]]) -> Write | None:
        """An option to be made, or one to be brought back, or to be spelt as the document does."""
        named = [option for option in there if str(option.get("title")).casefold() == word.casefold()]
        exact = [option for option in named if option.get("title") == word]
        if any(not option.get("is_archived") for option in exact):
            return None
        made = self._made("option", word, object_)
        for option in (*exact, *named):
            if remote := str((option.get("id") or {}).get("option_id") or ""):
                body = {"object": object_, "data": {"title": word, "is_archived": False}}
                return replace(made, action="update", body=body, remote=remote)
        return made

    def _made(self, kind: str, key: str, object_: str) -> Write:
        if kind == "attribute":
            title, type_, about = ATTRIBUTES[key]
            told: dict[str, Any] = {"title": title, "description": _ABOUT + about, "api_slug": key, "type": type_}
            told |= {"is_required": False, "is_unique": False, "is_multiselect": False, "config": {}}
        elif kind == "option":
            told = {"title": key}
        else:
            told = {"name": LIST_NAME, "api_slug": key, "parent_object": object_}
            told |= {"workspace_access": "full-access", "workspace_member_access": []}
        body = {"object": object_, "data": told}
        return Write("create", kind, key, f"{kind} {key!r}", digest_of(told), body)

    def the_list(self) -> dict[str, Any] | None:
        """The list, if it is there."""
        assert self.service is not None
        every = items_in(self.service.call("GET", "/v2/lists"))
        return next((one for one in every if one.get("api_slug") == self.slug), None)

    def _options(self, object_: str, **more: Any) -> list[dict[str, Any]]:
        assert self.service is not None
        return items_in(self.service.call("GET", _options(object_), params=more or None))

    # -- doing it

    def make(self, write: Write) -> str:
        """Makes an attribute, an option or the list; gives its id there."""
        assert self.service is not None
        object_, body = str(write.body["object"]), {"data": write.body["data"]}
        if write.action == "update":
            try:
                return self._again(write, object_)
            except RowRefused:
                body = {"data": {"title": write.key}}  # it may stand beside the other one
        place = {"attribute": _attributes(object_), "option": _options(object_), "list": "/v2/lists"}[write.kind]
        try:
            made = made_in(self.service.call("POST", place, body=body, find=self._finder(write, place)))
        except RowRefused as error:
            if (
                write.kind == "option"
                and write.action == "create"
                and (there := self._hidden_option(write.key, object_))
            ):
                return self._again(replace(write, remote=there), object_)
            if write.kind == "attribute" and self._is_hidden(write.key, object_):
                raise RowRefused(_archived(write.key, object_), status=error.status) from None
            raise
        return str((made.get("id") or {}).get(f"{write.kind}_id") or "made")

    def _again(self, write: Write, object_: str) -> str:
        """Brings an option back, or spells it as the document does."""
        assert self.service is not None
        body = {"data": {"title": write.key, "is_archived": False}}
        self.service.call("PATCH", f"{_options(object_)}/{write.remote}", body=body)
        return write.remote

    def _hidden_option(self, word: str, object_: str) -> str:
        """The id of an option of that name among all there are, those that are archived and not listed included."""
        every = self._options(object_, show_archived="true")
        named = (option for option in every if str(option.get("title")).casefold() == word.casefold())
        return next((str((option.get("id") or {}).get("option_id") or "") for option in named), "")

    def _is_hidden(self, slug: str, object_: str) -> bool:
        assert self.service is not None
        every = pages(self.service, "GET", _attributes(object_), show_archived="true")
        return any(a.get("api_slug") == slug and a.get("is_archived") for a in every)

    def _finder(self, write: Write, place: str) -> Callable[[], Any]:
        """Looks whether a thing is there by now, for a write whose answer got lost."""

        def find() -> Any:
            assert self.service is not None
            name = "title" if write.kind == "option" else "api_slug"
            page_by_page = write.kind == "attribute"
            there = pages(self.service, "GET", place) if page_by_page else items_in(self.service.call("GET", place))
            found = next((item for item in there if item.get(name) == write.key), None)
            return None if found is None else {"data": found}

        return find


def _attributes(object_: str) -> str:
    return f"/v2/objects/{object_}/attributes"


def _options(object_: str) -> str:
    return f"{_attributes(object_)}/{TIER}/options"


def _archived(slug: str, object_: str) -> str:
    return f"the attribute {slug!r} of {object_} is archived; restore it in Attio"
