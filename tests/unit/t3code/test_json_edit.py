"""A JSON text changed in place: it parses to the target, and unchanged parts keep their bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t3tray.t3code.json_edit import edited, read_object

names = st.text(max_size=3)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(names, values, max_size=4)
layouts = st.sampled_from([{"indent": 2}, {"indent": "\t"}, {}, {"separators": (",", ":")}])


def text_of(value: object, layout: dict[str, Any], ascii_only: bool, carriage: bool) -> str:
    text = json.dumps(value, ensure_ascii=ascii_only, **layout).replace("Infinity", "1e999")
    return text.replace("\n", "\r\n") if carriage else text


@given(objects, objects, layouts, st.booleans(), st.booleans())
def test_whatever_it_was_it_comes_back_as_it_is_to_be(
    before: dict[str, object], target: dict[str, object], layout: dict[str, Any], ascii_only: bool, carriage: bool
) -> None:
    text = text_of(before, layout, ascii_only, carriage)
    try:
        after = edited(text, target)
    except ValueError:
        assert "Infinity" in json.dumps(target), "only what no JSON can say is refused"
        return
    assert read_object(after) == target
    assert edited(after, target) == after and edited(text, read_object(text)) == text


@given(objects, names, layouts, st.booleans())
def test_what_is_added_and_taken_out_again_leaves_every_byte(
    before: dict[str, object], name: str, layout: dict[str, Any], carriage: bool
) -> None:
    text = text_of(before, layout, False, carriage)
    known = read_object(text)
    if name in known or not known:
        return
    assert edited(edited(text, {**known, name: {"a": [1]}}), known) == text


@pytest.mark.parametrize(
    ("text", "target", "after"),
    [
        ('{"a": 1e999, "b": {}}', {"a": float("inf"), "b": {"c": 1}}, '{"a": 1e999, "b": {"c": 1}}'),
        ('{\n  "a": {}\n}', {"a": {"b": "ü"}}, '{\n  "a": {\n    "b": "ü"\n  }\n}'),
        ('{\n  "a": {"x": 1.50}\n}', {"a": {"x": 1.5, "y": 2}}, '{\n  "a": {"x": 1.50, "y": 2}\n}'),
        ('{\n  "a": 1,\n  "b": 2\n}', {"a": 1}, '{\n  "a": 1\n}'),
        ('{\n  "a": 1,\n  "b": 2\n}', {}, "{}"),
        ('{"a":1}', {"b": True}, '{"b":true}'),
        ('{"a": 1}', {"a": True}, '{"a": true}'),
        ("{}", {"a": 1}, '{"a":1}'),
        ("{\n}\n", {"a": 1}, '{\n  "a": 1\n}\n'),
    ],
)
def test_the_layout_is_the_texts_own(text: str, target: dict[str, object], after: str) -> None:
    assert edited(text, target) == after


@pytest.mark.parametrize("text", ["[]", '{"a": 1, "a": 2}', '{"a": NaN}', "", "{", '{"a": 1} x'])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        edited(text, {"b": 1})
