"""Options that several commands take, declared once."""

from typing import Annotated, Literal

import typer

Scale = Annotated[float, typer.Option(help="Scale of width and height, 1 to 16.")]
Width = Annotated[int | None, typer.Option(help="Width of the output, instead of --scale.")]
Height = Annotated[int | None, typer.Option(help="Height of the output, instead of --scale.")]
Network = Annotated[
    str, typer.Option(help="Name of a shipped network, path of an ONNX file, or auto (see --source, --fps).")
]
Source = Annotated[
    Literal["clean", "video", "anime"] | None,
    typer.Option(help="Kind of source for --network auto; video and anime are compressed. Default: video."),
]
Fps = Annotated[
    float | None,
    typer.Option(help="Frames per second that --network auto must reach; does not change the frame rate."),
]
Preset = Annotated[
    Literal["x264", "x265", "svtav1", "prores", "ffv1", "nvenc"] | None,
    typer.Option(help="Encoder with its settings. Default: x264; VP9 in .webm."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")]
Chroma = Annotated[
    str, typer.Option(help="Resize kernel for chroma, such as spline36, bicubic:0:0.5 or lanczos:4.")
]
Range = Annotated[
    Literal["limited", "full"] | None,
    typer.Option("--range", help="Range of every frame. Default: the frame's own property."),
]
Backend = Annotated[
    str | None, typer.Option(help="openvino, tensorrt or torch. Default: the best available.")
]
Precision = Annotated[
    str | None,
    typer.Option(help="Precision of the network: auto, fast, fp32, bf16, int8 (openvino) or fp16 (GPUs)."),
]
