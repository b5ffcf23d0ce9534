"""The sentences about what a visitor chooses, and about a key of the visitor's own: a part of the
catalogue in agent/core/notices.py, by its codes."""

SENTENCES: dict[str, str] = {
    # Why a message is not answered.
    "keys_not_taken": (
        "This page takes no API keys from its visitors. Please send the message without one."
    ),
    "no_key_form": (
        "This cannot be an API key: one has 20 characters or more, and no blanks, line breaks or "
        "letters with accents. Please copy it once more, completely, and nothing else with it."
    ),
    "not_to_be_chosen": "This page does not let {name} be chosen. Please leave it out.",
    "no_such_choice": "This model cannot be chosen here. These can: {names}.",
    # Two settings side by side.
    "same_sides": "Both settings are the same. Change one of them, and ask again.",
    "nothing_to_compare": (
        "There is nothing to choose here, because one of the two answers is missing or not whole."
    ),
    "sides_gone": (
        "These two answers are not known here any more, so your choice cannot be kept. Please ask "
        "both again."
    ),
    # What has failed on the visitor's own key.
    "own_key_not_used": (
        "The AI that is to answer here cannot be asked on your own API key, and is not asked on "
        "the key of this page in its place. Take your key out of the settings, and try again."
    ),
    "own_key_wrong": (
        "Your API key was not accepted. Check that it was copied completely, or take it out of the "
        "settings to be answered as without it."
    ),
    "own_key_leaked": (
        "Your API key was reported as leaked, so the AI service takes it no more. Create a new one "
        "where it came from, and delete this one there."
    ),
    "own_key_not_allowed": (
        "Your API key is not allowed to use this AI model: it may be restricted to other services "
        "or web sites. Look there where it came from, or use another one."
    ),
    "own_key_exhausted": (
        "The quota of your API key is used up, or the AI service is busy. Please wait a minute, "
        "then try again; your quota can be seen where the key came from."
    ),
    "own_key_exhausted_for": (
        "The quota of your API key is used up, or the AI service is busy. Please wait "
        "{wait:seconds}, then try again; your quota can be seen where the key came from."
    ),
    "own_key_no_model": (
        "This AI model is not available on your API key. Choose another one in the settings, if "
        "there are any, or use another key."
    ),
    "own_key_not_offered": (
        "The AI service does not answer on your API key: it may not be offered in your country, or "
        "need billing to be switched on for that key."
    ),
}
