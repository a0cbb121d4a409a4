"""Nested form parameters: written with indexes, read back to the same, refused where they say two things."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.kit.brackets import from_brackets, to_brackets


def test_groups_lists_and_booleans_are_written_out():
    fields = {"customer": "cus_1", "auto_advance": False, "metadata": {"k": "v", "empty": ""}, "lines": [{"amount": 5}, {"amount": -1}]}
    assert to_brackets(fields) == [
        ("customer", "cus_1"),
        ("auto_advance", "false"),
        ("metadata[k]", "v"),
        ("metadata[empty]", ""),
        ("lines[0][amount]", "5"),
        ("lines[1][amount]", "-1"),
    ]


def test_nothing_is_left_out_and_an_empty_text_unsets():
    assert to_brackets({"a": None, "b": [], "c": {}, "d": ""}) == [("d", "")]


@pytest.mark.parametrize("name", ["a[b]", "a]", "[", ""])
def test_names_with_brackets_are_refused(name):
    with pytest.raises(ValueError, match="brackets"):
        to_brackets({"metadata": {name: "x"}})
    with pytest.raises(ValueError, match="brackets"):
        to_brackets({name: "x"})


def test_no_amount_is_ever_a_float():
    with pytest.raises(TypeError):
        to_brackets({"amount": 1.5})


def test_lists_are_read_in_the_order_of_their_indexes_and_without_them():
    assert from_brackets([("a[10]", "k"), ("a[2]", "b")]) == {"a": ["b", "k"]}
    assert from_brackets([("expand[]", "x"), ("expand[]", "y")]) == {"expand": ["x", "y"]}


@pytest.mark.parametrize("pairs", [[("a", "1"), ("a[b]", "2")], [("a[b]", "2"), ("a", "1")], [("a[b", "1")], [("a" + "[b]" * 12, "1")]])
def test_what_contradicts_itself_is_refused(pairs):
    with pytest.raises(ValueError, match=r"not a parameter|a value and a group|too deeply"):
        from_brackets(pairs)


WORDS = st.text("abcxyz_", min_size=1, max_size=6)
VALUES = st.recursive(
    st.text(max_size=8),
    lambda inner: st.dictionaries(WORDS, inner, min_size=1, max_size=3) | st.lists(inner, min_size=1, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.dictionaries(WORDS, VALUES, max_size=4))
def test_what_is_written_is_read_back(fields):
    assert from_brackets(to_brackets(fields)) == fields
