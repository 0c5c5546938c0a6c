"""What each output container takes, as a table, and the ffmpeg arguments that follow.

The output's suffix chooses the row. Streams of the source go into the output
as they are where the container takes them. What it doesn't take is never
dropped silently: text subtitles are converted to the container's own text
format, audio is re-encoded, the rest is left out, and each gets a note that says why.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vs_espcn.encoding.bestsource import Track
from vs_espcn.errors import InputError

_LETTERS = {"video": "v", "audio": "a", "subtitle": "s", "attachment": "t"}
"""ffmpeg's letters for kinds of streams."""

COVER_TYPES = {
    "bmp": ("image/bmp", "bmp"),
    "gif": ("image/gif", "gif"),
    "mjpeg": ("image/jpeg", "jpg"),
    "png": ("image/png", "png"),
    "tiff": ("image/tiff", "tif"),
    "webp": ("image/webp", "webp"),
}
"""MIME type and suffix of cover pictures by codec."""

_X264 = ("-c:v", "libx264", "-preset", "medium", "-crf", "18")

_TEXT_SUBTITLES = frozenset(
    {"ass", "jacosub", "microdvd", "mov_text", "mpl2", "pjs", "realtext", "sami", "ssa", "stl"}
    | {"subrip", "subviewer", "subviewer1", "text", "vplayer", "webvtt"}
)
"""Subtitle codecs that ffmpeg decodes to text."""

_MP4_AUDIO = frozenset(
    {"aac", "ac3", "alac", "dts", "eac3", "flac", "mp2", "mp3", "opus", "truehd", "vorbis"}
)
_MOV_AUDIO = frozenset(
    {"aac", "ac3", "adpcm_ima_qt", "alac", "amr_nb", "amr_wb", "dts", "eac3", "mp2", "mp3"}
    | {"pcm_alaw", "pcm_f32be", "pcm_f32le", "pcm_f64be", "pcm_f64le", "pcm_mulaw", "pcm_s8", "pcm_u8"}
    | {"pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32be", "pcm_s32le"}
)
_MATROSKA_AUDIO = frozenset(
    {"aac", "ac3", "adpcm_ima_wav", "adpcm_ms", "alac", "amr_nb", "amr_wb", "dts", "eac3", "flac", "mlp"}
    | {"mp1", "mp2", "mp3", "opus", "pcm_alaw", "pcm_f32le", "pcm_f64le", "pcm_mulaw", "pcm_s16be"}
    | {"pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32be", "pcm_s32le", "pcm_u8", "truehd", "tta", "vorbis"}
    | {"wavpack", "wmapro", "wmav1", "wmav2"}
)
_MATROSKA_SUBTITLES = frozenset(
    {"arib_caption", "ass", "dvb_subtitle", "dvd_subtitle", "hdmv_pgs_subtitle", "hdmv_text_subtitle"}
    | {"ssa", "subrip", "text", "webvtt"}
)
_MPEGTS_AUDIO = frozenset({"aac", "aac_latm", "ac3", "dts", "eac3", "mp1", "mp2", "mp3", "opus", "truehd"})


@dataclass(frozen=True, kw_only=True)
class Container:
    """One row of the table.

    Attributes:
        muxer: ffmpeg's name of the muxer.
        video: Default encoder arguments.
        audio: Audio codecs that are copied.
        audio_encoder: Arguments, without the stream specifier, that re-encode any other.
        subtitles: Subtitle codecs that are copied.
        text_encoder: Encoder for other text subtitles; None leaves them out.
        attachments: Whether fonts and other attached files are taken.
        covers: Codecs of cover pictures that are taken.
        chapters: Whether chapters are taken.
        timecode: Whether a timecode is taken.
        rotation: Whether a rotation tag is written and players honour it.
    """

    muxer: str
    video: tuple[str, ...] = _X264
    audio: frozenset[str]
    audio_encoder: tuple[str, ...] = ("aac", "256k")
    subtitles: frozenset[str] = frozenset()
    text_encoder: str | None = None
    attachments: bool = False
    covers: frozenset[str] = frozenset()
    chapters: bool = True
    timecode: bool = True
    rotation: bool = False


_MP4 = Container(
    muxer="mp4",
    audio=_MP4_AUDIO,
    subtitles=frozenset({"mov_text"}),
    text_encoder="mov_text",
    covers=frozenset({"bmp", "mjpeg", "png"}),
    rotation=True,
)

CONTAINERS: dict[str, Container] = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": Container(
        muxer="mov",
        audio=_MOV_AUDIO,
        subtitles=frozenset({"mov_text"}),
        text_encoder="mov_text",
        rotation=True,
    ),
    ".mkv": Container(
        muxer="matroska",
        audio=_MATROSKA_AUDIO,
        audio_encoder=("flac",),
        subtitles=_MATROSKA_SUBTITLES,
        text_encoder="subrip",
        attachments=True,
        covers=frozenset(COVER_TYPES),
        rotation=True,
    ),
    ".webm": Container(
        muxer="webm",
        video=("-c:v", "libvpx-vp9", "-b:v", "0", "-crf", "24", "-row-mt", "1"),
        audio=frozenset({"opus", "vorbis"}),
        audio_encoder=("libopus", "192k"),
        subtitles=frozenset({"webvtt"}),
        text_encoder="webvtt",
    ),
    ".ts": Container(
        muxer="mpegts",
        audio=_MPEGTS_AUDIO,
        subtitles=frozenset({"dvb_subtitle"}),
        chapters=False,
        timecode=False,
    ),
}
"""Containers by suffix in lower case."""


