"""What a host may set: defaults, blanks, and a complaint for each wrong value."""

import re
import textwrap
from pathlib import Path

import pytest
from pydantic import ValidationError

from agent.core.environment import read_settings
from agent.core.misspelled import misspelled
from agent.core.settings import Settings

ROOT = Path(__file__).parents[2]

DEFAULTS = {name.upper(): field.default for name, field in Settings.model_fields.items()}
NUMBERS = {name: value for name, value in DEFAULTS.items() if isinstance(value, int | float)}


def complaints(**environment: str) -> list[str]:
    with pytest.raises(ValueError, match="cannot be used") as caught:
        read_settings(environment)
    return str(caught.value).splitlines()


PUBLIC = {"GRADIO_SERVER_NAME": "0.0.0.0"}


def test_nothing_set_means_the_defaults() -> None:
    assert read_settings(PUBLIC) == Settings()


def test_a_blank_value_means_the_default() -> None:
    assert read_settings({**PUBLIC, "GAP_TIMEOUT": "", "PAGE_THREADS": " \t"}) == Settings()


def test_a_value_is_read_from_the_variable_of_its_name() -> None:
    environment = {**PUBLIC, "GAP_TIMEOUT": " 2.5 ", "TOOL_THREADS": "3", "LEAVE_GRACE": "0"}
    assert read_settings(environment) == Settings(gap_timeout=2.5, tool_threads=3, leave_grace=0)


def test_streaming_is_written_as_adk_writes_it_or_in_small_letters() -> None:
    assert read_settings({"STREAMING": "NONE"}).streaming == "none"
    assert read_settings({"STREAMING": "none"}).streaming == "none"
    assert read_settings({}).streaming == "sse"


def test_other_variables_are_none_of_its_business() -> None:
    environment = {**PUBLIC, "PATH": "/bin", "gap_timeout": "7", "SETTINGS": "x"}
    assert read_settings(environment) == Settings()


@pytest.mark.parametrize("name", ["", "127.0.0.1", "localhost", "::1"])
def test_a_page_for_its_own_machine_alone_does_not_count_by_address(name: str) -> None:
    counted = ("per_minute", "per_day", "running", "connections", "uploads_per_day")
    lifted = Settings.model_validate({f"address_{name}": 0 for name in counted})
    assert read_settings({"GRADIO_SERVER_NAME": name}) == lifted
    assert read_settings({"GRADIO_SERVER_NAME": name, "SPACE_ID": "somebody/demo"}) == Settings()
    assert read_settings({"ADDRESS_PER_DAY": "7"}).address_per_day == 7


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["soon", "-1", "inf", "-inf", "nan", "1;2", "３ s"])
def test_a_wrong_value_is_named_with_its_variable(name: str, value: str) -> None:
    (complaint,) = complaints(**{name: value})
    assert re.fullmatch(rf"{name}='{re.escape(value)}' cannot be used: [a-z].*[^.]\.", complaint)


@pytest.mark.parametrize(
    ("name", "value", "wish"),
    [
        ("FIRST_TOKEN_TIMEOUT", "0", "greater than 0"),
        ("LEAVE_GRACE", "-0.5", "greater than or equal to 0"),
        ("MAX_LLM_CALLS", "2.5", "a valid integer"),
        ("STREAMING", "off", "'sse' or 'none'"),
        ("REQUEST_RETRIES", "11", "less than or equal to 10"),
        ("TOOL_THREADS", "257", "less than or equal to 256"),
        ("PAGE_THREADS", "10001", "less than or equal to 10000"),
        ("TURN_TIMEOUT", "1e999", "a finite number"),
        ("TURN_TIMEOUT", "NaN", "a finite number"),
        ("SESSION_IDLE", "1e300", "at most 5,000,000,000"),
        ("HISTORY_EVENTS", "9" * 30, "at most 5,000,000,000"),
        ("MAX_FILE_SIZE", "15", "less than or equal to 14"),
        ("FILE_TYPES", "image, pictures", "'pictures' is none of image, pdf, audio, video, text"),
        ("FILE_TYPES", "image none", "'none' is none of"),
        ("FILE_TYPES", "../png", "'../png' is none of"),
        ("SIGN_IN", "google", "should be `huggingface`, `huggingface required`, or `header NAME`"),
        ("SIGN_IN", "header X-User: ann", "`header NAME`"),
        ("ALLOWED_ORIGINS", "https://a.example, b.example", "'b.example' is not an origin"),
        ("ALLOWED_ORIGINS", "https://a.example/page", "'https://a.example/page' is not an origin"),
        ("EMBED_ON", "*", "'*' is not the origin of a web site"),
        ("EMBED_ON", "https://a.example; script-src *", "'https://a.example;' is not the origin"),
    ],
)
def test_a_complaint_says_what_the_value_should_be(name: str, value: str, wish: str) -> None:
    (complaint,) = complaints(**{name: value})
    assert wish in complaint


