"""The ids by which visitors and persons are known: who may claim which."""

from urllib.parse import unquote
from uuid import uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.core.visitor import (
    MAX_USER_ID,
    is_anonymous_id,
    is_person_id,
    is_visitor_id,
    person_id,
    visitor_id,
)

NAMES = st.text(min_size=1, max_size=300)


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("ann", "signed-in-ann"),
        ("ann@example.com", "signed-in-ann@example.com"),
        ("accounts.google.com:a@b.de", "signed-in-accounts.google.com%3Aa@b.de"),
        ("Ann", "signed-in-%41nn"),
        ("José", "signed-in-%4Aos%C3%A9"),
        ("../../etc", "signed-in-..%2F..%2Fetc"),
        ("user", "signed-in-user"),
    ],
)
def test_a_persons_id_can_be_read_by_a_tool(name: str, id: str) -> None:
    assert person_id(name) == id
    assert unquote(id.removeprefix("signed-in-")) == name


@given(NAMES)
@example("\ud800")
@example("x" * 500)
@example("../" * 30)
def test_whatever_the_name_the_id_has_room_and_is_no_path_and_no_browser_may_say_it(
    name: str,
) -> None:
    id = person_id(name)
    assert len(id) <= MAX_USER_ID
    assert is_person_id(id)
    assert is_visitor_id(id)
    assert not is_anonymous_id(id)
    assert not set(id) & set('/\\:*?"<>|\0 ')


@given(NAMES, NAMES)
@example("Ann", "ann")
@example("a%41", "aA")
@example("x" * 300, f"sha256={'0' * 64}")
def test_two_names_are_two_ids_even_where_a_disk_does_not_tell_capitals_apart(
    one: str, other: str
) -> None:
    surrogates = any("\ud800" <= letter <= "\udfff" for letter in one + other)
    if one != other and not surrogates:
        assert person_id(one).lower() != person_id(other).lower()


def test_an_anonymous_visitors_id_is_no_persons() -> None:
    id = visitor_id(uuid4())
    assert is_anonymous_id(id)
    assert is_visitor_id(id)
    assert not is_person_id(id)


@pytest.mark.parametrize("id", ["user", "", "signed-in-", "signed-in-a/b", "signed-in-a\n"])
def test_other_users_are_none_of_ours(id: str) -> None:
    assert not is_visitor_id(id)
