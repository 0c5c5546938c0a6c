"""Every option of every command reaches what it is for, by a table; a new option without a row fails."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import vapoursynth as vs
from typer.main import get_command

from tests.media import video
from vs_espcn import cli, logs
from vs_espcn.runtime.backends import OpenVINO, TensorRT, Vulkan

Seen = dict[str, Any]
Watch = Callable[[pytest.MonkeyPatch, Seen], None]


class ReachedError(Exception):
    """What a command calls was called; the command need not go on."""


def reached(monkeypatch: pytest.MonkeyPatch, target: str, note: Callable[..., Mapping[str, Any]]) -> None:
    """Put a function in the place of another that notes what it is given, and ends the command."""

    def stop(*args: Any, **kwargs: Any) -> None:
        raise ReachedError(note(*args, **kwargs))

    monkeypatch.setattr(target, stop)


def of_request(request: Any, *rest: Any) -> Seen:
    filter_ = {f"filter.{name}": value for name, value in vars(request.filter).items()}
    return vars(request) | filter_ | {"rest": rest}


def watch_upscale(monkeypatch: pytest.MonkeyPatch, _: Seen) -> None:
    module = "vs_espcn.commands.file_upscaling"
    reached(monkeypatch, f"{module}.upscale_file", lambda *given: of_request(*given) | {"kind": "file"})
    reached(monkeypatch, f"{module}.upscale_all", lambda *given: of_request(*given) | {"kind": "all"})
    reached(monkeypatch, f"{module}.preview_file", lambda *given: of_request(*given) | {"kind": given[-1]})


def watch_pipe(monkeypatch: pytest.MonkeyPatch, seen: Seen) -> None:
    class Reader:
        def __init__(self, _: object, *, range_: str | None) -> None:
            seen["range"] = range_

    def stream(_: object, upscaler: Any, **given: Any) -> Seen:
        (options,) = upscaler.args
        return seen | given | {f"filter.{name}": value for name, value in vars(options).items()}

    for name, stand_in in {
        "vs_espcn.commands.pipe._check_stdin": lambda: None,
        "vs_espcn.console.reserve_stdout": lambda: 1,
        "vs_espcn.console.end_with_reader": lambda: None,
        "vs_espcn.console.binary": lambda fd: fd,
        "vs_espcn.streaming.y4m_reader.Y4mReader": Reader,
        "vs_espcn.runtime.default_backend.best_backend": OpenVINO,
    }.items():
        monkeypatch.setattr(name, stand_in)
    reached(monkeypatch, "vs_espcn.streaming.y4m_pipe.Y4mStream", stream)


def watch_compare(monkeypatch: pytest.MonkeyPatch, seen: Seen) -> None:
    def writable(_: Path, output: Path, *, overwrite: bool) -> Path:
        seen.update(output=output.name, overwrite=overwrite)
        return output

    monkeypatch.setattr("vs_espcn.encoding.output_target.check_writable", writable)
    reached(monkeypatch, "vs_espcn.commands.compare._pictures", lambda _, request: seen | vars(request))


def watch_networks(monkeypatch: pytest.MonkeyPatch, _: Seen) -> None:
    def rows(scale: int | None, backend: object, **given: bool) -> Seen:
        return {"scale": scale, "backend": backend, **given}

    reached(monkeypatch, "vs_espcn.bench.network_table.rows", rows)


def watch_flags(monkeypatch: pytest.MonkeyPatch, seen: Seen) -> None:
    def opened(_: Path, arguments: dict[str, str], *, output: int) -> vs.VideoNode:
        seen.update(arguments=arguments, output=output)
        return vs.core.std.BlankClip(format=vs.YUV420P8, length=1)

    def written(_: int, text: bytes) -> int:
        seen["lines"] = text.decode().count("\n")
        return len(text)

    monkeypatch.setattr("vs_espcn.console.reserve_stdout", lambda **_: 1)
    monkeypatch.setattr("vs_espcn.encoding.vpy_script.open_script", opened)
    monkeypatch.setattr(os, "write", written)


def watch_export(monkeypatch: pytest.MonkeyPatch, seen: Seen) -> None:
    def shader(_: object, **given: Any) -> str:
        seen.update(given, format="glsl")
        return ""

    def graph(network: Any, sample: Any, **given: Any) -> Any:
        seen.update(given, format="onnx", bits=sample.depth)
        return network

    monkeypatch.setattr("vs_espcn.networks.user_shader.user_shader", shader)
    monkeypatch.setattr("vs_espcn.networks.graph.build_graph", graph)
    monkeypatch.setattr("vs_espcn.networks.graph.of_any_size", lambda model: model)
    reached(monkeypatch, "vs_espcn.file_writing.write", lambda output, _: seen | {"output": output.name})


def watch_bench(monkeypatch: pytest.MonkeyPatch, seen: Seen) -> None:
    def on_cpu(networks: Any, scales: Any, precisions: Any, **given: Any) -> Seen:
        return seen | given | {"networks": networks, "scales": scales, "precisions": list(precisions)}

    def on_vulkan(networks: Any, scales: Any, backend: Any, **given: Any) -> Seen:
        return seen | given | {"networks": networks, "scales": scales, "backend": backend}

    monkeypatch.setattr("vs_espcn.file_writing.check_destinations", lambda paths: seen.update(json=[*paths]))
    reached(monkeypatch, "vs_espcn.bench.benchmark.run_benchmark", on_cpu)
    reached(monkeypatch, "vs_espcn.bench.vulkan.measure_vulkan", on_vulkan)


def watch_evaluate(monkeypatch: pytest.MonkeyPatch, _: Seen) -> None:
    reached(
        monkeypatch, "vs_espcn.evaluation.evaluation.run_evaluation", lambda request, _watch: vars(request)
    )


def watch_train(monkeypatch: pytest.MonkeyPatch, _: Seen) -> None:
    reached(monkeypatch, "vs_espcn.training.loop.train", lambda settings, _report: vars(settings))


def watch_build(monkeypatch: pytest.MonkeyPatch, _: Seen) -> None:
    pytest.importorskip("cuda.bindings", reason="cuda-bindings is not installed")
    reached(
        monkeypatch, "vs_espcn.runtime.tensorrt.prebuild.build_plans", lambda request, _told: vars(request)
    )


def watch_info(monkeypatch: pytest.MonkeyPatch, seen: Seen) -> None:
    reached(monkeypatch, "vs_espcn.runtime.hardware.package_versions", lambda: seen)


def watch_cache(monkeypatch: pytest.MonkeyPatch, seen: Seen) -> None:
    reached(monkeypatch, "vs_espcn.runtime.tensorrt.plan_cache.stored_plans", lambda: seen)
    reached(monkeypatch, "vs_espcn.runtime.tensorrt.plan_cache.clear", lambda: seen)


FILM, MADE = "film.mkv", "made.mkv"
COMMANDS: dict[str, tuple[tuple[str, ...], Watch]] = {
    "upscale": ((FILM, MADE), watch_upscale),
    "pipe": ((), watch_pipe),
    "compare": ((FILM,), watch_compare),
    "networks": ((), watch_networks),
    "info": ((), watch_info),
    "flags": (("script.vpy",), watch_flags),
    "export": (("espcn", "-o", "net.glsl"), watch_export),
    "bench": ((), watch_bench),
    "evaluate": ((), watch_evaluate),
    "train": (("--scale", "2", "--data", "a", "--out", "b.onnx"), watch_train),
    "build": (("--size", "96x54"), watch_build),
    "cache list": ((), watch_cache),
    "cache clear": ((), watch_cache),
}
"""Arguments with which each command goes as far as what it calls, and what is watched."""

_FILTER = [
    ("--scale 3", "filter.scale", 3),
    ("--width 640", "filter.width", 640),
    ("--height 480", "filter.height", 480),
    ("--chroma lanczos:4", "filter.chroma", "lanczos:4"),
    ("--network espcn", "filter.network", "espcn"),
    ("--source anime", "filter.source", "anime"),
    ("--fps 24", "filter.fps", 24.0),
    ("--backend vulkan", "filter.backend", Vulkan()),
    ("--precision fp32", "filter.backend", OpenVINO(precision="fp32")),
    ("--device GPU", "filter.backend", OpenVINO(device="GPU")),
]
ROWS: dict[str, list[tuple[str, str, Any]]] = {
    "upscale": [
        *_FILTER,
        ("--range full", "filter.range", "full"),
        ("--preset ffv1", "preset", "ffv1"),
        ("--deinterlace field", "deinterlace", "field"),
        ("--start 1:30", "start", "1:30"),
        ("--end 2:00", "end", "2:00"),
        ("--frames 7", "frames", 7),
        ("--resume", "resume", True),
        ("--overwrite", "overwrite", True),
        ("--dry-run", "dry_run", True),
        ("--preview 3", "kind", 3),
        ("!film.mkv --output other.mkv", "rest", (Path(FILM), Path("other.mkv"))),
        ("!film.mkv --output-dir there", "rest", ([(Path(FILM), Path("there/film.mkv"))],)),
        ("!film.mkv --output-dir there --suffix .mp4", "rest", ([(Path(FILM), Path("there/film.mp4"))],)),
    ],
    "pipe": [
        *_FILTER,
        ("--range full", "range", "full"),
        ("--latency 9", "latency", 9),
        ("--realtime skip", "late", "skip"),
    ],
    "compare": [
        ("--frame 3 --frame 4", "frames", [3, 4]),
        ("--scale 3", "scale", 3),
        ("--network espcn --network bicubic", "methods", ["espcn", "bicubic"]),
        ("--crop 8x8", "crop", "8x8"),
        ("--original", "from_original", True),
        ("--html", "is_page", True),
        ("--out o.png", "output", "o.png"),
        ("--overwrite", "overwrite", True),
    ],
    "networks": [
        ("--scale 3", "scale", 3),
        ("--no-time", "timed", False),
        ("--int8", "int8", True),
        ("--no-time --backend tensorrt", "backend", TensorRT()),
        ("--precision fp32", "backend", OpenVINO(precision="fp32")),
    ],
    "info": [],
    "flags": [
        ("--arg a=1 --arg b=2", "arguments", {"a": "1", "b": "2"}),
        ("--output 2", "output", 2),
        ("--for x264", "lines", 1),
    ],
    "export": [
        ("--output o.glsl", "output", "o.glsl"),
        ("--scale 3", "title", "espcn x3"),
        ("--format onnx", "format", "onnx"),
        ("--variant fragment", "variant", "fragment"),
        ("--range full", "full_range", True),
        ("--format onnx --bits 10", "bits", 10),
        ("--format onnx --size 96x54", "width", 96),
        ("--overwrite", "output", "net.glsl"),
    ],
    "bench": [
        ("--scale 4", "scales", [4]),
        ("--network subpixel-s", "networks", ["subpixel-s"]),
        ("--backend vulkan", "backend", Vulkan()),
        ("--backend vulkan --device 1", "backend", Vulkan(device=1)),
        ("--precision fp32", "precisions", ["fp32"]),
        ("--frames 3", "frames", 3),
        ("--repeats 2", "repeats", 2),
        ("--no-peers", "peers", False),
        ("--json f.json", "json", [Path("f.json")]),
    ],
    "evaluate": [
        ("--video a.mkv", "clips", (Path("a.mkv"),)),
        ("--scale 3", "scales", (3,)),
        ("--method espcn", "methods", ("espcn",)),
        ("--network a.onnx", "networks", (Path("a.onnx"),)),
        ("--torch a.ckpt", "checkpoint", Path("a.ckpt")),
        ("--backend vulkan", "backend", Vulkan()),
        ("--precision fp32", "backend", OpenVINO(precision="fp32")),
        ("--frames 4", "frames", 4),
        ("--crf 30", "rates", (30,)),
        ("--kernel box", "kernels", ("box",)),
        ("--markdown a.md", "markdown", Path("a.md")),
        ("--csv a.csv", "csv", Path("a.csv")),
        ("--plot a.png", "plot", Path("a.png")),
        ("--picture a.png", "picture", Path("a.png")),
        ("--crop 8x8", "crops", ("8x8",)),
        ("--picture-out b.png", "picture_out", Path("b.png")),
    ],
    "train": [
        ("--scale 3", "scale", 3),
        ("--data c", "folders", (Path("a"), Path("c"))),
        ("--out c.onnx", "output", Path("c.onnx")),
        ("--checkpoint c.ckpt", "checkpoint", Path("c.ckpt")),
        ("--resume", "resume", True),
        ("--init-from d.onnx", "init_from", Path("d.onnx")),
        ("--network subpixel-s", "network", "subpixel-s"),
        ("--branches", "branches", True),
        ("--recipe paper", "recipe", "paper"),
        ("--degradation anime", "degradation", "anime"),
        ("--activation relu", "activation", "relu"),
        ("--steps 9", "steps", 9),
        ("--hours 0.5", "hours", 0.5),
        ("--seed 7", "seed", 7),
        ("--device cpu", "device", "cpu"),
        ("--validate-every 5", "validate_every", 5),
    ],
    "build": [
        ("!--size 20x10", "height", 10),
        ("!--max-size 20x10", "any_size", True),
        ("--scale 3", "scale", 3),
        ("--network subpixel-s", "network", "subpixel-s"),
        ("--bits 10", "bits", 10),
        ("--precision fp32", "precision", "fp32"),
        ("--flavour tensorrt", "flavour", "tensorrt"),
        ("--compute-capability 8.9", "capabilities", ("8.9",)),
    ],
    "cache list": [],
    "cache clear": [],
}
"""Words of an option, or with ! of a whole command line; what is given then; its value."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    video(tmp_path / FILM, frames=1)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    vs.core.num_threads = os.cpu_count() or 1


