"""Run the whole filter over many frames, and print its peak resident memory early and at the end.

python3 scripts/dev/bench_memory.py --scale 4 --frames 5000
"""

import argparse
import resource

import vs_espcn.runtime.openvino  # noqa: F401 - before VapourSynth's plugins
from vs_espcn.bench.cpu import UpscaleCase
from vs_espcn.bench.interleaving import grey_clip
from vs_espcn.filter.upscale import upscale
from vs_espcn.runtime.backends import backend_from_name

EARLY = 200
"""Frame of the first figure, when all buffers are allocated."""


def peak_mb() -> float:
    """Return the peak resident memory of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--backend", default="openvino", help="openvino, tensorrt or torch")
    parser.add_argument("--frames", type=int, default=5000)
    given = parser.parse_args()
    source = grey_clip(*UpscaleCase(scale=given.scale).source, frames=given.frames)
    clip = upscale(source, given.scale, backend=backend_from_name(given.backend, None))
    early = max(1, min(EARLY, given.frames // 2))
    for number, _ in enumerate(clip.frames(close=True), start=1):
        if number in {early, given.frames}:
            print(f"frame {number}: {peak_mb():.0f} MB")


if __name__ == "__main__":
    main()
