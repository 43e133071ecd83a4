"""The description of the endpoints in OpenAPI 3.1, made from the structs that decode requests."""

from collections.abc import Mapping
from typing import Any

import msgspec

from enricher.gateway import requests, responses
from enricher.gateway.operations import ADMIN_OPERATIONS, OPERATIONS, ROOT, Operation

REFERENCE = "#/components/schemas/{name}"
ERRORS = {
    "400": "the request is wrong",
    "401": "the service asks for API keys, and the request has none that is valid",
    "403": "Elasticsearch does not allow it, or a web page of another origin asks for a change",
    "404": "no such index, model, word or file to review",
    "409": "the index was enriched in another way, or somebody else has decided about the word",
    "413": "the body is too large",
    "429": "too many requests of this kind; Retry-After says when to try again",
    "500": "the service failed",
    "502": "the engine failed",
    "503": "the engine is not available",
    "504": "the time limit is over",
}
"""The answers that any endpoint may give beside 200."""
NDJSON = "application/x-ndjson"
DOCUMENTS = {
    NDJSON: {"schema": {"type": "object"}},
    "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
}
TEXT = {"text/plain": {"schema": {"type": "string"}}}
ADMIN_SERVER = {"url": "http://127.0.0.1:9281", "description": "the admin address"}


def description(version: str) -> dict[str, Any]:
    """The whole document. version: of this program."""
    kinds: list[type[msgspec.Struct]] = [
        responses.ErrorAnswer,
        responses.EnrichedAnswer,
        responses.ReadyAnswer,
        responses.LiveAnswer,
        responses.IndexDocumentsAnswer,
        responses.ReloadAnswer,
    ]
    everything = (*OPERATIONS, *ADMIN_OPERATIONS)
    kinds += [kind for one in everything for kind in (one.request, one.response)]
    kinds = list(dict.fromkeys(kind for kind in kinds if kind is not requests.EmptyRequest))
    schemas, components = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
    references = dict(zip(kinds, schemas, strict=True))
    paths = {one.path: _path(one, references) for one in OPERATIONS}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Search enrichment",
            "version": version,
            "description": "Enriched search, query expansion and enrichment of documents.",
        },
        "paths": paths | _others(references) | _admin_paths(references),
        "security": [{}, {"apiKey": []}],
        "components": {
            "schemas": components,
            "securitySchemes": {
                "apiKey": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`ApiKey KEY`, if the service has a file of API keys.",
                }
            },
        },
    }


def _path(one: Operation, references: Mapping[Any, Any]) -> dict[str, Any]:
    """The description of one endpoint."""
    answers = {str(one.status): _json("the answer", references[one.response])} | _errors(references)
    named = [_index_parameter()] if one.has_index else []
    common = {"summary": one.summary, "responses": answers}
    get = common | {"operationId": one.name, "parameters": named + parameters_of(one.request)}
    if one.request is requests.EmptyRequest:
        return {"get": get} if one.has_parameters else {"post": common | {"operationId": one.name}}
    post = common | {
        "operationId": f"{one.name}ByPost" if one.has_parameters else one.name,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": references[one.request]}},
        },
    }
    post |= {"parameters": named} if named else {}
    return {"get": get, "post": post} if one.has_parameters else {"post": post}


def parameters_of(kind: type[msgspec.Struct]) -> list[dict[str, Any]]:
    """The fields of a request as parameters of a query string."""
    if kind is requests.EmptyRequest:
        return []
    (schema,), found = msgspec.json.schema_components([kind], ref_template=REFERENCE)
    whole = found[kind.__name__] if "$ref" in schema else schema
    required = set(whole.get("required", ()))
    made = []
    for name, inner in whole["properties"].items():
        content = (
            {"content": {"application/json": {"schema": inner}}} if name == "native" else {"schema": inner}
        )
        made.append({"name": name, "in": "query", "required": name in required} | content)
    return made


def _index_parameter() -> dict[str, Any]:
    return {"name": "index", "in": "path", "required": True, "schema": {"type": "string"}}


def _json(text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _errors(references: Mapping[Any, Any]) -> dict[str, Any]:
    return {status: _json(text, references[responses.ErrorAnswer]) for status, text in ERRORS.items()}


def _bare(name: str, summary: str, answers: Mapping[str, Any]) -> dict[str, Any]:
    """An endpoint that takes nothing."""
    return {"operationId": name, "summary": summary, "responses": answers}


def _admin_paths(references: Mapping[Any, Any]) -> dict[str, Any]:
    """The endpoints on the admin address."""
    paths = {one.path: _path(one, references) for one in ADMIN_OPERATIONS}
    paths[f"{ROOT}/documents/{{index}}"] = {
        "post": {
            "operationId": "indexDocuments",
            "summary": "Index documents with their enrichment; the index is created if it is missing.",
            "parameters": [_index_parameter(), *parameters_of(requests.IndexDocumentsRequest)],
            "requestBody": {"required": True, "content": DOCUMENTS},
            "responses": {"200": _json("the counts", references[responses.IndexDocumentsAnswer])}
            | _errors(references),
        }
    }
    answers = {"200": _json("what has changed", references[responses.ReloadAnswer])} | _errors(references)
    paths[f"{ROOT}/reload"] = {"post": _bare("reload", "Read enricher.toml again.", answers)}
    lines = {"200": {"description": "lines", "content": {"text/plain": {"schema": {"type": "string"}}}}}
    paths[f"{ROOT}/metrics"] = {"get": _bare("metrics", "The metrics, in the form of Prometheus.", lines)}
    return {path: {"servers": [ADMIN_SERVER], **one} for path, one in paths.items()}


def _others(references: Mapping[Any, Any]) -> dict[str, Any]:
    """The endpoints that do not answer with one JSON object for one."""
    enriched = references[responses.EnrichedAnswer]
    enrich = {
        "operationId": "enrich",
        "summary": "The enrichment of documents, in their order and form.",
        "parameters": parameters_of(requests.EnrichRequest),
        "requestBody": {"required": True, "content": DOCUMENTS},
        "responses": {
            "200": {
                "description": "one object for each document",
                "content": {
                    NDJSON: {"schema": enriched},
                    "application/json": {"schema": {"type": "array", "items": enriched}},
                },
            }
        }
        | _errors(references),
    }
    ready = references[responses.ReadyAnswer]
    return {
        f"{ROOT}/enrich": {"post": enrich},
        f"{ROOT}/dictionary": {
            "get": _bare(
                "dictionary",
                "The lexicon and the added words of the active model, one a line, as IK reads them.",
                {
                    "200": {
                        "description": "the words",
                        "content": {"text/plain": {"schema": {"type": "string"}}},
                    },
                    "304": {"description": "the client has them"},
                },
            )
        },
        f"{ROOT}/map": {
            "get": _bare(
                "map",
                "The page of a map.",
                {"200": {"description": "HTML", "content": {"text/html": {"schema": {"type": "string"}}}}}
                | _errors(references),
            )
            | {"parameters": parameters_of(requests.MapRequest)}
        },
        f"{ROOT}/livez": {
            "get": _bare(
                "livez",
                "Whether the process answers.",
                {"200": _json("it does", references[responses.LiveAnswer])},
            )
        },
        f"{ROOT}/readyz": {
            "get": _bare(
                "readyz",
                "Whether searches can be answered.",
                {"200": _json("they can", ready), "503": _json("they cannot", ready)},
            )
        },
        f"{ROOT}/openapi.json": {
            "get": _bare("openapi", "This document.", {"200": _json("the document", {"type": "object"})})
        },
    }
