"""What stands above the app's own sentences in a chat: what has happened, in a few words
(in English; agent/render/notes.py shows them in the reader's language)."""

from agent.core.notices import Notice

# The title of what is only to be known.
NOTE = "Note"

# Titles of what was ended or refused on purpose, with the codes of their notices.
CALM: dict[str, tuple[str, ...]] = {
    "Stopped": ("stopped", "unwatched", "cancelled"),
    "A recording": ("replayed", "not_recorded", "not_recorded_but", "recording_ends"),
    "Length limit reached": ("max_tokens", "max_tokens_before_words"),
    "Step limit reached": ("too_many_calls",),
    "Budget used up": ("budget_ran_out",),
    "Declined": ("declined",),
    "Not answered": (
        *("no_message", "busy", "elsewhere", "closing", "no_such_agent", "no_stand_in"),
        *("not_to_be_chosen", "no_such_choice"),
    ),
    "Your API key was not used": ("keys_not_taken", "no_key_form", "own_key_not_used"),
    "Too long": ("message_too_long", "messages_too_long"),
    "This chat is full": ("chat_had_one", "chat_full"),
    "Too many answers at once": ("address_busy",),
    "Too many messages": ("too_many_messages_in_minute", "too_many_messages_in_day"),
    "File not taken": (
        *("file_too_large", "file_empty", "file_gone", "wrong_file"),
        *("picture_broken", "picture_too_large"),
    ),
    "Files not taken": (
        *("files_too_large", "too_many_files", "too_many_uploads", "uploads_used_up"),
    ),
}

# The same of what has failed.
FAILED: dict[str, tuple[str, ...]] = {
    "No answer came": ("first_token_timeout", "model_slow", "empty", "no_answer"),
    "The answer took too long": ("turn_timeout",),
    "The answer was cut off": (
        *("gap_timeout", "connection_broken", "ended_oddly", "shut_down", "cut_short"),
        "asked_to_fail",
    ),
    "The AI is busy": ("model_busy", "model_busy_for"),
    "The AI cannot be reached": ("unreachable",),
    "The AI service failed": ("model_failed",),
    "The AI does not answer here": (
        *("bad_key", "no_key", "key_not_allowed", "no_such_model", "not_offered"),
    ),
    "The AI does not answer on your API key": (
        *("own_key_wrong", "own_key_leaked", "own_key_not_allowed", "own_key_no_model"),
        *("own_key_not_offered", "own_key_exhausted", "own_key_exhausted_for"),
    ),
    "The AI could not read this": ("bad_request",),
    "The AI misused a tool": ("bad_tool_call",),
    "A tool failed": ("tool_failed",),
    "Tools cannot be reached": ("tools_missing", "tools_left_behind"),
    "The agent failed": ("agent_failed", "no_state_value"),
    "This chat is gone": ("session_gone",),
    "Chats cannot be reached": ("store_unavailable",),
    "Not stored": ("store_failed",),
}

TITLES = {code: title for title, codes in (CALM | FAILED).items() for code in codes}


def title_of(notice: Notice) -> str:
    """What has happened, in plain text."""
    return TITLES.get(notice.code, NOTE)


def is_failure(notice: Notice) -> bool:
    """Whether something has failed."""
    return title_of(notice) in FAILED
