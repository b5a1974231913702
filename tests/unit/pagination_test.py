"""Cursors: round trips and malformed cursors."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import pagination as cursor
from shared.errors import InvalidInput

PATTERN = "[a-z]{1,9}"
texts = st.text(st.characters(codec="utf-8"))
filters = st.dictionaries(st.sampled_from(["category", "source"]), st.none() | texts)


@given(filters, st.from_regex(PATTERN, fullmatch=True))
def test_a_cursor_round_trips_and_needs_no_url_quoting(query_filters, sort_key):
    made = cursor.encode(query_filters, sort_key)
    assert made.replace("-", "").replace("_", "").isalnum()
    assert made.isascii()
    assert cursor.decode(made, query_filters, PATTERN) == sort_key


@given(filters, filters)
def test_a_cursor_of_other_filters_is_rejected(query_filters, others):
    made = cursor.encode(query_filters, "here")
    if query_filters != others:
        with pytest.raises(InvalidInput, match="other filters"):
            cursor.decode(made, others, PATTERN)


@given(texts)
def test_any_other_text_is_rejected(text):
    with pytest.raises(InvalidInput):
        cursor.decode(text, {}, PATTERN)


@given(st.binary(max_size=100))
def test_any_other_bytes_in_base64_are_rejected(data):
    with pytest.raises(InvalidInput):
        cursor.decode(base64.urlsafe_b64encode(data).decode().rstrip("="), {}, PATTERN)


@pytest.mark.parametrize("sort_key", ["", "UPPER", "a" * 10, "a\n", "a|b"])
def test_a_sort_key_that_does_not_match_the_pattern_is_rejected(sort_key):
    with pytest.raises(InvalidInput, match="malformed"):
        cursor.decode(cursor.encode({}, sort_key), {}, PATTERN)


def test_a_cursor_of_another_format_version_is_rejected():
    text = base64.urlsafe_b64decode(cursor.encode({}, "here") + "==").replace(b"1|", b"2|", 1)
    with pytest.raises(InvalidInput, match="malformed"):
        cursor.decode(base64.urlsafe_b64encode(text).decode().rstrip("="), {}, PATTERN)
