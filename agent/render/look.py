"""How an agent's owner wants its page to look: the dict `LOOK` beside `root_agent`, checked."""

import io
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import filetype
from PIL import Image, UnidentifiedImageError

from agent.core.colours import ACCENT, RAISED, Pair, parsed, readable
from agent.render.media import RASTER_TYPES

log = logging.getLogger(__name__)

SVG, ICO = "image/svg+xml", "image/x-icon"

# The pictures that an owner may name, and of which types they may be. What draws the preview of a
# link, in messengers and on social sites, knows no SVG; of old, a page's icon is an ICO.
PICTURES = {
    "logo": (*RASTER_TYPES, SVG),
    "icon": (*RASTER_TYPES, SVG, ICO),
    "card": RASTER_TYPES,
    "avatar": (*RASTER_TYPES, SVG),
    "visitor_avatar": (*RASTER_TYPES, SVG),
}

# All that may be in the dict.
NAMES = ("accent", *PICTURES)

# Bytes: a logo that takes a phone longer than the page itself is a mistake.
MAX_SIZE = 2_000_000

EXAMPLE = '{"accent": "#076", "logo": "logo.svg"}'


@dataclass(frozen=True)
class Picture:
    """One of the owner's."""

    # Its MIME type, as its content says.
    kind: str
    data: bytes
    # How many times as wide as high.
    ratio: float


@dataclass(frozen=True)
class Look:
    """What `LOOK` says, as the page can use it."""

    accent: Pair = ACCENT
    # Beside the title.
    logo: Picture | None = None
    # Of the tab, and of the installed page.
    icon: Picture | None = None
    # What others show of a link to the page.
    card: Picture | None = None
    # Beside what the agent says, and what the visitor says.
    avatar: Picture | None = None
    visitor_avatar: Picture | None = None
    # For the host: a sentence about all that cannot be used as it was given.
    faults: tuple[str, ...] = field(default=(), compare=False)

    @property
    def is_plain(self) -> bool:
        """Whether nothing on the page itself is other than it is by default."""
        own = self.logo, self.avatar, self.visitor_avatar
        return self.accent == ACCENT and not any(own)


# Of an agent whose owner has chosen nothing.
PLAIN = Look()


def read_look(given: object, folder: Path, place: str) -> Look:
    """What an owner has given as `LOOK`. The log has a sentence for the host about all of it that
    cannot be used; in its place stands the default.

    Args:
        given: Anything.
        folder: The agent's, in which the pictures are.
        place: Where it was given, with which a sentence begins.
    """
    if not isinstance(given, Mapping):
        fault = f"{place} is no dict. Write one, such as {EXAMPLE}."
        log.warning(fault)
        return Look(faults=(fault,))
    used: dict[str, Any] = {}
    faults = []
    for name, value in given.items():
        try:
            if name == "accent":
                used[name], sentence = _accent(value)
                if sentence:
                    faults.append(f"{place} {sentence}")
                    log.warning(faults[-1])
            elif name in PICTURES:
                used[name] = _picture(str(name), value, folder)
            else:
                raise ValueError(_unknown(str(name)))
        except ValueError as error:
            faults.append(f"{place} {error}")
            log.warning("%s The page does without.", faults[-1])
    return Look(**{"icon": used.get("logo"), **used}, faults=tuple(faults))


def _unknown(name: str) -> str:
    near = get_close_matches(name.lower(), NAMES, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"It can have: {', '.join(NAMES)}."
    return f"knows nothing that is called {name!r}. {hint}"


def _accent(value: object) -> tuple[Pair, str]:
    """The accent in light and in dark, and what is to be said of it.

    No colour can be read on white and on black. So one alone is taken for the light page, and the
    dark one has a shade of it, of which nothing is said.

    Raises:
        ValueError: with a sentence for the host.
    """
    values = value if isinstance(value, list | tuple) else [value] * 2
    wanted = [parsed(each) for each in values if isinstance(each, str)]
    if len(values) != 2 or len(wanted) != 2 or not all(wanted):
        raise ValueError(
            f"has {value!r} as its accent, which is no colour. Write one as CSS does, such as "
            '"#076" or "navy", or two, for the light page and for the dark one: ("#076", "#4db").'
        )
    light, dark = (readable(str(one), surface) for one, surface in zip(wanted, RAISED, strict=True))
    is_changed = light != wanted[0], dark != wanted[1] and not isinstance(value, str)
    if not any(is_changed):
        return (light, dark), ""
    what = "too pale to be read on the light page" if is_changed[0] else ""
    also = "too dark to be read on the dark page" if is_changed[1] else ""
    return (light, dark), (
        f"has {value!r} as its accent, which is {' and '.join(filter(None, (what, also)))}. The "
        f'nearest shade that can be is shown. To be told no more: "accent": ("{light}", "{dark}").'
    )


def _picture(name: str, value: object, folder: Path) -> Picture:
    """One picture.

    Raises:
        ValueError: with a sentence for the host.
    """
    if not isinstance(value, str | Path):
        raise ValueError(
            f"has {value!r} as its {name}, which is no file's name. Write that of a picture beside "
            "the agent."
        )
    if "://" in str(value):
        raise ValueError(
            f"has an address as its {name}: {str(value)!r}. The page loads nothing from elsewhere. "
            "Save the picture beside the agent, and write the name of the file."
        )
    try:
        data = (folder / value).read_bytes()
    except (OSError, ValueError) as error:
        why = "there is no such file" if isinstance(error, FileNotFoundError) else "it is no file"
        raise ValueError(
            f"names {str(value)!r} as its {name}, and {why} in {folder}. Put it there, or correct "
            "the name."
        ) from None
    if len(data) > MAX_SIZE:
        raise ValueError(
            f"names {str(value)!r} as its {name}, which is too large ({len(data) / 1e6:.1f} MB). "
            f"Make it smaller than {MAX_SIZE // 1_000_000} MB."
        )
    kind = SVG if _is_svg(data) else str(filetype.guess_mime(data) or "")
    ratio = _ratio(data, kind) if kind in PICTURES[name] else 0
    if not ratio:
        known = ", ".join(each.partition("/")[2].removesuffix("+xml") for each in PICTURES[name])
        raise ValueError(
            f"names {str(value)!r} as its {name}, which is no whole picture of a type that can be "
            f"shown there. Save it as one of: {known.replace('x-icon', 'ico')}."
        )
    return Picture(kind, data, ratio)


def _is_svg(data: bytes) -> bool:
    start = data[:2_000].decode("utf-8", "replace").lstrip("\ufeff \r\n\t")
    return start.startswith("<") and re.search(r"<svg[\s>]", start) is not None


def _ratio(data: bytes, kind: str) -> float:
    """How many times as wide as high it is; 0 where it is broken."""
    if kind == SVG:
        box = re.search(rb"""viewBox=["'][-\d.]+[\s,]+[-\d.]+[\s,]+([\d.]+)[\s,]+([\d.]+)""", data)
        width, height = map(float, box.groups()) if box else (1.0, 1.0)
    else:
        try:
            with Image.open(io.BytesIO(data)) as picture:
                picture.load()
                width, height = map(float, picture.size)
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
            return 0
    return width / height if height else 0
