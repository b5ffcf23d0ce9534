"""What the offline model says to its commands, and to files."""

from agent.core.language import N_

HELP = N_("""These commands work:

- `/help`: this list
- `/tools`: the tools that this agent has
- `/call NAME {"argument": "value"}`: call one of them
- `/think`: a longer thought before the answer
- `/long`: a long answer, to try Stop, scrolling and reading on
- `/markdown`: headings, tables, code, formulas, other scripts
- `/fail`: an answer that breaks off in the middle
""")

# Below that: plain words that this agent's tools answer, and how they ask.
PLAIN_WORDS = N_("And so do plain words, such as {examples}.")
ASKS_FIRST = N_("A tool that needs your approval asks you before it runs.")

MARKDOWN = N_("""# A heading

Some **bold**, some *italic*, some `code`, a [link](https://google.github.io/adk-docs/).

1. one
    - nested, by four spaces
2. two

| fruit | price |
|:------|------:|
| apple |  1.20 |
| pear  |  0.90 |

```python
def greet(name: str) -> str:
\treturn f"Hello, {name}!"  # a tab before me
```

> A quotation.

$$ e^{i\\pi} + 1 = 0 $$

Other scripts: 日本語, العربية, עברית, हिन्दी. Emoji: 🙂 👩‍🚀 🏳️‍🌈.
""")

PARAGRAPH = N_(
    "**Paragraph {number} of 20.** There is nothing to learn here: this text is only long. "
    "Press Stop whenever you like; what has been written stays, and the agent remembers "
    "just that much."
)

LONG_THOUGHT = N_(
    "This is what a thought looks like. A model that reasons says such things to itself before "
    "it answers.\n\nThe page keeps them apart from the answer, and the agent does not remember "
    "them in the next turn.\n\nThat will do."
)

CANNOT_LOOK = N_("I am not an AI, and cannot look into files. A model such as Gemini can.")

NO_REST = N_("I have nothing more to say to that. Ask me something else.")

# How the first answer of a conversation begins. What the host has to do for an AI is told to the
# host alone (agent/chat/connecting.py).
WHAT_I_AM = N_(
    "I am the **built-in offline model**: a small program, not an AI. I know nothing of the "
    "world, but I can show you how this page works: I stream, I think aloud, I remember, and I "
    "use this agent's real tools.\n\n"
)

HANDED_OVER = N_("You said: {message}. The agent that you asked for by that has taken over.")

IN_A_FORM = N_(
    "I am the built-in offline model, not an AI. This agent answers in a form of its own, so what "
    "I answer only has that form: nothing in it means anything."
)

THOUGHT = N_("The message says: {message}. I look for a command, for a tool it may mean, or a sum.")

THOUGHT_ABOUT = N_("I have thought about it.")

NOT_UNDERSTOOD = N_(
    "You said: {message}. I do not understand that, and will not pretend to. Say `/help` to see "
    "what I can do."
)
