"""What a person says in a talk, as an entry of its transcript."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """What a person has said or typed while the agent could answer."""

    text: str
    # Whether that is all of it, and the session stores it; else it grows, or is on its way.
    is_final: bool = True
    # Whether it was typed; else it is what the model has understood of the person's voice.
    is_typed: bool = False
