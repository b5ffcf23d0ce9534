"""The colours of the page, in light and in dark, and how an owner's accent becomes one that can be
read."""

from typing import TypeAlias

from PIL import ImageColor

# In light and in dark, as "#c2410c".
Pair: TypeAlias = tuple[str, str]

# The three surfaces on which text stands. What has to be read, the accent among that, has a
# contrast of 4.5 at least to each of them; the last is always the hardest.
PAGE: Pair = "#ffffff", "#18181b"
SIDE: Pair = "#fafafa", "#111113"
RAISED: Pair = "#f4f4f5", "#27272a"

# Of links, of the button that sends, and of what is in use.
ACCENT: Pair = "#c2410c", "#fb923c"

# What is written on the accent.
ON_ACCENT: Pair = "#ffffff", "#18181b"

# WCAG 2.2, level AA (https://www.w3.org/TR/WCAG22/#contrast-minimum).
AA = 4.5


def parsed(colour: str) -> str | None:
    """A colour as CSS writes it ("#076", "navy", "rgb(0, 119, 102)"), in the form of a `Pair`; None
    for what is none. One that lets something through is none, for nobody knows on what it stands.
    """
    try:
        channels = ImageColor.getrgb(colour.strip())
    except ValueError:
        return None
    return "#{:02x}{:02x}{:02x}".format(*channels) if len(channels) == 3 else None


def contrast(colour: str, other: str) -> float:
    """How well one colour can be read on the other, from 1 to 21, as WCAG counts."""
    dark, light = sorted(map(_luminance, (colour, other)))
    return (light + 0.05) / (dark + 0.05)


def readable(colour: str, surface: str) -> str:
    """The colour itself where it can be read on this surface, else the nearest shade that can: as
    much as need be of black, or of white, is mixed with it."""
    end = max(("#000000", "#ffffff"), key=lambda end: contrast(end, surface))
    shades = (_mixed(colour, end, part / 100) for part in range(101))
    return next(shade for shade in shades if contrast(shade, surface) >= AA)


def _mixed(colour: str, other: str, part: float) -> str:
    pairs = zip(ImageColor.getrgb(colour), ImageColor.getrgb(other), strict=True)
    return "#{:02x}{:02x}{:02x}".format(*(round(a + (b - a) * part) for a, b in pairs))


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in ImageColor.getrgb(colour)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
