"""YAML or JSON file -> Spec, with every problem of the file reported at once as `file:line: field: what; fix`."""

from __future__ import annotations

import os
import re
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from powerml.config.bounds import DEEPEST, LARGEST_BYTES, check_size
from powerml.config.secrecy import BEGINNINGS, may_be_secret
from powerml.errors import ConfigError, DataError, Problem, did_you_mean
from powerml.writing import check_ordinary

T = TypeVar("T")
Path_ = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """SafeLoader that keeps `on`, `no`, `off` and dates as text (YAML 1.2's core schema)."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("tag:yaml.org,2002:int", r"^[-+]?[0-9]+$", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$",
        "-+.0123456789",
    ),
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
    ("tag:yaml.org,2002:merge", r"^(?:<<)$", "<"),
):
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), [c if c != "\0" else "" for c in _first])


class _Parser(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads as `_Loader` does, by libyaml where PyYAML has it: the catalogue in a tenth of the time."""


_Parser.yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def _construct_text(_loader: _Loader, node: yaml.ScalarNode) -> str:
    """JSON writes characters beyond the first 65,536 as two halves, which YAML leaves apart."""
    return str(node.value).encode("utf-16", "surrogatepass").decode("utf-16")


_Loader.add_constructor("tag:yaml.org,2002:str", _construct_text)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda _loader, node: int(node.value))  # 010 is ten


@dataclass
class Document:
    """The plain data of a file and the line on which each key or item stands."""

    file: str
    data: Any = None
    lines: dict[Path_, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    written: dict[int, set[int]] = field(default_factory=dict, repr=False)  # the keys of each mapping before merges

    def line(self, path: Path_) -> int:
        """The line of `path`, or of the nearest thing above it that stands in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: Path_, what: str) -> Problem:
        """A problem at `path`, a tuple of keys and positions."""
        return Problem(self.file, self.line(path), field_of(path), what)


def field_of(path: Path_) -> str:
    """What a message calls a place of a document; a key that begins like a token is not shown.

    >>> field_of(("sync", "phx_0123abcd", "host")), field_of(("points", 0))
    ('sync.***.host', 'points.0')
    """
    return ".".join("***" if re.match(BEGINNINGS, str(key)) else str(key) for key in path)


def read_document(path: Path | str, *, text: str | None = None) -> Document:
    """Reads one YAML or JSON file; raises ConfigError where it is not well-formed or a key stands twice."""
    shown = os.path.relpath(path) if not str(os.path.relpath(path)).startswith("..") else str(path)
    if text is None:
        text = _text(Path(path))
    if str(path).endswith(".json"):
        text = text.replace("\t", " ")  # a tab inside a JSON string must be written \t, so none of these is data
    document = Document(shown)
    try:
        # libyaml refuses the two halves in which JSON escapes a character beyond the first 65,536
        node = yaml.compose(text, Loader=_Loader if "\\ud" in text.lower() else _Parser)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        what = f"not well-formed: {error.problem or error.context}"
        raise ConfigError([Problem(shown, line, "", what)]) from None
    except RecursionError:
        what = f"is nested more than {DEEPEST} deep; write it flatter"
        raise ConfigError([Problem(shown, 1, "", what)]) from None
    except yaml.reader.ReaderError as error:
        raise ConfigError([Problem(shown, 1, "", f"not well-formed: {error.reason}")]) from None
    loader = _Loader("")
    if node is not None:
        check_size(node, shown)
    document.data = None if node is None else _build(node, (), document, loader)
    if document.problems:
        raise ConfigError(document.problems)
    return document


def _text(path: Path) -> str:
    """A declaration's text; raises DataError for what is no ordinary file, no text, or too large for a declaration."""
    check_ordinary(path)
    try:
        if path.stat().st_size > LARGEST_BYTES:
            what = f"is larger than a declaration may be ({LARGEST_BYTES >> 20} MB)"
            raise DataError.in_file(path, what, "name the right file, or take out what is data")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError.in_file(path, f"is not UTF-8 text ({error.reason})", "save it as UTF-8") from None
    except OSError as error:
        raise DataError.in_file(path, f"cannot be read ({error.strerror})", "check the path and its rights") from None


def _build(node: yaml.Node, path: Path_, document: Document, loader: _Loader) -> Any:
    document.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        written = document.written.setdefault(id(node), {id(key_node) for key_node, _ in node.value})
        loader.flatten_mapping(node)  # puts what `<<` brings before what is written here, which may override it
        result: dict[Any, Any] = {}
        merged = set()
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                what = "not well-formed: a key must be one word or text; quote braces and brackets"
                document.problems.append(Problem(document.file, line, field_of(path), what))
                continue
            key = loader.construct_object(key_node, deep=True)
            here = (*path, key)
            if id(key_node) not in written:
                merged.add(key)
            elif key in merged:
                merged.remove(key)
            elif key in result:
                first = document.lines[here]
                problem = Problem(
                    document.file, line, field_of(here), f"duplicate key, first on line {first}; keep one of them"
                )
                document.problems.append(problem)
                continue
            document.lines[here] = line
            result[key] = _build(value_node, here, document, loader)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*path, i), document, loader) for i, item in enumerate(node.value)]
    try:
        return loader.construct_object(node, deep=True)
    except (yaml.constructor.ConstructorError, ValueError) as error:
        document.problems.append(document.problem(path, f"cannot be read: {error}"))
        return None


