"""Cursors: what is made is read, and what is damaged is refused."""

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
def test_a_cursor_holds_its_position_in_characters_that_need_no_quoting(wanted, position):
    made = cursor.encode(wanted, position)
    assert made.replace("-", "").replace("_", "").isalnum()
    assert made.isascii()
    assert cursor.decode(made, wanted, PATTERN) == position


@given(filters, filters)
def test_a_cursor_of_other_filters_is_refused(wanted, others):
    made = cursor.encode(wanted, "here")
    if wanted != others:
        with pytest.raises(InvalidInput, match="other filters"):
            cursor.decode(made, others, PATTERN)


@given(texts)
def test_any_other_text_is_refused(text):
    with pytest.raises(InvalidInput):
        cursor.decode(text, {}, PATTERN)


@given(st.binary(max_size=100))
def test_any_other_bytes_in_base64_are_refused(data):
    with pytest.raises(InvalidInput):
        cursor.decode(base64.urlsafe_b64encode(data).decode().rstrip("="), {}, PATTERN)


@pytest.mark.parametrize("position", ["", "UPPER", "a" * 10, "a\n", "a|b"])
def test_a_position_of_another_form_is_refused(position):
    with pytest.raises(InvalidInput, match="damaged"):
        cursor.decode(cursor.encode({}, position), {}, PATTERN)


def test_a_cursor_of_another_format_is_refused():
    text = base64.urlsafe_b64decode(cursor.encode({}, "here") + "==").replace(b"1|", b"2|", 1)
    with pytest.raises(InvalidInput, match="damaged"):
        cursor.decode(base64.urlsafe_b64encode(text).decode().rstrip("="), {}, PATTERN)
