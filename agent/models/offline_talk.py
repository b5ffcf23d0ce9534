"""What people say first to a stranger, and what the offline model says to that."""

import re

from agent.core.language import N_, _

WHAT_TO_SAY = N_("Say `/help` to see what I can do, or `/tools` to see this agent's tools.")

WHAT_IT_IS = re.compile(
    r"\b(who|what) (are you|is this|am i (talking|speaking) (to|with))\b|\byour name\b"
    r"|\bare you (an? |the )?(ai|bot|chatbot|robot|human|person|real|gemini|gpt|chatgpt)\b",
    re.IGNORECASE,
)

# The first that matches counts.
SMALL_TALK = {
    WHAT_IT_IS: N_("A program that stands in for an AI."),
    re.compile(r"\bhow (are you|is it going|do you do)\b", re.IGNORECASE): N_(
        "I am a program and feel nothing, but I work."
    ),
    re.compile(
        r"^\W*(hi|hiya|hello|hey|howdy|greetings|good (morning|afternoon|evening|day)"
        r"|hallo|guten (morgen|tag|abend)|bonjour|salut|hola|olá|こんにちは|你好|您好|مرحبا)\b",
        re.IGNORECASE,
    ): N_("Hello!"),
    re.compile(r"\b(thanks|thank you|thx)\b", re.IGNORECASE): N_("You are welcome."),
    re.compile(r"^\W*(bye|goodbye|see you|good night)\b", re.IGNORECASE): N_("Goodbye!"),
}

# How many characters of a message are searched for such words: what comes later is the question.
GREETING_LENGTH = 60


def asks_what_it_is(message: str) -> bool:
    """Whether the message asks who it is that answers."""
    return bool(WHAT_IT_IS.search(message[:GREETING_LENGTH]))


def small_talk(message: str) -> str:
    """What is said to a greeting or the like; "" if the message is something else."""
    said = (text for form, text in SMALL_TALK.items() if form.search(message[:GREETING_LENGTH]))
    return _(next(said, ""))
