"""Write user shaders as fragment shaders: a pass per four channels, and one for the pixel shuffle."""

from collections.abc import Iterator, Sequence

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


def passes(network: ShaderNetwork) -> Iterator[str]:
    """Write each pass, from the first convolution to the pixel shuffle."""
    layers = network.chain.convolutions
    sources = ["LUMA"]
    for index, layer in enumerate(layers):
        targets = [f"espcn_{'ab'[index % 2]}{group}" for group in range(groups(len(layer.bias)))]
        for group, target in enumerate(targets):
            step = f"layer {index + 1} of {len(layers)}, part {group + 1} of {len(targets)}"
            yield _convolution(network, layer, step, sources, group, target)
        sources = targets
    yield _shuffle(network, sources)


def _convolution(
    network: ShaderNetwork, layer: Convolution, step: str, sources: Sequence[str], group: int, target: str
) -> str:
    lines = directives(network, step, bind=sources, save=target, size=(1, 1), components=4)
    radius = layer.radius
    steps = range(-radius, radius + 1)
    lines += [
        "vec4 hook() {",
        f"vec2 here = {sources[0]}_pos * {sources[0]}_size;",
        f"vec2 inside[{2 * radius + 1}];",  # by column and row: 1 inside the picture, 0 outside
        *(
            f"inside[{step + radius}] = step(vec2(0.0), here + {float(step)}) "
            f"* step(here + {float(step)}, {sources[0]}_size);"
            for step in steps
        ),
        f"vec4 sum = {biases(layer)[group]};",
        "float code;" if sources[0] == "LUMA" else "",
    ]
    for index, source in enumerate(sources):
        for row in steps:
            for column in steps:
                within = f"(inside[{column + radius}].x * inside[{row + radius}].y)"
                texel = f"{source}_texOff(vec2({float(column)}, {float(row)}))"
                weights = term(layer, group, index, row + radius, column + radius)
                if source == "LUMA":
                    lines += [f"code = {texel}.x;", f"sum += {weights} * (({network.entering}) * {within});"]
                else:
                    lines.append(f"sum += {weights} * ({texel} * {within});")
    return "\n".join([*(line for line in lines if line), *activated(layer, "sum"), "return sum;", "}"]) + "\n"


def _shuffle(network: ShaderNetwork, sources: Sequence[str]) -> str:
    scale, skip = network.chain.scale, network.chain.skip
    bind = [*(["LUMA"] if skip else []), *sources]
    lines = directives(network, "pixel shuffle", bind=bind, save=None, size=(scale, scale), components=1)
    lines += [
        "vec4 hook() {",
        f"vec2 here = {sources[0]}_pos * {sources[0]}_size;",
        f"ivec2 place = ivec2(fract(here) * {float(scale)});",
        "vec2 centre = floor(here) + 0.5;",
        f"int channel = place.y * {scale} + place.x;",
    ]
    if skip:
        lines += ["float code = LUMA_tex(centre * LUMA_pt).x;", f"float entering = {network.entering};"]
    for index, source in enumerate(sources):
        value = f"{source}_tex(centre * {source}_pt)"
        if skip:
            value += f" + {skip_weights(skip)[index]} * entering + {biases(skip)[index]}"
        lines.append(f"vec4 part{index} = {value};")
    lines.append("vec4 part = part0;")
    lines += [f"if (channel >= {4 * index}) part = part{index};" for index in range(1, len(sources))]
    lines += [
        "int within = channel % 4;",
        "float result = within < 2 ? (within == 0 ? part.x : part.y) : (within == 2 ? part.z : part.w);",
        f"return vec4({network.leaving('result')}, 0.0, 0.0, 1.0);",
    ]
    return "\n".join([*lines, "}"]) + "\n"
