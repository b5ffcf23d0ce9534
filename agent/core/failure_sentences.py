"""The sentences about what has failed: a part of the catalogue in agent/core/notices.py, by its
codes. Which failure has which: agent/core/errors.py."""

SENTENCES: dict[str, str] = {
    "asked_to_fail": (
        "This failure is the one you asked for with /fail. What was said before it stays, and the "
        "next message works as usual."
    ),
    "no_stand_in": (
        "This agent answers in a form of its own, in which the built-in offline model, which is "
        "not an AI, has no answer. The owner of this page can add a key for the AI, which has."
    ),
    "no_state_value": (
        "This agent needs a value that it has not been given, so it cannot answer. The owner of "
        "this page finds in its log which one, and where to put it."
    ),
    "session_gone": (
        "This conversation is no longer in memory. A new one has begun: please say it again."
    ),
    "answer_gone": "This answer can no longer be taken up. Please ask again.",
    "store_unavailable": (
        "The place where conversations are stored does not answer at the moment, so what was said "
        "cannot be reached. Try again in a moment."
    ),
    "store_failed": (
        "The conversation could not be stored. Try again in a moment; if it happens again, the "
        "owner of this page should look after the database."
    ),
    "too_many_calls": (
        "The agent took as many steps as one answer may take here, and was stopped there. What it "
        "has said stays. Try to ask for less at once; the owner of this page can allow more."
    ),
    "budget_ran_out": (
        "Today's budget for the AI was used up during this answer, which ends here. What was said "
        "stays. Ask again: the built-in offline model answers until the AI is back."
    ),
    "max_tokens": "The answer reached its length limit. Say “Continue” to have the rest.",
    "max_tokens_before_words": (
        "The AI reached its length limit before its first word, because thinking took all of it. "
        "Try to ask for less at once; the owner of this page can allow more."
    ),
    "bad_tool_call": (
        "The AI tried to use a tool in a way that does not work. Try again, or say it in other "
        "words."
    ),
    "declined": "The AI declined to answer this. Try to ask in a different way.",
    "empty": "The AI returned an empty answer. Try again, or ask in another way.",
    "no_answer": "The agent ended without an answer. Try again, or ask in another way.",
    "ended_oddly": "The AI ended its answer in an unexpected way. Try again for another one.",
    "bad_key": (
        "The API key was not accepted. The owner of this page should check that it was copied "
        "completely, or remove it to use the built-in offline model."
    ),
    "no_key": (
        "The AI service needs a key or a login, and none was found. The owner of this page needs "
        "to add one."
    ),
    "key_not_allowed": (
        "This API key is not allowed to use the AI service: it may be restricted, or reported as "
        "leaked. The owner of this page should create a new one where it came from."
    ),
    "no_such_model": (
        "The chosen AI model is not available. The owner of this page needs to pick another one."
    ),
    "model_busy": (
        "The AI service is busy, or its free limit is used up. Please wait a minute, then try "
        "again."
    ),
    "model_busy_for": (
        "The AI service is busy, or its free limit is used up. Please wait {wait:seconds}, then "
        "try again."
    ),
    "not_offered": (
        "The AI service does not answer here: it may not be offered in this country, or need "
        "billing to be switched on."
    ),
    "model_slow": "The AI service took too long. Your message was not lost: try again.",
    "bad_request": (
        "The AI service could not read that message. Try to say it in other words, or shorter."
    ),
    "model_failed": (
        "The AI service has a problem at its end. Nothing is wrong with your message: try again in "
        "a moment."
    ),
    "unreachable": (
        "The AI service cannot be reached. Try again in a moment; if it happens again, the owner "
        "of this page should check its internet connection."
    ),
    "connection_broken": (
        "The connection to the AI service broke off. Try again for a full answer."
    ),
    "tool_failed": (
        'The tool "{tool}" failed, so the answer could not be finished. Try again, or ask in '
        "another way; if it happens again, tell the owner of this page."
    ),
    "tools_missing": (
        "Some of the agent's tools ({tools}) cannot be reached, so it cannot answer. Try again in "
        "a moment; if it happens again, tell the owner of this page."
    ),
    "tools_left_out": (
        "Some of the agent's tools ({tools}) cannot be reached at the moment, so it answered "
        "without them. If it happens again, tell the owner of this page."
    ),
    "tools_left_behind": (
        "Tools that were called before have not come back yet, so no more can be called at the "
        "moment. Try again later; if it happens again, tell the owner of this page."
    ),
    "agent_failed": (
        "Something in the agent itself failed, so it could not finish. Try again; if it happens "
        "again, tell the owner of this page."
    ),
}