@dataclass(frozen=True, kw_only=True)
class StreamMapping:
    """How the source's streams go into the output.

    Attributes:
        args: ffmpeg's output options. The upscaled video is input 0, the source is input 1.
        notes: One line for each stream that is not carried over as it is.
        sound: The audio tracks that are carried over, in the output's order.
        covers: Pictures to attach as files, after the attachments that are streams.
        attachments: How many of these there are.
        pictures: How many covers are streams beside the video.
    """

    args: tuple[str, ...]
    notes: tuple[str, ...]
    sound: tuple[Track, ...] = ()
    covers: tuple[Track, ...] = ()
    attachments: int = 0
    pictures: int = 0


def container_of(path: Path) -> Container:
    """Look up the container that a file name's suffix stands for.

    Raises:
        InputError: The suffix is not in the table.
    """
    try:
        return CONTAINERS[path.suffix.lower()]
    except KeyError:
        raise InputError(
            f"OUTPUT {str(path)!r} has the suffix {path.suffix!r}; choose one of {', '.join(CONTAINERS)}"
        ) from None


def map_streams(container: Container, suffix: str, tracks: Iterable[Track]) -> StreamMapping:
    """Decide for each track of the source whether it is copied, converted or left out.

    Args:
        container: The output's container.
        suffix: The output's suffix, named in notes.
        tracks: The source's tracks except the one that is upscaled.
    """
    args: list[str] = ["-map", "0:v:0"]
    notes: list[str] = []
    sound: list[Track] = []
    covers: list[Track] = []
    count = {"v": 1, "a": 0, "s": 0, "t": 0}
    for track in tracks:
        if _is_carried_elsewhere(track):
            continue
        if reason := _reason_against(container, suffix, track):
            notes.append(f"{_name(track)} is left out, since {reason}")
            continue
        if track.cover and container.attachments:
            covers.append(track)
            continue
        letter = _LETTERS[track.kind]
        codec = _output_codec(container, track)
        if codec != ("copy",):
            notes.append(
                f"{_name(track)} is re-encoded with {codec[0]}, since {suffix} cannot hold it as it is"
            )
        number = count[letter]
        args += ["-map", f"1:{track.index}", f"-c:{letter}:{number}", codec[0]]
        if codec[1:]:
            args += [f"-b:{letter}:{number}", codec[1]]
        if track.cover:
            args += [f"-disposition:{letter}:{number}", "attached_pic"]
        if track.kind == "audio":
            sound.append(track)
        count[letter] += 1
    return StreamMapping(
        args=tuple(args),
        notes=tuple(notes),
        sound=tuple(sound),
        covers=tuple(covers),
        attachments=count["t"],
        pictures=count["v"] - 1,
    )


def _name(track: Track) -> str:
    return f"{track.kind} track {track.index} ({track.codec})"


def _is_carried_elsewhere(track: Track) -> bool:
    """True for timecodes and chapters, which go with the video and with the file."""
    return track.info is not None and (track.info.is_timecode or track.info.is_chapters)


def _reason_against(container: Container, suffix: str, track: Track) -> str | None:
    """Why a track is left out; None if it isn't."""
    if track.kind == "video":
        return _reason_against_picture(container, suffix, track)
    if track.kind == "data":
        return "data cannot be carried over"
    if track.kind != "attachment" and track.info and not track.info.is_playable:
        return f"ffmpeg {'does not know its codec' if track.codec == 'none' else 'finds nothing in it'}"
    taken = {
        "audio": True,
        "subtitle": bool(_output_codec(container, track)),
        "attachment": container.attachments,
    }
    return None if taken.get(track.kind) else f"{suffix} cannot hold it"


def _reason_against_picture(container: Container, suffix: str, track: Track) -> str | None:
    if track.thumbnails:
        return "pictures of chapters cannot be carried over"
    if not track.cover:
        return "only the first video track is upscaled"
    return None if track.codec in container.covers else f"{suffix} cannot hold this cover"


def _output_codec(container: Container, track: Track) -> tuple[str, ...]:
    """The codec for ffmpeg (and its bit rate) for a track; empty if there is none."""
    match track.kind:
        case "audio":
            return ("copy",) if track.codec in container.audio else container.audio_encoder
        case "subtitle" if track.codec not in container.subtitles:
            encoder = container.text_encoder if track.codec in _TEXT_SUBTITLES else None
            return (encoder,) if encoder else ()
    return ("copy",)
