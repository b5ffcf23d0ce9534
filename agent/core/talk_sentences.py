"""The sentences about a talk: a part of the catalogue in agent/core/notices.py, by its codes."""

SENTENCES: dict[str, str] = {
    "talk_over": "The talk is over, and is kept here as text. Undo takes back all of it.",
    "talk_timeout": (
        "A talk can take {limit:duration} here, after which this one was ended. You can begin "
        "another one."
    ),
    "talk_silent": (
        "Nobody has said anything for {limit:duration}, so the talk was ended. You can begin "
        "another one."
    ),
    "talk_no_answer": (
        "Nothing has come from the AI for {limit:duration}, so the talk was ended. What was said "
        "is kept: talk or write to go on."
    ),
    "talk_tool_timeout": (
        "A tool has been at work for {limit:duration}, so the talk was ended. What was said is "
        "kept: talk or write to go on."
    ),
    "talk_line_back": (
        "The connection to the AI was lost for a moment. If you have had no whole answer, please "
        "say it again."
    ),
    "talk_line_lost": (
        "The connection to the AI was lost again and again, so the talk was ended. Try again in a "
        "minute."
    ),
    "talk_line_closed": (
        "The AI service has ended the talk. What was said is kept: talk or write to go on."
    ),
    "talk_not_heard": (
        "What you said has not reached the AI any more, so the talk was ended. Begin another one, "
        "and say it again."
    ),
    "talk_too_much": (
        "More has come than can be passed on, so the talk was ended. You can begin another one."
    ),
    "talk_words_only": "Your voice is not heard in this talk: please type.",
    "not_in_talk": (
        "The agent wants to do something that needs your approval, which cannot be given in a "
        "talk. Write to it after the talk."
    ),
    "no_talk": "This agent cannot be talked to. Please write to it.",
    "no_ticket": "The talk could not begin. Please press Talk once more.",
    "talking": "You are talking to this agent at the moment. End that talk first.",
    "talks_full": (
        "As many people are talking to the agent as can at once. Try again later, or write to it."
    ),
}
