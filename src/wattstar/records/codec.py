"""Nouns ↔ JSON: strict in both directions, one canonical form, and the digest that names it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from wattstar.errors import VerificationFailed
from wattstar.types import READABLE_VERSIONS, SCHEMA_VERSION, Job, Record

Value = TypeVar("Value")

HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""Half of a character, as JSON may escape it: without its other half it cannot be written anywhere."""
SINCE = {"sitting": 3}
"""Field of a record → the schema version that brought it. A record of an earlier one is spelled without, as it was."""


def encode(value: object) -> Any:
    """A noun as plain JSON values."""
    plain = adapter(type(value)).dump_python(value, mode="json")
    if isinstance(value, Record):
        return {name: each for name, each in plain.items() if SINCE.get(name, 0) <= value.schema_version}
    return plain


def decode(kind: type[Value], data: Any) -> Value:
    """Plain JSON values as a noun; ``VerificationFailed`` names the first field that does not fit."""
    try:
        value: Value = adapter(kind).validate_python(data)
        return value
    except ValidationError as error:
        raise VerificationFailed(f"Not a {kind.__name__}: {first_problem(error)}") from error


def record(data: Any) -> Record:
    """Plain JSON values as a record; ``VerificationFailed`` also where a wattstar of another schema wrote it."""
    version = data.get("schema_version") if isinstance(data, dict) else None
    if isinstance(version, int) and version not in READABLE_VERSIONS:
        raise VerificationFailed(
            f"it was written with schema version {version} by wattstar {data.get('wattstar')}, "
            f"this one reads version {SCHEMA_VERSION}"
        )
    return decode(Record, data)


def first_problem(error: ValidationError) -> str:
    """Where and what, in one line."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the whole"
    return f"{where}: {first['msg']}"


def parsed(text: str | bytes) -> Any:
    """JSON as plain values; ``ValueError`` where it is none, as NaN and Infinity, which Python's parser would take,
    nested deeper than Python can follow, or with half a character."""

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no number")

    try:
        value = json.loads(text, parse_constant=refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if HALF.search(text if isinstance(text, str) else text.decode()):
        json.dumps(value, ensure_ascii=False).encode()  # UnicodeEncodeError is a ValueError
    return value


def canonical(value: object) -> bytes:
    """The one spelling of a noun: keys sorted, no spaces, UTF-8; not-a-number and infinity are refused."""
    text = json.dumps(encode(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def digest(data: bytes) -> str:
    """sha256, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def job_id(job: Job) -> str:
    """What resume looks for."""
    return digest(canonical(job))


def schema() -> Mapping[str, Any]:
    """The JSON Schema (2020-12) of a record, as published in ``schema/record.json``."""
    made = adapter(Record).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


_ADAPTERS: dict[object, TypeAdapter[Any]] = {}


def adapter(kind: Any) -> TypeAdapter[Any]:
    """What reads and writes nouns of a kind; built once, since pydantic compiles the whole tree of nouns."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]