def test_a_recording_is_not_recorded_again() -> None:
    assert complaints(RECORD="a.jsonl", REPLAY="b.jsonl") == [
        "REPLAY='b.jsonl' cannot be used: what comes from a recording is not recorded again; set "
        "no RECORD."
    ]
    assert read_settings({"REPLAY": "b.jsonl"}).replay == "b.jsonl"


def test_all_wrong_values_are_named_at_once() -> None:
    assert complaints(GAP_TIMEOUT="soon", LEAVE_GRACE="1", PAGE_THREADS="0") == [
        "GAP_TIMEOUT='soon' cannot be used: input should be a valid number, unable to parse string "
        "as a number.",
        "PAGE_THREADS='0' cannot be used: input should be greater than 0.",
    ]


def test_a_default_is_itself_allowed() -> None:
    chosen = {name: str(default) for name, default in NUMBERS.items()}
    assert read_settings(PUBLIC | chosen) == Settings()


@pytest.mark.parametrize("name", ["API_TOKEN", "SESSION_DB", "LIMITS_STORE"])
def test_a_secret_is_read_and_never_printed(name: str) -> None:
    settings = read_settings({name: "open-sesame-and-more"})
    assert getattr(settings, name.lower()).get_secret_value() == "open-sesame-and-more"
    assert "sesame" not in repr(settings)


def test_a_token_that_can_be_guessed_is_refused_and_not_quoted() -> None:
    assert (
        complaints(API_TOKEN="s")
        == complaints(API_TOKEN="s" * 15)
        == ["API_TOKEN cannot be used: it needs at least 16 characters."]
    )


def test_origins_are_read_as_browsers_write_them() -> None:
    listed = " https://A.example/,http://localhost:5173\n http://[::1]:80 null"
    assert read_settings({"ALLOWED_ORIGINS": listed}).origins == (
        *("https://a.example", "http://localhost:5173", "http://[::1]:80", "null"),
    )
    assert Settings().origins == ()


@pytest.mark.parametrize(
    ("listed", "types"),
    [
        ("none", set()),
        ("PDF", {"application/pdf"}),
        ("text, image/gif", {"text/plain", "image/gif"}),
    ],
)
def test_file_types_are_groups_or_types_or_none(listed: str, types: set[str]) -> None:
    assert read_settings({"FILE_TYPES": listed}).accepted_types == types


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().gap_timeout = 1


def settings_lines() -> str:
    """What `.env.example` should say of the settings: the description of each, and its default."""
    lines = []
    for name, field in Settings.model_fields.items():
        lines += textwrap.wrap(f"# {field.description}", 100, subsequent_indent="# ")
        default = field.default
        written = f"{default:.10g}" if isinstance(default, int | float) else default or ""
        lines.append(f"# {name.upper()}={written}")
    return "\n".join(lines)


def test_the_example_of_an_env_file_has_every_setting_with_its_default_and_description() -> None:
    example = (ROOT / ".env.example").read_text()
    assert example.partition("; a limit of 0 is none.\n\n")[2] == f"{settings_lines()}\n"


def test_what_is_called_almost_like_a_setting_is_told() -> None:
    environment = {
        "VISITORS_PER_MINUTE": "2",
        "MAX_CHAT_TURN": "2",
        "GAP_TIMEOUT": "2",
        "PATH": "x",
    }
    assert sorted(misspelled(environment)) == [
        "MAX_CHAT_TURN is no setting, and changes nothing. Did you mean MAX_CHAT_TURNS?",
        "VISITORS_PER_MINUTE is no setting, and changes nothing. Did you mean VISITOR_PER_MINUTE?",
    ]


def test_no_name_in_the_example_of_an_env_file_is_taken_for_another() -> None:
    named = re.findall(r"\b[A-Z][A-Z_]+\b", (ROOT / ".env.example").read_text())
    assert {*map(str.upper, DEFAULTS), "MODEL", "GOOGLE_API_KEY"} <= set(named)
    assert list(misspelled(dict.fromkeys(named, "1"))) == []
