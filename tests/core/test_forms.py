"""A form for what a person is asked."""

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from agent.core.forms import argument_fields, complete, fields
from agent.core.notices import PlainError
from agent.core.pauses import Pause, Reply


class Address(BaseModel):
    """Where somebody lives."""

    city: str
    number: int | None = None


class Order(BaseModel):
    """What somebody orders."""

    what: str = Field(description="The article's name")
    pieces: int = 1
    price: float
    express: bool = False
    size: Literal["S", "M", "L"] = "M"
    notes: list[str] = []
    address: Address
    extras: list[Address] = []


ORDER = Pause("1", "adk_request_input", "input", schema=Order.model_json_schema())

FORM = {
    "what": "Tea",
    "pieces": "2",
    "price": "9.5",
    "express": True,
    "size": "L",
    "notes": "hot\n\nsweet ",
    "address.city": "Rome",
    "address.number": " ",
    "extras": '[{"city": "Bonn"}]',
}


def filled(asked: Pause, form: dict[str, Any]) -> Any:
    return complete(asked, Reply(form=form)).value


def changed_arguments(asked: Pause, form: dict[str, Any]) -> Any:
    return complete(asked, Reply(form=form)).args


def approval(payload: Any) -> Pause:
    return Pause("1", "adk_request_confirmation", "approval", payload=payload)


def test_each_value_of_a_schema_has_the_field_that_suits_it() -> None:
    assert [(field.id, field.kind, field.value, field.is_required) for field in fields(ORDER)] == [
        ("what", "text", "", True),
        ("pieces", "number", "1", False),
        ("price", "number", "", True),
        ("express", "yes_no", False, False),
        ("size", "select", "M", False),
        ("notes", "lines", "", False),
        ("address.city", "text", "", True),
        ("address.number", "number", "", False),
        ("extras", "json", "[]", False),
    ]
    assert fields(ORDER)[0].help == "The article's name"
    assert list(fields(ORDER)[4].options) == ["S", "M", "L"]


def test_a_filled_form_is_a_value_of_its_schema() -> None:
    value = filled(ORDER, FORM)
    assert value == {
        "what": "Tea",
        "pieces": 2,
        "price": 9.5,
        "express": True,
        "size": "L",
        "notes": ["hot", "sweet"],
        "address": {"city": "Rome"},
        "extras": [{"city": "Bonn"}],
    }
    Order.model_validate(value)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"what": "  "}, '"What" is empty'),
        ({"price": "cheap"}, '"Price" is a number'),
        ({"price": "true"}, '"Price" is a number'),
        ({"extras": "[{"}, '"Extras" is written as JSON'),
        ({"extras": "[" * 9999}, '"Extras" is written as JSON'),
        ({"extras": "NaN"}, '"Extras" is written as JSON'),
        ({"price": "NaN"}, '"Price" is a number'),
        ({"price": "1e999"}, '"Price" is a number'),
    ],
)
def test_what_a_field_does_not_take_is_named(wrong: dict[str, Any], what: str) -> None:
    with pytest.raises(PlainError) as caught:
        filled(ORDER, {**FORM, **wrong})
    assert what in str(caught.value)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "required", "enum", "anyOf", "$ref", "items"]),
            inner | st.sampled_from(["object", "array", "string", "#/$defs/a"]),
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(
    st.fixed_dictionaries(
        {}, optional={"type": st.just("object"), "properties": JUNK, "$defs": JUNK}
    )
    | st.dictionaries(st.just("anyOf"), JUNK)
)
def test_whatever_a_model_takes_for_a_schema_has_a_form(schema: dict[str, Any]) -> None:
    fields(Pause("1", "adk_request_input", "input", schema=schema))


def test_one_of_several_values_of_any_kind_is_that_value() -> None:
    asked = Pause("1", "adk_request_input", "input", schema={"enum": ["a", 2, None]})
    assert [(field.kind, list(field.options)) for field in fields(asked)] == [
        ("select", ["a", "2", "null"])
    ]
    assert [filled(asked, {"": shown}) for shown in ("a", "2", "null")] == ["a", 2, None]
    with pytest.raises(PlainError, match='"Your answer" is one of a, 2, null'):
        filled(asked, {"": "b"})


def test_an_approval_whose_arguments_alone_are_changed_has_no_payload() -> None:
    asked = Pause("1", "adk_request_confirmation", "approval", args={"a": 1})
    assert complete(asked, Reply(form={"arguments.a": "2"})) == Reply(args={"a": 2})


def test_without_a_schema_it_is_one_line_of_text() -> None:
    asked = Pause("1", "adk_request_input", "input", message="Well?")
    assert [(field.id, field.kind) for field in fields(asked)] == [("", "text")]
    assert filled(asked, {"": " 7 "}) == " 7 "


def test_what_a_tool_lets_a_person_change_keeps_its_kind() -> None:
    asked = approval({"nights": 2, "late": False, "who": "Ann", "to": {"city": "Rome"}, "n": [1]})
    assert [(field.id, field.kind, field.value) for field in fields(asked)] == [
        *(("nights", "number", "2"), ("late", "yes_no", False), ("who", "text", "Ann")),
        *(("to.city", "text", "Rome"), ("n", "json", "[1]")),
    ]
    assert filled(asked, {"nights": "3", "late": True, "who": "Bob", "to.city": "Bonn"}) == {
        "nights": 3,
        "late": True,
        "who": "Bob",
        "to": {"city": "Bonn"},
        "n": [1],
    }


def test_arguments_that_are_not_changed_are_none_and_others_are_whole() -> None:
    asked = Pause("1", "adk_request_confirmation", "approval", args={"a": 1, "b": None, "c": "x"})
    shown = {field.id: field.value for field in argument_fields(asked)}
    assert shown == {"arguments.a": "1", "arguments.b": "null", "arguments.c": "x"}
    assert changed_arguments(asked, shown) is None
    assert changed_arguments(asked, {"arguments.a": "2"}) == {"a": 2, "b": None, "c": "x"}
    with pytest.raises(PlainError, match='"a" is a number'):
        changed_arguments(asked, {"arguments.a": "two"})


def test_what_has_no_payload_has_no_form() -> None:
    assert fields(approval(None)) == []


def test_a_choice_has_no_form() -> None:
    assert fields(Pause("1", "get_user_choice", "choice", options=("a", "b"))) == []
