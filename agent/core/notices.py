"""Every sentence that the app itself says in a chat: kept as a code, worded when it is shown.

A notice is stored and passed on as its code and arguments, and worded in each reader's language
(agent/core/language.py; translations in agent/locale). What goes into a sentence are numbers and
names, never an error's own text, which may hold a key, a path, or a whole JSON document.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from agent.core import choice_sentences, failure_sentences, talk_sentences
from agent.core.language import ENGLISH, _, speaking
from agent.core.text import filled

Argument: TypeAlias = str | int | float

# Formats: `:duration` is "2 hours", `:seconds` "0.5 seconds", `:answers` "3 answers".
SENTENCES: dict[str, str] = {
    **choice_sentences.SENTENCES,
    # How a turn ends before its answer does.
    "stopped": "Stopped.",
    "unwatched": "Stopped: nobody was here. Say “Continue” to have the rest.",
    "cancelled": "Stopped: the app was shut down.",
    "shut_down": "The app was shut down, which cut this answer off. Try again for a whole one.",
    "cut_short": "This answer was cut short when the app was shut down. Try again for a whole one.",
    "turn_timeout": (
        "The answer took longer than {limit:seconds} and was ended here. "
        "Try again, or ask for something shorter."
    ),
    "first_token_timeout": (
        "No answer came within {limit:seconds}. Your message was not lost: try again."
    ),
    "gap_timeout": (
        "The answer stood still for {limit:seconds} and was cut off. Try again for a full answer."
    ),
    # Why a message is not answered.
    "no_message": "Please type a message first.",
    "busy": (
        "One moment: the message before is still being answered. Send this one again afterwards."
    ),
    "elsewhere": (
        "This conversation is also being answered somewhere else. Try again in a moment."
    ),
    "out_of_date": (
        "This chat has gone on in another window, or the app has restarted. All of it is shown "
        "here now, and your message is back in the box: please send it again."
    ),
    "signed_in_otherwise": (
        "Somebody has signed in or out since this page was opened. Please reload the page to go on."
    ),
    "closing": "The app is being shut down. Send this again in a minute.",
    "being_mended": (
        "This agent is being mended, so it cannot answer at the moment. Please try again later."
    ),
    "message_too_long": (
        "This message has {length:,} characters, and at most {longest:,} can be sent here. Please "
        "send a shorter one, or the text in parts."
    ),
    "messages_too_long": (
        "These messages have {length:,} characters together, and at most {longest:,} can be sent "
        "here. Please begin a new conversation, or send less of this one."
    ),
    "chat_had_one": "This chat has had its one message. Please begin a new one.",
    "chat_full": "This chat has had its {turns:,} messages. Please begin a new one.",
    "address_busy": (
        "Your network address has {running:answers} running, and can have no more at once. "
        "Please send this message again as soon as one has ended."
    ),
    "too_many_messages_in_minute": (
        "That was a lot of messages: {amount:,} a minute can be sent here. Please send this one "
        "again in {seconds:duration}."
    ),
    "too_many_messages_in_day": (
        "That was a lot of messages: {amount:,} a day can be sent here. Please send this one again "
        "in {seconds:duration}."
    ),
    "no_such_agent": "There is no agent called “{name}” here. There are: {names}.",
    # What the page says below the text box.
    "not_sent": (
        "The connection to this page was lost, and your message may not have arrived. It is back "
        "in the box: if the chat does not show it, send it again."
    ),
    "not_replied": (
        "The connection to this page was lost, and your answer may not have arrived. Try again, or "
        "load the page again to see what has come of it."
    ),
    "line_lost": (
        "The connection to this page was lost, and with it the rest of the answer. Load the page "
        "again to see what there is of it."
    ),
    # Said to who does not see the page.
    "answering": "The agent is answering.",
    "wrong_diagram": "This diagram cannot be drawn; this is how it was written.",
    "no_files": "Files cannot be sent here. You can paste the text in them instead.",
    "not_uploaded": "The file could not be sent, because the connection was lost. Add it again.",
    # Why a file is not taken.
    "file_too_large": (
        "This file is too large: at most {megabytes:g} MB can be sent here. A smaller picture, or "
        "a part of it, may do."
    ),
    "files_too_large": (
        "These files are too large together: one message can have {megabytes:g} MB of them. Please "
        "send them in several messages."
    ),
    "too_many_files": "One message can have {most:files}. Please send them in several.",
    "file_empty": "This file is empty.",
    "wrong_file": "This kind of file cannot be sent here. What can be sent: {kinds}.",
    "picture_broken": "This picture cannot be opened: it is damaged, or is none.",
    "picture_too_large": (
        "This picture is too large to be shown: at most {pixels} million pixels. Please "
        "make it smaller."
    ),
    "file_gone": (
        "The file “{name}” is not here any more. Please add it again, and send the message again."
    ),
    "too_many_uploads": (
        "That was a lot of files: {amount:,} MB a day can be sent here. Please send this one again "
        "in {seconds:duration}."
    ),
    "uploads_used_up": (
        "Today's room for files is used up. There is new room in {seconds:duration}; messages "
        "without files are answered as before."
    ),
    # What is said of a rating.
    "rated": "Your rating is stored. Thank you.",
    "rating_taken_back": "Your rating is taken back, with all that you wrote.",
    "not_rated": "This answer is not finished, or not kept any more, and so cannot be rated.",
    "not_kept_as_example": (
        "The last answer is not finished, and so this chat cannot be an example yet."
    ),
    "rating_lost": "The connection was lost before your rating was stored. Please try again.",
    "feedback_too_long": "A field can have {longest:,} characters. Please shorten what is longer.",
    "verdict_stored": "Your verdict is stored. Thank you.",
    "verdict_taken_back": "Your verdict is taken back, with all that you wrote.",
    "task_untried": (
        "Nothing has been asked in this chat yet. Try the task first, or say in your own words why "
        "it cannot be tried."
    ),
    "no_such_task": "This task is not on the list any more. Please reload the page.",
    "too_much_feedback": "That was a lot of ratings. Please try again in {seconds:duration}.",
    "too_many_sign_ins": "That was tried too often. Please try again in {seconds:duration}.",
    # What the visitor should know of an answer that is given.
    "not_remembered": (
        "The messages above are no longer remembered: the conversation was idle for too long, or "
        "was cleared in another window. This is a new conversation."
    ),
    "not_recalled": (
        "What was said above cannot be recalled at the moment, because the place where it is "
        "stored does not answer. This is a new conversation."
    ),
    "not_stored": (
        "This conversation cannot be stored at the moment: it works, but will be gone when the app "
        "restarts."
    ),
    "paused": (
        "The owner of this page has paused the AI. In its place the built-in offline model "
        "answers, which is not an AI."
    ),
    "budget_spent": (
        "Today's budget for the AI is used up. In its place the built-in offline model answers, "
        "which is not an AI. The AI is back in {wait:duration}."
    ),
    "not_streamed": (
        "The AI service could not send its answer word by word, so it was asked once more to give "
        "it in one piece."
    ),
    "unreachable_offline": (
        "The AI service does not answer at the moment. In its place the built-in offline model "
        "answers, which is not an AI. Ask again later to hear from the AI."
    ),
    # In place of the AI.
    "replayed": "This answer is a recording of {model}, made on {date}.",
    "other_results": (
        "When this answer was recorded, the agent's tools gave other results than here, so the two "
        "may not fit together."
    ),
    "not_recorded": (
        "This page plays a recording, and nobody can answer what is not in it. Begin a new chat "
        "with one of the messages that are offered there."
    ),
    "not_recorded_but": (
        "This page plays a recording, and nobody can answer what is not in it. What it has here: "
        "{questions}."
    ),
    "recording_ends": "The recording ends here, because this answer was stopped when it was made.",
    "fell_back": (
        "The AI model {first} is over its quota, or does not answer at the moment. In its place "
        "{second} answers."
    ),
    "no_words": "The agent has used its tools, and ended without words.",
    "stores_nothing": (
        "Your browser lets this page store nothing: it finds your chats again only as long as this "
        "tab is open."
    ),
    "widget": (
        "The agent has made something here that this page cannot draw. What its tool says stands "
        "in the tool's line."
    ),
    **talk_sentences.SENTENCES,
    # What an agent waits for, and what it was told.
    "asks_approval": "The agent asks for approval to use {what}.",
    "asks_input": "The agent asks: “{what}”.",
    "asks_choice": "The agent asks to choose one of these: {what}.",
    "asks_sign_in": "The agent asks you to sign in elsewhere before it goes on.",
    "approved": "You approved the use of {what}.",
    "approved_changed": "You approved the use of {what}, which you had changed.",
    "not_approved": "You declined the use of {what}.",
    "not_answered": "You left this open: “{what}”.",
    "answered": "You answered: “{what}”.",
    "chosen": "You chose: “{what}”.",
    "asks_key": "The agent asks you for a key: “{what}”.",
    "key_given": "You gave the key.",
    "key_not_given": "You gave no key.",
    "signed_in": "You signed in.",
    "not_signed_in": "You did not sign in.",
    "answered_already": (
        "This has been answered already, perhaps in another window. All of it is shown here now."
    ),
    "lapsed": (
        "The time to answer this is over, so that it counts as declined. Send a message to go on."
    ),
    "reply_missing": (
        "All that the agent asks is answered together, and this is still open: “{what}”."
    ),
    "wrong_reply": (
        "That is not what was asked for: {what}. Nothing was sent. Please correct it and try again."
    ),
    "stays_done": (
        "What has been taken back here stays done: {what}. The agent is told so, but does not "
        "remember it by itself."
    ),
    "may_stay_done": (
        "Tools have done something here that you approved. Taking the message back does not undo "
        "that: it stays done."
    ),
    # The same in a copy that others may read.
    "was_asked_to_sign_in": "The agent asks for a sign-in elsewhere before it goes on.",
    "was_approved": "This was approved.",
    "was_approved_with": "This was approved with these values: {what}.",
    "was_not_approved": "This was not approved.",
    "was_answered": "The answer was: {what}.",
    "was_not_answered": "This was not answered.",
    "was_asked_for_key": "The agent asks for a key, before it goes on.",
    "key_was_given": "The key was given.",
    "key_was_not_given": "No key was given.",
    "was_signed_in": "The sign-in was done.",
    "was_not_signed_in": "The sign-in was not done.",
    "nobody_answers": (
        "Nobody can answer this here, so it is not done. Ask again on this agent's page, where it "
        "can be answered."
    ),
    "next_declines": (
        "This cannot be answered here, and is not done: the next message of this conversation "
        "declines it."
    ),
    "result_later": "The result of {what} comes later.",
    **failure_sentences.SENTENCES,
}


@dataclass(frozen=True)
class Notice:
    """A sentence of this app's own, never the model's.

    A code that is not in the catalogue is the sentence itself: so earlier versions stored it.
    """

    code: str
    args: Mapping[str, Argument] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The sentence, in the reader's language."""
        if self.code not in SENTENCES:
            return self.code
        return filled(_(SENTENCES[self.code]), self.args)

    @property
    def english(self) -> str:
        """The sentence for the host, and for a model."""
        with speaking(ENGLISH):
            return self.text


class PlainError(Exception):
    """An error of this app's own, which the visitor is told by its notice."""

    def __init__(self, code: str, **args: Argument) -> None:
        super().__init__(code)
        self.notice = Notice(code, args)

    def __str__(self) -> str:
        """The sentence in English, as logs and tracebacks have it."""
        return self.notice.english


def to_stored(notice: Notice) -> dict[str, Any]:
    """A notice as JSON keeps it."""
    return {"code": notice.code, "args": dict(notice.args)}


def from_stored(stored: object) -> Notice:
    """A notice from what was stored; an earlier version stored the sentence."""
    match stored:
        case {"code": str(code), "args": dict(args)}:
            return Notice(code, args)
    return Notice(str(stored))
