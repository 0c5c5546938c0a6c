"""Options that several commands take, declared once."""

from typing import Annotated, Literal

import typer

Scale = Annotated[float, typer.Option(help="Factor on width and height, 1 to 16.")]
Width = Annotated[int | None, typer.Option(help="Width of the output, instead of --scale.")]
Height = Annotated[int | None, typer.Option(help="Height of the output, instead of --scale.")]
Network = Annotated[
    str, typer.Option(help="Name of a shipped network, path of an ONNX file, or auto to choose by --source.")
]
Source = Annotated[
    Literal["clean", "video", "anime"] | None,
    typer.Option(
        help="For --network auto: what the source is; video and anime are compressed. Default: video."
    ),
]
Fps = Annotated[
    float | None,
    typer.Option(
        help="For --network auto: frames a second to keep up with; does not change the video's rate."
    ),
]
Preset = Annotated[
    Literal["x264", "x265", "svtav1", "prores", "ffv1", "nvenc"] | None,
    typer.Option(help="The encoder and its options. Default: x264, in .webm VP9."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")]
Chroma = Annotated[str, typer.Option(help="Kernel for chroma, such as spline36, bicubic:0:0.5 or lanczos:4.")]
Range = Annotated[
    Literal["limited", "full"] | None,
    typer.Option("--range", help="Range of every frame. Default: as each frame says."),
]
Backend = Annotated[str | None, typer.Option(help="openvino, tensorrt or torch. Default: best.")]
Precision = Annotated[
    str | None,
    typer.Option(help="Arithmetic of the network: auto, fast, fp32, bf16, int8 (openvino) or fp16 (GPUs)."),
]
