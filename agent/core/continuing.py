"""What a visitor can do about an answer that is not whole: have the rest of it, or have it tried
again."""

from agent.core import waiting
from agent.core.language import N_
from agent.core.notices import Notice
from agent.core.transcript import Transcript, answer

# What the visitor asks to have the rest: by a message like any other, and the agent remembers what
# it has said.
CONTINUE = N_("Please continue where you stopped.")

# The last message once more, in the place of its answer. These words go to the agent where a page
# of an owner's own takes them for a message.
TRY_AGAIN = "Please try again."

# The notices of answers that another try may finish. Not those of a limit that still holds, of what
# the AI declines, or of an agent or a tool that fails: what comes of those is the same again.
CUT_BY = {
    *("stopped", "unwatched", "cancelled", "shut_down", "cut_short"),
    *("turn_timeout", "gap_timeout", "first_token_timeout", "max_tokens", "ended_oddly"),
    *("connection_broken", "unreachable", "model_failed", "model_slow"),
    *("model_busy", "model_busy_for", "own_key_exhausted", "own_key_exhausted_for"),
}

# The notices of failures, and of what was refused only for the moment, that are told with an advice
# to try again.
PASSING = {
    *("shut_down", "cut_short", "closing", "elsewhere", "address_busy"),
    *("turn_timeout", "gap_timeout", "first_token_timeout", "too_many_messages_in_minute"),
    *("connection_broken", "unreachable", "model_failed", "model_slow"),
    *("model_busy", "model_busy_for", "bad_tool_call", "empty", "no_answer", "ended_oddly"),
    *("tool_failed", "tools_missing", "tools_left_behind", "agent_failed"),
    *("store_unavailable", "store_failed", "own_key_exhausted", "own_key_exhausted_for"),
}


def can_continue(transcript: Transcript) -> bool:
    """Whether an answer that is over has words, but not all that were to come."""
    return bool(answer(transcript).strip()) and _has_notice(CUT_BY, transcript)


def can_try_again(transcript: Transcript) -> bool:
    """Whether another try may go well where an answer has failed."""
    return _has_notice(PASSING, transcript)


def _has_notice(codes: set[str], transcript: Transcript) -> bool:
    notices = {entry.code for entry in transcript if isinstance(entry, Notice)}
    return bool(notices & codes) and not waiting.is_waiting(transcript)
