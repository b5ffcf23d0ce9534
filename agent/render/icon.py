"""The page's icon as PNG, in the sizes that browsers and phones ask for."""

import io
from functools import lru_cache

from PIL import Image, ImageDraw

from agent.render.look import SVG, Look

# Pixels, of which the first is for phones by Apple, and the others are those that Chromium wants of
# a page that can be installed.
APPLE, *OTHERS = SIZES = (180, 192, 512)

# How much of an icon's side an owner's takes of which a phone may cut a circle: so all of a square
# is within it (https://www.w3.org/TR/appmanifest/#icon-masks).
MASKED = 0.56


@lru_cache(maxsize=64)
def icon(look: Look, size: int, is_masked: bool = False) -> bytes | None:
    """The owner's icon as a square with so many pixels a side, else a speech bubble in the accent;
    None of an SVG, which is of any size itself, but not for phones by Apple, which show none.

    Args:
        look: The agent's.
        size: Pixels.
        is_masked: Whether a phone may cut any shape out of it.
    """
    own = look.icon if look.icon and look.icon.kind != SVG else None
    if look.icon and not own and size != APPLE:
        return None
    picture = Image.open(io.BytesIO(own.data)) if own else _bubble(look.accent[0])
    whole = picture.convert("RGBA")
    side = round(max(whole.size) / (MASKED if own and is_masked else 1))
    square = Image.new("RGBA", (side, side))
    square.paste(whole, ((side - whole.width) // 2, (side - whole.height) // 2))
    if is_masked or size == APPLE:  # What is transparent is black there.
        square = Image.alpha_composite(Image.new("RGBA", square.size, "white"), square)
    written = io.BytesIO()
    square.resize((size, size), Image.Resampling.LANCZOS).save(written, "PNG")
    return written.getvalue()


def _bubble(colour: str) -> Image.Image:
    """White on the accent to the edge, all of it inside the circle that phones cut out of it
    (https://www.w3.org/TR/appmanifest/#icon-masks)."""
    picture = Image.new("RGB", (512, 512), colour)
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((112, 136, 400, 336), radius=64, fill="white")
    draw.polygon([(176, 320), (176, 400), (264, 330)], fill="white")
    for x in (184, 256, 328):
        draw.ellipse((x - 20, 216, x + 20, 256), fill=colour)
    return picture
