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

# The pictures that an owner may name, and their MIME types. Messengers and social sites show no SVG
# in the preview of a link; icons of old pages are ICO files.
PICTURES = {
    "logo": (*RASTER_TYPES, SVG),
    "icon": (*RASTER_TYPES, SVG, ICO),
    "card": RASTER_TYPES,
    "avatar": (*RASTER_TYPES, SVG),
    "visitor_avatar": (*RASTER_TYPES, SVG),
}

# All keys that the dict may have.
LOOK_FIELDS = ("accent", *PICTURES)

# Bytes: a logo that takes a phone longer to load than the page itself is a mistake.
MAX_SIZE = 2_000_000

EXAMPLE_LOOK = '{"accent": "#076", "logo": "logo.svg"}'


@dataclass(frozen=True)
class Picture:
    """A picture of the owner's."""

    # Its MIME type, recognised by its content.
    kind: str
    data: bytes
    # Width divided by height.
    ratio: float


@dataclass(frozen=True)
class Look:
    """The parts of `LOOK` that the page can use."""

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
    # Sentences for the host, one about each part that cannot be used as it was given.
    faults: tuple[str, ...] = field(default=(), compare=False)

    @property
    def is_plain(self) -> bool:
        """Whether nothing on the page itself is other than it is by default."""
        own = self.logo, self.avatar, self.visitor_avatar
        return self.accent == ACCENT and not any(own)


# The look of an agent whose owner has chosen nothing.
PLAIN = Look()


def read_look(given: object, folder: Path, place: str) -> Look:
    """An owner's `LOOK`, checked. Parts that cannot be used have the default, and a sentence for
    the host in the log.

    Args:
        given: The value of `LOOK`, which may be anything.
        folder: The agent's folder, which has the pictures.
        place: Where it was given: the first words of each sentence.
    """
    if not isinstance(given, Mapping):
        fault = f"{place} is no dict. Write one, such as {EXAMPLE_LOOK}."
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
    near = get_close_matches(name.lower(), LOOK_FIELDS, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"It can have: {', '.join(LOOK_FIELDS)}."
    return f"knows nothing that is called {name!r}. {hint}"


def _accent(value: object) -> tuple[Pair, str]:
    """The accent for the light and for the dark page; and a sentence for the host where it was
    changed, else "".

    No colour can be read on white and on black. So a single colour is the light page's, and the
    dark page gets a shade of it, which needs no sentence.

    Raises:
        ValueError: with a sentence for the host.
    """
    values = value if isinstance(value, list | tuple) else [value] * 2
    wanted = [parsed(colour) for colour in values if isinstance(colour, str)]
    if len(values) != 2 or len(wanted) != 2 or not all(wanted):
        raise ValueError(
            f"has {value!r} as its accent, which is no colour. Write one as CSS does, such as "
            '"#076" or "navy", or two, for the light page and for the dark one: ("#076", "#4db").'
        )
    light, dark = (
        readable(str(colour), surface) for colour, surface in zip(wanted, RAISED, strict=True)
    )
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
        known = ", ".join(kind.partition("/")[2].removesuffix("+xml") for kind in PICTURES[name])
        raise ValueError(
            f"names {str(value)!r} as its {name}, which is no whole picture of a type that can be "
            f"shown there. Save it as one of: {known.replace('x-icon', 'ico')}."
        )
    return Picture(kind, data, ratio)


def _is_svg(data: bytes) -> bool:
    start = data[:2_000].decode("utf-8", "replace").lstrip("\ufeff \r\n\t")
    return start.startswith("<") and re.search(r"<svg[\s>]", start) is not None


def _ratio(data: bytes, kind: str) -> float:
    """A picture's width divided by its height; 0 for a broken picture."""
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