def load(model: type[T] | Any, path: Path | str) -> T:
    """Reads `path` as `model` (a Spec class, or a type such as `list[MetricSpec]`).

    Raises ConfigError with all problems of the file, DataError if there is no such file.
    """
    read: T = validated(model, read_document(path))
    return read


def validated(model: type[T] | Any, document: Document, at: Path_ = ()) -> T:
    """The part of a document at `at` as `model`; raises ConfigError with every problem in it."""
    data = document.data
    for key in at:
        data = data[key]
    if data is None:
        data = {}
    try:
        valid: T = TypeAdapter(model).validate_python(data)
        return valid
    except ValidationError as error:
        raise ConfigError(_outermost_dropped(set(_problems(error, model, data, document, at)))) from None


def _outermost_dropped(problems: set[Problem]) -> list[Problem]:
    """The complaint about a value's kind, or how many it holds, goes if there is one about its inside."""

    def inside(p: Problem) -> bool:
        return any(q.field.startswith(p.field + ".") for q in problems if p.field)

    return [p for p in problems if not (p.what.startswith(("expected", "tuple should have")) and inside(p))]


def _problems(error: ValidationError, model: Any, data: Any, document: Document, at: Path_) -> Iterator[Problem]:
    for item in error.errors(include_url=False):
        path, missing = _path_in(data, item["loc"])
        here = at + path
        kind = item["type"]
        if kind == "extra_forbidden":
            hint = did_you_mean(str(path[-1]), _keys_at(model, path[:-1]))
            yield document.problem(here, f"unknown key{hint or '; remove it'}")
        elif kind == "missing":
            name = str(missing[0]) if missing else "?"
            yield document.problem(here, f"{name!r} is missing; add it")
        elif kind in ("value_error", "assertion_error"):
            yield document.problem(here, str(item["ctx"]["error"]))
        else:
            yield document.problem(here, f"{_wanted(item)}, got {_shown(item['input'])}{_hint(item)}")


def _hint(item: Any) -> str:
    if item["type"] not in ("literal_error", "enum"):
        return ""
    return did_you_mean(str(item["input"]), re.findall(r"'([^']*)'", item["ctx"].get("expected", "")))


def _wanted(item: Any) -> str:
    kind, ctx = item["type"], item.get("ctx", {})
    plain = {
        "string_type": "expected a text", "float_type": "expected a number", "float_parsing": "expected a number",
        "int_type": "expected a whole number", "int_parsing": "expected a whole number",
        "int_from_float": "expected a whole number", "bool_type": "expected true or false",
        "bool_parsing": "expected true or false", "dict_type": "expected keys and values",
        "model_type": "expected keys and values", "model_attributes_type": "expected keys and values",
        "list_type": "expected a list", "tuple_type": "expected a list",
        "date_from_datetime_parsing": "expected a date like 2026-03-01", "date_type": "expected a date like 2026-03-01",
        "date_parsing": "expected a date like 2026-03-01",
        "datetime_from_date_parsing": "expected a time like 2026-03-01T09:30:00Z",
        "datetime_parsing": "expected a time like 2026-03-01T09:30:00Z",
        "string_pattern_mismatch": "expected small letters, digits and underscores",
    }  # fmt: skip
    if kind in plain:
        return plain[kind]
    if kind in ("literal_error", "enum"):
        return f"expected {ctx.get('expected')}"
    message = str(item["msg"])
    return message[0].lower() + message[1:].replace("Input should", "should").replace("input should", "should")


def _shown(value: Any) -> str:
    text = repr(value)
    if may_be_secret(text):
        return "what may be a secret and is not shown; put it into an environment variable"
    return text if len(text) <= 60 else text[:57] + "..."


def _path_in(data: Any, loc: tuple[Any, ...]) -> tuple[Path_, Path_]:
    """Splits pydantic's location into the keys that stand in the data and the rest (union tags are skipped)."""
    path: list[Any] = []
    rest: list[Any] = []
    for key in loc:
        in_list = isinstance(data, list) and isinstance(key, int) and key < len(data)
        if in_list or (isinstance(data, dict) and key in data):
            path.append(key)
            data = data[key]
        elif isinstance(key, str) and re.fullmatch(r"[A-Z]\w*|function-.*|tuple\[.*|list\[.*|dict\[.*|\[key\]", key):
            continue
        else:
            rest.append(key)
    return tuple(path), tuple(rest)


def _keys_at(model: Any, path: Path_) -> set[str]:
    """The keys that could stand at `path`, by walking the types."""
    kinds = list(_members(model))
    for key in path:
        below: list[Any] = []
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                below += [
                    f.annotation for name, f in kind.model_fields.items() if key in (name, f.alias, f.validation_alias)
                ]
            elif typing.get_origin(kind) in (dict, typing.Mapping) or typing.get_origin(kind) is not None:
                arguments = [a for a in typing.get_args(kind) if a is not Ellipsis]
                below += arguments[-1:]
        kinds = [member for kind in below for member in _members(kind)]
    keys: set[str] = set()
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys |= {f.alias or name for name, f in kind.model_fields.items()}
    return keys


def _members(kind: Any) -> Iterator[Any]:
    """The alternatives of a type, unions and annotations opened."""
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        yield from _members(typing.get_args(kind)[0])
    elif origin in (typing.Union, types.UnionType):
        for member in typing.get_args(kind):
            yield from _members(member)
    else:
        yield kind
