"""What testers are asked to try: a list that the host writes in Markdown.

A task is an item of a list, or a heading with text below it: what to try, and what should happen.
The two are told from each other by an arrow, by a label such as "Expected:", by the word "should",
or by standing in different paragraphs. What is quoted or code in the first part are words to send.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from agent.core.text import clean

# Tasks of one list, and characters of each part of one. Chosen, not measured: nobody does more.
MAX_TASKS, MAX_TASK = 200, 2_000

LISTS = "bullet_list", "ordered_list"

# What stands on top of a list and is no task, but may be read by testers.
PROSE = "paragraph", "blockquote", "hr", "html_block"

# Stand for where code begins and ends, and for an end of line within a paragraph, which readers
# take for a blank.
CODE, CODE_END, LINE = "\ue000", "\ue001", "\ue002"

BOX = re.compile(r"\[[ xX]\]\s+")

# How what should happen is told from what to try, the surest way first. The labels are those of the
# languages of the page.
LABELS = (
    *(r"expect(?:ed|ation)?(?: results?| behaviou?r)?", "should", "what should happen"),
    *("soll", "erwart(?:et|ung)(?:es ergebnis)?", "(?:résultat )?attendu"),
    *(
        "(?:resultado )?esperado",
        "期待(?:結果|される結果)?",
        "预期(?:结果)?",
        "(?:النتيجة )?المتوقعة?",
    ),
)
BREAK = rf"[.;,。；，—–\n{LINE}]"
LABEL = re.compile(rf"(?:^|{BREAK})[\s-]*(?:{'|'.join(LABELS)})\s*[:：]", re.IGNORECASE)
ARROW = re.compile(r"→|⇒|[-=]>")
SHOULD = re.compile(
    rf"(?:{BREAK}|:)\s*(?=(?:and )?(?:it|the \w+|this|that|there|you|he|she|they) should\b)",
    re.IGNORECASE,
)

# Words that are to be sent: code, or what is quoted.
WORDS = re.compile(rf"{CODE}(.+?){CODE_END}|[\"“”„«「]([^\"“”„«»「」\n]+)[\"“”»」]", re.DOTALL)

HOW = "Write each task as an item of a list: - what to try → what should happen."


@dataclass(frozen=True)
class Task:
    """One thing to try. Its fields are stored by these names."""

    # Stays the same as long as what to try does.
    id: str
    # What to try.
    text: str
    # What should happen; "" where the host does not say.
    should: str = ""
    # What to send, in this order.
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class TaskList:
    """All of them."""

    tasks: tuple[Task, ...] = ()
    # What testers are told before.
    intro: str = ""
    # What cannot be understood: sentences for the host.
    faults: tuple[str, ...] = ()


def parse_tasks(markdown: str) -> TaskList:
    """The tasks that are written in this text."""
    root = SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(clean(markdown)))
    tasks: list[Task] = []
    intro: list[str] = []
    faults: list[str] = []
    for heading, below, is_title in _sections(root.children):
        lists = [node for node in below if node.type in LISTS]
        own = _joined(node for node in below if node.type not in LISTS)
        if heading and not is_title and (LABEL.search(own) or not lists):
            tasks.append(_of_heading(_plain(heading), _joined(below)))
            continue
        tasks += [_of_item(_joined(item.children)) for node in lists for item in node.children]
        faults += [_unknown(node) for node in below if node.type not in (*LISTS, *PROSE)]
        if not tasks or len(tasks) == sum(len(node.children) for node in lists):
            intro += [_readable(_plain(node)) for node in below if node.type == "paragraph"]
    return _checked(tasks, "\n".join(intro)[:MAX_TASK], faults)


def _sections(
    nodes: Sequence[SyntaxTreeNode],
) -> Iterator[tuple[SyntaxTreeNode | None, list[SyntaxTreeNode], bool]]:
    """Each heading with what stands below it, and whether a deeper one follows, to which it is a
    title."""
    places = [place for place, node in enumerate(nodes) if node.type == "heading"]
    yield None, list(nodes[: places[0] if places else None]), False
    for place, end in pairwise([*places, len(nodes)]):
        is_title = end < len(nodes) and nodes[end].tag > nodes[place].tag
        yield nodes[place], list(nodes[place + 1 : end]), is_title


def _of_item(said: str) -> Task:
    text, should = _split(BOX.sub("", said, count=1) if BOX.match(said) else said)
    return _task(text, should)


def _of_heading(title: str, below: str) -> Task:
    """A heading that is followed by one paragraph says what to try, and that what should happen."""
    if ARROW.search(title):
        return _of_item(f"{title}\n{below}".strip())
    text, should = _split(below)
    return _task(f"{title}\n{text}".strip(), should) if should else _task(title, text)


def _split(said: str) -> tuple[str, str]:
    """What to try, and what should happen. Signs within what is to be sent are none."""
    seen = WORDS.sub(lambda found: "x" * len(found[0]), said)
    for separator in (LABEL, ARROW, SHOULD):
        if found := separator.search(seen):
            return said[: found.start()], LABEL.sub("", said[found.end() :].strip(), count=1)
    end = seen.find("\n") if "\n" in seen.strip() else max(seen.rfind(";"), seen.rfind("；"))
    return (said, "") if end < 0 else (said[:end], said[end + 1 :])


def _task(text: str, should: str) -> Task:
    words = ("".join(found).strip() for found in WORDS.findall(text))
    shown, wanted = _readable(text), _readable(should)
    known = hashlib.sha256(" ".join(shown.casefold().split()).encode()).hexdigest()[:16]
    return Task(known, shown, wanted, tuple(_without_marks(word) for word in words if word))


def _checked(tasks: list[Task], intro: str, faults: list[str]) -> TaskList:
    """The tasks that testers can be asked to do, and what is wrong with the others."""
    kept: dict[str, Task] = {}
    for task in tasks:
        if not task.text:
            faults.append(f"An item does not say what to try. {HOW}")
        elif task.id in kept:
            faults.append(f"“{_short(task.text)}” is there twice. Leave one of the two out.")
        elif max(map(len, (task.text, task.should, *task.words))) > MAX_TASK:
            faults.append(
                f"“{_short(task.text)}” is longer than {MAX_TASK:,} characters. Make two tasks "
                "of it, or say it in fewer words."
            )
        else:
            kept[task.id] = task
    if len(kept) > MAX_TASKS:
        faults.append(f"There are {len(kept)} tasks, and the first {MAX_TASKS} are shown.")
    if not kept:
        faults.append(f"It has no task. {HOW}")
    elif not any(task.should for task in kept.values()):
        faults.append(
            "No task says what should happen, so that nothing can be tested by it later. Write it "
            "behind an arrow: - what to try → what should happen."
        )
    return TaskList(tuple(kept.values())[:MAX_TASKS], intro, tuple(faults))


def _unknown(node: SyntaxTreeNode) -> str:
    kind = {"table": "a table", "fence": "code", "code_block": "indented, which means code"}
    line = node.map[0] + 1 if node.map else 1
    return f"Line {line} is {kind.get(node.type, node.type)}, and no task. {HOW}"


def _joined(nodes: "Iterator[SyntaxTreeNode] | Sequence[SyntaxTreeNode]") -> str:
    """What they say, each on lines of its own."""
    return "\n".join(filter(None, (_plain(node) for node in nodes)))


def _plain(node: SyntaxTreeNode) -> str:
    """What a node says, without Markdown, but with marks where code and lines end."""
    match node.type:
        case "text":
            return node.content
        case "code_inline" | "fence" | "code_block":
            return f"{CODE}{node.content.strip()}{CODE_END}"
        case "softbreak":
            return LINE
        case "hardbreak":
            return "\n"
        case "html_block" | "html_inline" | "hr":
            return ""
        case "list_item":
            return f"- {_joined(node.children)}"
        case "bullet_list" | "ordered_list" | "blockquote":
            return _joined(node.children)
    return "".join(map(_plain, node.children))


def _readable(said: str) -> str:
    """As testers read it: code between quotation marks, unless it has them."""
    said = re.sub(rf"[\"“„«]?{CODE}(.*?){CODE_END}[\"”»]?", r"“\1”", said, flags=re.DOTALL)
    lines = (" ".join(line.split()).rstrip("-;, ") for line in _without_marks(said).split("\n"))
    return "\n".join(filter(None, lines))


def _without_marks(said: str) -> str:
    return said.replace(LINE, " ").replace(CODE, "").replace(CODE_END, "")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"
