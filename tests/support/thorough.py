"""Tests of which a part speaks for all: the rest runs by `make test-all`, and weekly."""

from collections.abc import Iterable
from typing import Any

import pytest


def sample(values: Iterable[Any], every: int = 3) -> list[Any]:
    """The values of a parameter, of which `make test` takes each third one, from the first on."""
    return [
        pytest.param(value, marks=[pytest.mark.thorough] if count % every else [])
        for count, value in enumerate(values)
    ]
