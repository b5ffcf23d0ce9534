"""The page's icon as PNG, in the sizes that browsers and phones ask for."""

import io
from functools import lru_cache

from PIL import Image, ImageDraw

from agent.render.look import SVG, Look

# Pixels of a side: for phones by Apple, and the two sizes that Chromium wants of a page that can be
# installed.
APPLE, *INSTALL_SIZES = SIZES = (180, 192, 512)

# The part of the side that an owner's icon takes where a phone may cut a circle: its radius is 0.4
# of the side, so a square of 0.56 is within it (https://www.w3.org/TR/appmanifest/#icon-masks).
MASKED = 0.56


@lru_cache(maxsize=64)
def icon(look: Look, size: int, is_masked: bool = False) -> bytes | None:
    """The owner's icon as a square PNG, else a speech bubble in the accent. None where the owner's
    is an SVG, which has any size itself; phones by Apple show no SVG, and get the bubble.

    Args:
        look: The agent's look.
        size: Pixels of a side.
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
    # Such phones show transparent parts as black.
    if is_masked or size == APPLE:
        square = Image.alpha_composite(Image.new("RGBA", square.size, "white"), square)
    written = io.BytesIO()
    square.resize((size, size), Image.Resampling.LANCZOS).save(written, "PNG")
    return written.getvalue()


def _bubble(colour: str) -> Image.Image:
    """A white bubble on the accent, which reaches the edges. All of the bubble is inside the circle
    that phones cut out (https://www.w3.org/TR/appmanifest/#icon-masks)."""
    picture = Image.new("RGB", (512, 512), colour)
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((112, 136, 400, 336), radius=64, fill="white")
    draw.polygon([(176, 320), (176, 400), (264, 330)], fill="white")
    for x in (184, 256, 328):
        draw.ellipse((x - 20, 216, x + 20, 256), fill=colour)
    return picture
