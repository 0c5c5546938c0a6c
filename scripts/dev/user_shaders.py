"""Write the ready-made user shaders of mpv, or check that none is stale.

uv run --group dev python scripts/dev/user_shaders.py [--check]

All shipped networks of floats but espcn, whose files would be the largest, as compute shaders; the small
ones as fragment shaders too, for GPUs whose drivers have no compute shaders.
"""

import argparse
import sys
from collections.abc import Iterator

from vs_espcn.networks.registry import engines_dir, load_network, shipped
from vs_espcn.networks.user_shader import VARIANTS, user_shader

FOLDER = engines_dir() / "mpv"
_LARGE = ("espcn",)
_COMPUTE_ALONE = ("subpixel-m",)


def shaders() -> Iterator[tuple[str, str]]:
    """Every file's name and text."""
    for spec in shipped():
        if spec.is_int8 or spec.network.startswith(_LARGE):
            continue
        network = load_network(spec.path)
        for variant in VARIANTS:
            if variant == "fragment" and spec.network.startswith(_COMPUTE_ALONE):
                continue
            suffix = "" if variant == "compute" else f"-{variant}"
            title = f"{spec.network} x{spec.scale}"
            yield f"{spec.path.stem}{suffix}.glsl", user_shader(network, title=title, variant=variant)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a file is stale")
    check = parser.parse_args().check
    texts = {FOLDER / name: text for name, text in shaders()}
    present = {path: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.glsl")}
    stale = sorted(path for path in texts.keys() | present.keys() if texts.get(path) != present.get(path))
    for path in stale:
        print(f"{path.relative_to(FOLDER.parent)} {'is stale' if check else 'was renewed'}")
        if check:
            continue
        if path in texts:
            FOLDER.mkdir(exist_ok=True)
            path.write_text(texts[path], encoding="utf-8", newline="\n")
        else:
            path.unlink()
    if check and stale:
        sys.exit("run scripts/dev/user_shaders.py, and commit what it changes")


if __name__ == "__main__":
    main()
