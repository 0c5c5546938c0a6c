"""Names of the shipped networks for type checkers and completion; importing this loads nothing else."""

from typing import Literal, get_args

NetworkName = Literal[
    "auto",
    "espcn",
    "espcn-int8",
    "subpixel-m",
    "subpixel-m-anime",
    "subpixel-m-video",
    "subpixel-m-video-int8",
    "subpixel-s",
    "subpixel-s-anime",
    "subpixel-s-int8",
    "subpixel-s-video",
    "subpixel-s-video-int8",
    "subpixel-xs",
    "subpixel-xs-int8",
    "subpixel-xs-video",
    "subpixel-xs-video-int8",
]
"""``"auto"``, or the name of a shipped network."""

NETWORK_NAMES: tuple[NetworkName, ...] = get_args(NetworkName)
