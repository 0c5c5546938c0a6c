"""A page that compares pictures in a browser: one file with a slider, zoom and menus."""

import base64
import io
import json
from collections.abc import Iterable, Mapping
from importlib.resources import files

from PIL import Image

_LARGEST_WEBP = 16383  # width and height
_PLACE = "COMPARISON"


def comparison_page(title: str, frames: Iterable[tuple[str, Mapping[str, Image.Image]]]) -> str:
    """Return an HTML page that shows two pictures of a frame with a slider between them.

    The pictures are stored without loss. The first is on the left at first, the last on the right.

    Args:
        title: Text above the pictures.
        frames: At least one: its label, and at least one picture by name. All
            pictures of a frame have the same size.

    Example:
        >>> comparison_page("film.mkv", [("frame 7", {"bicubic": one, "espcn": other})])
    """
    shown = [
        {
            "label": label,
            "width": next(iter(pictures.values())).width,
            "height": next(iter(pictures.values())).height,
            "pictures": [{"name": name, "data": _data_url(picture)} for name, picture in pictures.items()],
        }
        for label, pictures in frames
    ]
    # "<" would let a file's name end the script.
    data = json.dumps({"title": title, "frames": shown}).replace("<", "\\u003c")
    template = (files("vs_espcn.encoding") / "comparison_page.html").read_text(encoding="utf-8")
    before, after = template.split(_PLACE)
    return f"{before}{data}{after}"


def _data_url(picture: Image.Image) -> str:
    file = io.BytesIO()
    kind = "webp" if max(picture.size) <= _LARGEST_WEBP else "png"
    picture.save(file, format=kind, **({"lossless": True, "method": 2} if kind == "webp" else {}))
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
