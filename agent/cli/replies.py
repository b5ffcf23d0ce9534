"""The agent's questions (pauses), put to the person at the terminal."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from agent.core.forms import Field, argument_fields, complete, fields, values
from agent.core.notices import PlainError
from agent.core.pauses import Pause, Reply, sentence
from agent.core.text import clean, to_json

LEFT_OPEN = "(Left open: nothing was sent, and nothing is done.)"

# The words for yes and no, in lower case.
TRUTH = {"y": True, "yes": True, "n": False, "no": False}

# It parts the lines of a field that has several: the terminal takes one line.
LINE_BREAK = ";"

HINTS = {"number": " (a number)", "yes_no": " (y or n)", "json": " (as JSON)"}
HINTS["lines"] = f" (several with {LINE_BREAK} between them)"

Say: TypeAlias = Callable[[str], None]

Ask: TypeAlias = Callable[[str], str]


def read_replies(pauses: Sequence[Pause], say: Say, ask: Ask) -> dict[str, Reply] | None:
    """The person's replies to these pauses, by their ids; None where they are left open, as by
    Ctrl-C or the end of input.

    Args:
        pauses: All open ones.
        say: Shows a line.
        ask: Shows a prompt; the line that is typed then.
    """
    kinds = {"approval": _approval, "choice": _choice, "sign_in": _sign_in}
    replies = {}
    try:
        for pause in pauses:
            say(f"({sentence(pause).text})")
            while pause.id not in replies:
                try:
                    replies[pause.id] = complete(
                        pause, kinds.get(pause.kind, _input)(pause, say, ask)
                    )
                except PlainError as error:
                    say(f"({error})")
    except (KeyboardInterrupt, EOFError):
        say(f"\n{LEFT_OPEN}")
        return None
    return replies


def _approval(pause: Pause, say: Say, ask: Ask) -> Reply:
    if pause.message:
        say(f"  {pause.message}")
    if pause.payload is not None:
        say(f"  {to_json(pause.payload, ensure_ascii=False)}")
    changeable = [*fields(pause), *argument_fields(pause)]
    form: dict[str, object] = {}
    while True:
        typed = ask(f"Approve it? [y/N{', or c to change it' if changeable else ''}] ")
        if typed.strip().lower() != "c" or not changeable:
            return Reply(TRUTH.get(typed.strip().lower(), False), form=form or None)
        form = _filled_in(changeable, form, say, ask)


def _choice(pause: Pause, say: Say, ask: Ask) -> Reply:
    for number, option in enumerate(pause.options, 1):
        say(f"  {number}. {option}")
    typed = ask(f"1 to {len(pause.options)}, or blank for none: ").strip()
    numbers = {str(number): option for number, option in enumerate(pause.options, 1)}
    return Reply(bool(typed), numbers.get(typed, typed) or None)


def _sign_in(pause: Pause, say: Say, ask: Ask) -> Reply:
    say(f"  {pause.link}")
    typed = ask("The address to which it has led you, or blank if you do not sign in: ").strip()
    return Reply(bool(typed), typed or None)


def _input(pause: Pause, say: Say, ask: Ask) -> Reply:
    if pause.payload is not None:
        say(f"  {to_json(pause.payload, ensure_ascii=False)}")
    shown = fields(pause)
    if [field.path for field in shown] != [()]:
        return Reply(form=_filled_in(shown, {}, say, ask))
    (field,) = shown
    if field.kind == "json":
        say(f"  It is to be JSON of this form: {to_json(pause.schema, ensure_ascii=False)}")
    typed = ask(_prompt(field, field.value, "" if field.value else ", or blank for none"))
    if not typed.strip() and not field.value:
        return Reply(is_approved=False)
    return Reply(form={field.id: _given(field, typed, field.value)})


def _filled_in(
    shown: Sequence[Field], form: dict[str, object], say: Say, ask: Ask
) -> dict[str, object]:
    """The form after these fields were typed one by one; a blank line leaves a value as it is."""
    filled = dict(form)
    for field in shown:
        while True:
            before = form.get(field.id, field.value)
            try:
                given = _given(field, ask(_prompt(field, before)), before)
                values([field], {field.id: given})
            except PlainError as error:
                say(f"({error})")
            else:
                filled[field.id] = given
                break
    return filled


def _prompt(field: Field, before: object, more: str = "") -> str:
    hint = HINTS.get(field.kind, "")
    if field.kind == "select":
        hint = f" ({', '.join(field.options)})"
    if field.kind == "yes_no":
        before = "y" if before else "n"
    now = " ".join(str(before).replace("\n", f"{LINE_BREAK} ").split())
    return f"{field.label}{hint}{more}{f' [{now}]' if now else ''}: "


def _given(field: Field, typed: str, before: object) -> object:
    """The typed text as a value of the form; `before` for a blank line.

    Raises:
        PlainError: for a text that is neither yes nor no, where the field is one of these.
    """
    text = clean(typed)
    if not text.strip():
        return before
    if field.kind == "lines":
        return text.replace(LINE_BREAK, "\n")
    if field.kind != "yes_no":
        return text
    if (is_so := TRUTH.get(text.strip().lower())) is None:
        raise PlainError("wrong_reply", what=f'"{field.label}" is y or n')
    return is_so