def given_to(command: str, words: list[str], before: tuple[str, ...] = ()) -> Seen:
    """What a command calls is given for a command line."""
    _, watch = COMMANDS[command]
    seen: Seen = {}
    with pytest.MonkeyPatch.context() as monkeypatch:
        watch(monkeypatch, seen)
        monkeypatch.setattr(sys, "argv", ["vs-espcn", *before, *command.split(), *words])
        try:
            with suppress(SystemExit):
                cli.main()
        except ReachedError as reached_:
            return dict(reached_.args[0])
    return seen


@cache
def given_without(command: str) -> Seen:
    """The same for no options."""
    return given_to(command, list(COMMANDS[command][0]))


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("command", "words", "name", "value"),
    [pytest.param(command, *row, id=f"{command} {row[0]}") for command, rows in ROWS.items() for row in rows],
)
def test_an_option_reaches_what_it_is_for(command: str, words: str, name: str, value: object) -> None:
    usual, _ = COMMANDS[command]
    line = words[1:].split() if words.startswith("!") else [*usual, *words.split()]
    assert given_to(command, line)[name] == value
    if words != "--overwrite" or command != "export":
        assert given_without(command).get(name) != value, "the default, too"


def test_export_overwrites_if_it_is_told_to(folder: Path) -> None:
    (folder / "net.glsl").write_text("mine")
    usual, _ = COMMANDS["export"]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sys, "argv", ["vs-espcn", "export", *usual])
        with pytest.raises(SystemExit):
            cli.main()
    assert given_to("export", [*usual, "--overwrite"])["output"] == "net.glsl"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("option", "level"), [("-v", 1), ("-vv", 2), ("--verbose", 1), ("-q", -1), ("--quiet", -1)]
)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_the_options_of_the_log(
    command: str, option: str, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[int] = []
    monkeypatch.setattr(logs, "set_verbosity", chosen.append)
    given_to(command, [*COMMANDS[command][0], option])
    assert chosen[-1] == level
    chosen.clear()
    given_to(command, list(COMMANDS[command][0]), before=(option,))
    assert chosen == [level]


def test_the_log_may_be_json(monkeypatch: pytest.MonkeyPatch) -> None:
    forms: list[bool] = []
    real = logs.on_stderr

    def on_stderr(verbosity: int = 0, *, as_json: bool = False) -> Any:
        forms.append(as_json)
        return real(verbosity, as_json=as_json)

    monkeypatch.setattr(logs, "on_stderr", on_stderr)
    given_to("info", [])
    given_to("info", [], before=("--log-json",))
    assert forms == [False, True]


def options_of(command: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every option of every command, by its longest spelling."""
    for sub_name, sub in getattr(command, "commands", {}).items():
        yield from options_of(sub, f"{name} {sub_name}".strip())
    for parameter in command.params:
        if name and not hasattr(command, "commands") and parameter.param_type_name == "option":
            yield name, max((*parameter.opts, *parameter.secondary_opts), key=len)


def test_every_option_has_a_row() -> None:
    rows = {
        (command, word)
        for command, found in ROWS.items()
        for words, _, _ in found
        for word in words.removeprefix("!").split()
    }
    log = {"--verbose", "--quiet"}
    found = {(command, option) for command, option in options_of(get_command(cli.app)) if option not in log}
    assert found - rows == set()
    assert {command for command, _ in options_of(get_command(cli.app))} == set(COMMANDS)
