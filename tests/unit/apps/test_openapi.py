"""Which paths an OpenAPI document offers for reading."""

from __future__ import annotations

from typing import Any

import pytest

from harness.apps.openapi import readable_paths

REQUIRED = [{"name": "q", "in": "query", "required": True}]


def test_only_what_needs_nothing_is_read() -> None:
    document = {
        "paths": {
            "/items": {"get": {"parameters": [{"name": "limit", "in": "query", "required": False}]}},
            "/items/{id}": {"get": {"parameters": REQUIRED}},
            "/search": {"get": {"parameters": REQUIRED}},
            "/tenant": {"parameters": REQUIRED, "get": {}},
            "/orders": {"post": {}},
            "/count": {"get": {}, "delete": {}},
        }
    }
    assert readable_paths(document) == ("/items", "/count")


@pytest.mark.parametrize(
    "document",
    [{}, {"paths": None}, {"paths": []}, {"paths": {"/a": None, "b": {"get": {}}, "/c": {"get": []}}}],
)
def test_what_is_no_such_document_offers_nothing(document: dict[str, Any]) -> None:
    assert readable_paths(document) == ()


def test_parameters_of_another_form_are_taken_for_none() -> None:
    assert readable_paths({"paths": {"/a": {"get": {"parameters": [None, 3, {"required": "yes"}]}}}}) == ("/a",)
