"""Draw pictures to train on: figures, streets, pages of comics, shapes, letters.

uv run --extra train python scripts/dev/draw_line_art.py --count 200 --out line_art

The same numbers give the same drawings; those that are there already are kept.
"""

import argparse
from pathlib import Path

from PIL import Image

from vs_espcn.training.data.line_art import draw


def main() -> None:
    """Write the drawings, grey PNG files of 640x480."""
    parser = argparse.ArgumentParser(description="Draw pictures to train on, grey PNG files of 640x480.")
    parser.add_argument("--count", type=int, default=200, help="how many (200)")
    parser.add_argument("--first", type=int, default=0, help="number of the first; the rest follow it (0)")
    parser.add_argument("--out", type=Path, required=True, help="folder, made where it is missing")
    asked = parser.parse_args()
    if asked.count < 1 or asked.first < 0:
        parser.error("--count must be 1 or more, --first 0 or more")
    try:
        asked.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--out {str(asked.out)!r} is no folder and cannot be made one: {error.strerror}")
    for seed in range(asked.first, asked.first + asked.count):
        path = asked.out / f"drawing_{seed:05}.png"
        if not path.exists():
            unfinished = path.with_suffix(".part")
            Image.fromarray(draw(seed)).save(unfinished, "PNG")
            unfinished.replace(path)
    print(f"{asked.count} drawings in {asked.out}")


if __name__ == "__main__":
    main()
