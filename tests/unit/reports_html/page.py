"""A report's HTML taken apart by the standard library's parser, for tests that look at its structure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_VOID = {"meta", "br", "input", "link", "img", "hr"}


@dataclass(frozen=True)
class Element:
    """One element: its tag and attributes, and the text straight inside it."""

    tag: str
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """Elements in document order; `unbalanced` holds end tags that close nothing, and what was left open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.unbalanced: list[str] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()
        self.unbalanced += [element.tag for element in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1].tag == tag:
            self._open.pop()
        else:
            self.unbalanced.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1].text.append(data)

    def named(self, tag: str, **attributes: str) -> list[Element]:
        """Elements of one tag with these attribute values."""
        return [
            element
            for element in self.elements
            if element.tag == tag
            and all(element.attributes.get(name) == value for name, value in attributes.items())
        ]

    def ids(self) -> list[str]:
        """Every id, in document order, repeated ones included."""
        return [element.attributes["id"] for element in self.elements if "id" in element.attributes]

    def text(self) -> str:
        """All text that a reader sees, in one line."""
        seen = (e for e in self.elements if e.tag not in ("script", "style"))
        return " ".join(" ".join("".join(element.text) for element in seen).split())

    def chart_data(self) -> Any:
        """What the page's script is given."""
        (island,) = self.named("script", id="chart-data")
        return json.loads("".join(island.text))
