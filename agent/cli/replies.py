"""What an agent asks, put to the person at the terminal."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from agent.core.json_schema import resolved
from agent.core.notices import PlainError
from agent.core.pauses import Pause, Reply, check, sentence
from agent.core.text import clean, from_json, to_json

LEFT_OPEN = "(Left open: nothing was sent, and nothing is done.)"

NO_JSON = "(That is no JSON, in which a text stands in double quotes.)"

NEEDED = "(This is needed.)"

# The types of JSON Schema that a person can type without knowing JSON.
SIMPLE = ("string", "integer", "number", "boolean")

TRUTH = {"y": True, "yes": True, "true": True, "n": False, "no": False, "false": False}

Say: TypeAlias = Callable[[str], None]

Ask: TypeAlias = Callable[[str], str]

Schema: TypeAlias = Mapping[str, Any]


def read_replies(asked: Sequence[Pause], say: Say, ask: Ask) -> dict[str, Reply] | None:
    """What the person answers to all of this, one after the other; None where that is left open,
    as by Ctrl-C or the end of input.

    Args:
        asked: What is open.
        say: Shows a line.
        ask: Shows a prompt; the line that is typed then.
    """
    try:
        return {pause.id: _reply(pause, say, ask) for pause in asked}
    except (KeyboardInterrupt, EOFError):
        say(f"\n{LEFT_OPEN}")
        return None


def _reply(pause: Pause, say: Say, ask: Ask) -> Reply:
    say(f"({sentence(pause).text})")
    kinds = {"approval": _approval, "choice": _choice, "sign_in": _sign_in, "input": _input}
    while True:
        reply = kinds[pause.kind](pause, say, ask)
        if _fits(pause, reply, say):
            return reply


def _approval(pause: Pause, say: Say, ask: Ask) -> Reply:
    if pause.message:
        say(f"  {pause.message}")
    if pause.payload is not None:
        say(f"  {to_json(pause.payload, ensure_ascii=False)}")
    if ask("Approve it? [y/N] ").strip().lower() not in ("y", "yes"):
        return Reply(is_approved=False)
    if pause.payload is None:
        return Reply()
    return Reply(value=_json("Other values for it as JSON, or blank to leave them: ", say, ask))


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
    whole = pause.schema or {"type": "string"}
    definitions = whole.get("$defs")
    schema = resolved(whole, definitions)
    fields = {name: resolved(field, definitions) for name, field in _properties(schema).items()}
    if fields and all(map(_is_simple, fields.values())):
        return Reply(value=_form(replace(pause, schema=schema), fields, say, ask))
    if _is_simple(schema):
        typed = ask(f"Your answer{_hint(schema)}, or blank for none: ")
        return Reply(bool(typed), _parsed(typed, schema) if typed else None)
    say(f"  It is to be JSON of this form: {to_json(whole, ensure_ascii=False)}")
    value = _json("Your answer, or blank for none: ", say, ask)
    return Reply(value is not None, value)


def _form(pause: Pause, fields: Mapping[str, Schema], say: Say, ask: Ask) -> dict[str, Any]:
    """The values of an object, field by field; one that is not needed may be left out."""
    needed, values = (pause.schema or {}).get("required", ()), {}
    for name, field in fields.items():
        while True:
            typed = ask(f"{name}{_hint(field)}: ")
            if not typed and "default" in field:
                values[name] = field["default"]
            elif not typed and name in needed:
                say(NEEDED)
                continue
            elif typed:
                value = _parsed(typed, field)
                if not _fits(replace(pause, schema=field), Reply(value=value), say):
                    continue
                values[name] = value
            break
    return values


def _fits(pause: Pause, reply: Reply, say: Say) -> bool:
    try:
        check(pause, reply)
    except PlainError as error:
        say(f"({error})")
        return False
    return True


def _json(prompt: str, say: Say, ask: Ask) -> Any:
    """A value that is typed as JSON; None for a blank line."""
    while typed := ask(prompt).strip():
        try:
            return from_json(clean(typed))
        except ValueError:
            say(NO_JSON)
    return None


def _properties(schema: Schema) -> Mapping[str, Schema]:
    properties = schema.get("properties")
    return properties if schema.get("type") == "object" and isinstance(properties, dict) else {}


def _is_simple(schema: Schema) -> bool:
    return schema.get("type") in SIMPLE or "enum" in schema


def _hint(schema: Schema) -> str:
    """What is to be put in, and what there is without that."""
    if options := schema.get("enum"):
        hint = f" ({', '.join(map(str, options))})"
    else:
        hints = {"integer": " (a whole number)", "number": " (a number)", "boolean": " (y or n)"}
        hint = hints.get(str(schema.get("type")), "")
    default = schema.get("default")
    return hint if default is None else f"{hint} [{to_json(default, ensure_ascii=False)}]"


def _parsed(typed: str, schema: Schema) -> Any:
    """What is typed as a value of this type; the text itself where it is none."""
    text = clean(typed)
    if schema.get("type") == "string" or text in schema.get("enum", ()):
        return text
    if schema.get("type") == "boolean":
        return TRUTH.get(text.strip().lower(), text)
    try:
        return from_json(text)
    except ValueError:
        return text
