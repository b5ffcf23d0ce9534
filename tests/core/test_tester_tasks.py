"""What the host writes for testers, in whatever form, as tasks."""

import pytest

from agent.core.tester_tasks import MAX_TASK, MAX_TASKS, Task, TaskList, parse_tasks

HOW = "Write each task as an item of a list: - what to try → what should happen."


def said(markdown: str) -> list[tuple[str, str]]:
    """What to try, and what should happen, of each task; nothing may be wrong."""
    found = parse_tasks(markdown)
    assert found.faults == ()
    return [(task.text, task.should) for task in found.tasks]


@pytest.mark.parametrize(
    "markdown",
    [
        "1. Ask for a refund without\n   an order; It should ask\n   for it\n2. Go → Stop",
        "- Ask for a refund without an order. It should ask for it\n- Go -> Stop",
        "- [ ] Ask for a refund without an order => It should ask for it\n- [x] **Go** ⇒ *Stop*",
        "* Ask for a refund without an order\n  Expected: It should ask for it\n* Go\n\n  Stop\n",
        "- Ask for a refund without an order\n  - Should: It should ask for it\n- Go; Stop",
        "# Ask for a refund without an order\n\nIt should ask for it\n\n# Go\nStop",
        "# Test\n\n## Ask for a refund without an order\nSoll: It should ask for it\n\n## Go\nStop",
        "# A\n1) Ask for a refund without an order, It should ask for it\n\n# B\n1) Go → Stop",
        "- Ask for a refund without an order — 预期：It should ask for it\n- Go\n  期待：Stop",
    ],
    ids=str,
)
def test_lists_check_boxes_and_headings_are_tasks(markdown: str) -> None:
    assert said(markdown) == [
        ("Ask for a refund without an order", "It should ask for it"),
        ("Go", "Stop"),
    ]


def test_steps_below_a_heading_that_says_what_should_happen_are_one_task() -> None:
    markdown = "## Refund\n\n1. Log in\n2. Ask\n\nExpected: money\n\n## Other\n\n- a → b\n- c; d\n"
    assert said(markdown) == [("Refund\n- Log in\n- Ask", "money"), ("a", "b"), ("c", "d")]


def test_words_to_send_are_those_in_code_or_quotation_marks_of_the_first_part() -> None:
    markdown = (
        "# Script\n\nThank *you*!\n\n- Ask `Where is <b>17</b>?`, then “And 18?” → “Friday”\n"
    )
    (task,) = parse_tasks(markdown).tasks
    assert task == Task(
        task.id,
        "Ask “Where is <b>17</b>?”, then “And 18?”",
        "“Friday”",
        ("Where is <b>17</b>?", "And 18?"),
    )
    assert parse_tasks(markdown).intro == "Thank you!"
    (long,) = parse_tasks("- Say:\n\n  ```\n  one\n  two\n  ```\n\n  Expected: three\n").tasks
    assert (long.words, long.should) == (("one\ntwo",), "three")


def test_signs_within_words_to_send_part_nothing() -> None:
    markdown = "- Ask `a -> b; should: c`, then “x → y” → It works\n- Say `1; 2`\n- Say `3` ; 4\n"
    assert said(markdown) == [
        ("Ask “a -> b; should: c”, then “x → y”", "It works"),
        *(("Say “1; 2”", ""), ("Say “3”", "4")),
    ]


def test_a_task_is_the_same_until_what_to_try_changes() -> None:
    before, after, other = (
        parse_tasks(text).tasks[0].id for text in ("- Ask  it → a", "1. ask it → b", "- Ask → a")
    )
    assert before == after != other


def test_the_host_is_told_what_cannot_be_understood() -> None:
    assert parse_tasks("") == TaskList(faults=(f"It has no task. {HOW}",))
    assert parse_tasks("Just words.").faults == (f"It has no task. {HOW}",)
    assert parse_tasks("- a → b\n\n| c |\n|---|\n| d |\n").faults == (
        f"Line 3 is a table, and no task. {HOW}",
    )
    assert parse_tasks("- a → b\n- \n- A; c\n").faults == (
        f"An item does not say what to try. {HOW}",
        "“A” is there twice. Leave one of the two out.",
    )
    (nothing_expected,) = parse_tasks("- a\n- b\n").faults
    assert nothing_expected.startswith("No task says what should happen")


def test_what_is_too_much_is_left_out_and_said() -> None:
    many = parse_tasks("".join(f"- {number} → x\n" for number in range(MAX_TASKS + 1)))
    assert len(many.tasks) == MAX_TASKS
    assert many.faults == (f"There are {MAX_TASKS + 1} tasks, and the first 200 are shown.",)
    long = parse_tasks(f"- a → b\n- {'x' * (MAX_TASK + 1)} → c\n")
    assert [task.text for task in long.tasks] == ["a"]
    assert "is longer than 2,000 characters" in long.faults[0]
    deep = parse_tasks("> " * 500 + "a\n" + "".join("  " * n + "- x\n" for n in range(300)))
    assert isinstance(deep, TaskList)
