"""What is known of a turn's times and tokens, from its stored events."""

from typing import Any

from google.adk.events import Event
from google.genai import types

from agent.core.figures import Figures, Usage, of_events, to_stored
from agent.core.history import turn_records

ME = ("user", None)


def tokens(prompt: int, answer: int) -> types.GenerateContentResponseUsageMetadata:
    return types.GenerateContentResponseUsageMetadata(
        prompt_token_count=prompt, candidates_token_count=answer
    )


def event(author: str, at: float, text: str = "x", **more: Any) -> Event:
    content = types.Content(role="user" if author == "user" else "model")
    content.parts = [types.Part(text=text)]
    more = {"invocation_id": "i1", **more}
    return Event(author=author, timestamp=at, content=content, **more)


def answered(part: types.Part, at: float) -> Event:
    """A person's reply to what the agent has asked."""
    content = types.UserContent([part])
    return Event(author="user", timestamp=at, content=content, invocation_id="i1")


REPLY = types.Part.from_function_response(name="ask", response={"ok": True})


def test_what_was_measured_is_read_back_from_the_latest_event() -> None:
    early = to_stored(Figures(0.5, 1.0), Usage(1, 1, ("m",)))
    late = to_stored(Figures(0.5, 3.2), Usage(120, 45, ("m", "n")))
    events = [
        event("user", 0.0),
        event("helper", 9.0, custom_metadata=early, usage_metadata=tokens(1, 1)),
        event("helper", 9.0, custom_metadata={"another's": 1, **late}),
    ]
    assert of_events(events) == (Figures(0.5, 3.2), Usage(120, 45, ("m", "n")))


def test_a_version_that_stored_none_has_adks_tokens_and_times() -> None:
    events = [
        event("user", 10.0),
        event("helper", 12.0, usage_metadata=tokens(7, 5), model_version="m"),
        event("helper", 13.5, usage_metadata=tokens(9, 2), model_version="m"),
    ]
    assert of_events(events) == (Figures(None, 3.5), Usage(16, 7, ("m",)))


def test_to_wait_for_a_person_takes_no_time() -> None:
    events = [
        event("user", 10.0),
        event("helper", 12.0, usage_metadata=tokens(7, 5)),
        answered(REPLY, 5000.0),
        event("helper", 5001.0, usage_metadata=tokens(7, 5)),
    ]
    figures, _ = of_events(events)
    assert figures.total == 3.0


def test_what_was_only_stored_here_took_no_time_here() -> None:
    assert of_events([event("user", 1.0), event("helper", 2.0)]) == (Figures(), Usage())


def test_metadata_of_another_make_is_none_of_ours() -> None:
    strange = {"adk_chat_page_figures": {"total": "long"}}
    assert of_events([event("user", 1.0), event("helper", 2.0, custom_metadata=strange)]) == (
        Figures(),
        Usage(),
    )


def test_each_stored_turn_has_its_own() -> None:
    measured = [to_stored(Figures(None, float(n)), Usage(n, n)) for n in (1, 2)]
    events = [
        event("user", 1.0),
        event("helper", 2.0, custom_metadata=measured[0]),
        event("user", 3.0, invocation_id="i2"),
        event("helper", 4.0, invocation_id="i2", custom_metadata=measured[1]),
    ]
    assert [turn.figures.total for turn in turn_records(events)] == [1.0, 2.0]
    assert [turn.usage.prompt for turn in turn_records(events)] == [1, 2]


# Calls that are cut off


def partial(prompt: int, answer: int) -> Event:
    return event("helper", 0.0, partial=True, usage_metadata=tokens(prompt, answer))


def test_a_call_is_counted_once_however_often_it_reports() -> None:
    usage = Usage()
    for report in (partial(7, 1), partial(7, 3)):
        usage.count(report)
    usage.count(event("helper", 0.0, usage_metadata=tokens(7, 5)))
    assert (usage.prompt, usage.answer) == (7, 5)
    assert usage.so_far() == usage


def test_a_call_that_was_cut_off_counts_as_far_as_it_has_reported() -> None:
    usage = Usage()
    usage.count(partial(7, 3))
    whole = usage.so_far()
    assert (usage.prompt, whole.prompt, whole.answer) == (0, 7, 3)
    usage.count(Event(author="helper", error_code="ABORTED"))
    assert (usage.prompt, usage.answer) == (7, 3)
