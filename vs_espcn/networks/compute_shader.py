"""Write user shaders as compute shaders: one pass per convolution, the last with the pixel shuffle.

All channels of a sample lie in adjacent texels of one texture. A workgroup first copies the samples that
its threads read into shared memory.
"""

import math
from collections.abc import Iterator

from vs_espcn.networks.chain import Convolution
from vs_espcn.networks.shader_text import (
    ShaderNetwork,
    activated,
    biases,
    directives,
    groups,
    skip_weights,
    term,
)

_THREADS = (16, 8)
_SHARED_GROUPS = 4
"""Groups of channels in shared memory at once: up to 15 KB of the 16 KB that every GPU has."""


def passes(network: ShaderNetwork) -> Iterator[str]:
    """Write each pass, from the first convolution to the last."""
    layers = network.chain.convolutions
    source = "LUMA"
    for index, layer in enumerate(layers):
        last = index == len(layers) - 1
        target = f"espcn_{'ab'[index % 2]}"
        yield _pass(network, layer, f"layer {index + 1} of {len(layers)}", source, None if last else target)
        source = target


def _cell(texels: int) -> tuple[int, int]:
    """Return the columns and rows of one sample's texels, as square as possible."""
    rows = next(each for each in range(math.isqrt(texels), 0, -1) if texels % each == 0)
    return texels // rows, rows


def _pass(network: ShaderNetwork, layer: Convolution, step: str, source: str, target: str | None) -> str:
    width, height = _THREADS
    scale, sums = network.chain.scale, groups(len(layer.bias))
    cell = (scale, scale) if target is None else _cell(sums)
    bind = [source] if target or source == "LUMA" or network.chain.skip is None else ["LUMA", source]
    skip = network.chain.skip if target is None else None
    lines = directives(network, step, bind=bind, save=target, size=cell, components=4 if target else 1)
    lines.append(f"//!COMPUTE {width * cell[0]} {height * cell[1]} {width} {height}")
    texels = 1 if source == "LUMA" else groups(layer.weights.shape[1])
    kind = "float" if source == "LUMA" else "vec4"
    held, radius = min(texels, _SHARED_GROUPS), layer.radius
    lines += [
        f"shared {kind} held[{held}][{height + 2 * radius}][{width + 2 * radius}];",
        "void hook() {",
        "ivec2 local = ivec2(gl_LocalInvocationID.xy);",
        "ivec2 here = ivec2(gl_GlobalInvocationID.xy);",
        f"{kind} value;",
        *(f"vec4 sum{index} = {bias};" for index, bias in enumerate(biases(layer, skip))),
    ]
    for first in range(0, texels, held):
        chunk = range(first, min(first + held, texels))
        if first:
            lines.append("barrier();")
        lines += [*_load(network, source, texels, chunk, radius), "barrier();"]
        lines += _taps(layer, sums, chunk)
    for index in range(sums):
        lines += activated(layer, f"sum{index}")
    lines += _store_samples(network, sums) if target is None else _store_texels(cell, sums)
    return "\n".join([*lines, "}"]) + "\n"


def _load(network: ShaderNetwork, source: str, texels: int, chunk: range, radius: int) -> list[str]:
    """Copy the samples that a workgroup reads into shared memory, with zeros outside the picture."""
    width, height = _THREADS
    columns, rows = _cell(texels)
    across, down = width + 2 * radius, height + 2 * radius
    step = width * height
    lines = [
        f"for (int i = int(gl_LocalInvocationIndex); i < {across * down}; i += {step}) {{",
        f"ivec2 at = ivec2(i % {across}, i / {across});",
        f"ivec2 from = ivec2(gl_WorkGroupID.xy) * ivec2({width}, {height}) + at - {radius};",
        f"ivec2 size = textureSize({source}_raw, 0) / ivec2({columns}, {rows});",
        "bool inside = all(greaterThanEqual(from, ivec2(0))) && all(lessThan(from, size));",
    ]
    if source == "LUMA":
        lines += [
            "float code = (LUMA_mul * texelFetch(LUMA_raw, clamp(from, ivec2(0), size - 1), 0)).x;",
            f"held[0][at.y][at.x] = inside ? {network.entering} : 0.0;",
        ]
    else:
        lines += [
            f"held[{texel - chunk.start}][at.y][at.x] = inside ? texelFetch({source}_raw, "
            f"from * ivec2({columns}, {rows}) + ivec2({texel % columns}, {texel // columns}), 0) : vec4(0.0);"
            for texel in chunk
        ]
    return [*lines, "}"]


def _taps(layer: Convolution, sums: int, chunk: range) -> Iterator[str]:
    side = 2 * layer.radius + 1
    for source in chunk:
        for row in range(side):
            for column in range(side):
                yield f"value = held[{source - chunk.start}][local.y + {row}][local.x + {column}];"
                for target in range(sums):
                    yield f"sum{target} += {term(layer, target, source, row, column)} * value;"


def _store_texels(cell: tuple[int, int], sums: int) -> list[str]:
    columns, rows = cell
    return [
        f"imageStore(out_image, here * ivec2({columns}, {rows}) "
        f"+ ivec2({index % columns}, {index // columns}), sum{index});"
        for index in range(sums)
    ]


def _store_samples(network: ShaderNetwork, sums: int) -> list[str]:
    """Add the skip, and store the samples in the order of the pixel shuffle."""
    scale, skip = network.chain.scale, network.chain.skip
    lines = []
    if skip:
        lines += [
            "float code = (LUMA_mul * texelFetch(LUMA_raw, min(here, textureSize(LUMA_raw, 0) - 1), 0)).x;",
            f"float entering = {network.entering};",
            *(f"sum{index} += {weights} * entering;" for index, weights in enumerate(skip_weights(skip))),
        ]
    assert sums == groups(scale**2)
    return lines + [
        f"imageStore(out_image, here * {scale} + ivec2({index % scale}, {index // scale}), "
        f"vec4({network.leaving(f'sum{index // 4}.{"xyzw"[index % 4]}')}));"
        for index in range(scale**2)
    ]
