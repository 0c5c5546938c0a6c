"""Files of kinds that broke encodes, each made by one line of ffmpeg or a few bytes, and what must come out.

A row says how its file is made and, where the checker cannot know it from the source, what must come out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.media import ffmpeg

Make = Callable[[Path], object]
"""Makes the file at the path that it is given; may use its folder."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row.

    Attributes:
        name: Name of the file; the suffix is its container.
        make: How it is made.
        outputs: Suffixes of the outputs that are tried.
        args: Options for ffmpeg, after the suite's own.
        times: When frames are shown, in seconds from the first picture or sound on; None
            for those of the source, as ffmpeg makes them.
        sound: When each sound begins, on the same clock; None for that of the source.
        lasts: Seconds from the first picture or sound to the end of the last; None for the source's.
        size: Width and height of the output; None for twice the source's.
        aspect: Width by height of the picture as it is shown; None for the source's.
        streams: Codecs of the output's streams, in order; None where the checker's word is enough.
        tags: Tags that the output must have: ("", "title", "Film") of the file,
            ("video", "stereo_mode", "top_bottom") of the first stream of a kind.
        notes: Words of the notes, one text for each note; None if they don't matter.
        excused: Beginnings of the checker's lines that are right here.
    """

    name: str
    make: Make
    outputs: Sequence[str] = (".mkv", ".mp4")
    args: Sequence[str] = ()
    times: Sequence[float] | None = None
    sound: Sequence[float] | None = None
    lasts: float | None = None
    size: tuple[int, int] | None = None
    aspect: float | None = None
    streams: Sequence[str] | None = None
    tags: Sequence[tuple[str, str, str]] = ()
    notes: Sequence[str] | None = None
    excused: Sequence[str] = ()


def line(*arguments: str) -> Make:
    """A file that one line of ffmpeg makes."""
    return lambda path: ffmpeg(*arguments, path)


def twice(*arguments: str) -> Make:
    """Two equal files, one behind the other, as cells of a DVD and pieces of recordings are joined."""

    def make(path: Path) -> None:
        ffmpeg(*arguments, path)
        path.write_bytes(path.read_bytes() * 2)

    return make


def copied(*arguments: str, before: Sequence[str] = (), after: Sequence[str] = ()) -> Make:
    """A file that one line of ffmpeg makes and a second copies, with options before and after its input."""

    def make(path: Path) -> None:
        coded = path.with_name("coded.mkv")
        ffmpeg(*arguments, coded)
        ffmpeg(*before, "-i", coded, "-c", "copy", *after, path)

    return make


def cut_in_front(path: Path) -> None:
    """The second half of a recording, which begins in the middle of a group of pictures and of a sound."""
    ffmpeg(*picture(2), *tone(2), "-c:v", "mpeg2video", "-bf", "2", "-g", "10", "-c:a", "mp2", path)
    data = path.read_bytes()
    path.write_bytes(data[len(data) // 2 // 2048 * 2048 :])


def telecined(path: Path) -> None:
    """Film of 24 frames a second in MPEG-2 for 30: every second frame has a field to be shown twice."""
    ffmpeg(*picture(2, "30000/1001"), "-c:v", "mpeg2video", "-bf", "0", path)
    stream, at, top_first, number = bytearray(path.read_bytes()), 0, 1, 0
    while (at := stream.find(b"\0\0\1\xb5", at)) >= 0:
        match stream[at + 4] >> 4:
            case 1:  # sequence extension: not progressive as a whole
                stream[at + 5] &= ~0x08
            case 8:  # picture coding extension: top_field_first, repeat_first_field, progressive_frame
                repeats = (number + 1) % 2
                stream[at + 7] = stream[at + 7] & ~0x82 | top_first << 7 | repeats << 1
                stream[at + 8] |= 0x80
                top_first, number = top_first ^ repeats, number + 1
        at += 4
    path.write_bytes(stream)


def disordered(path: Path) -> None:
    """A damaged MP4: every fourth frame is to be shown far too late."""
    ffmpeg(*picture(2), *tone(2), *H264, "-preset", "medium", "-bf", "2", "-c:a", "aac", path)
    data = bytearray(path.read_bytes())
    table = data.index(b"ctts")
    for entry in range(2, int.from_bytes(data[table + 8 : table + 12], "big"), 4):
        place = slice(table + 16 + entry * 8, table + 20 + entry * 8)
        data[place] = (int.from_bytes(data[place], "big") + 9000).to_bytes(4, "big")
    path.write_bytes(data)


def last_without_time(path: Path) -> None:
    """A program stream of which ffmpeg knows no time of the last frame, with sound half a second earlier."""
    film, sound = path.with_suffix(".film.mkv"), path.with_suffix(".sound.mkv")
    ffmpeg(*picture(2), "-c:v", "mpeg2video", "-bf", "2", film)
    ffmpeg(*tone(2), "-c:a", "mp2", sound)
    ffmpeg(
        *("-itsoffset", "0.5", "-i", film, "-i", sound, "-map", "0", "-map", "1", "-c", "copy"),
        *("-f", "vob", path),
    )


def picture(seconds: float = 1, rate: int | str = 25) -> tuple[str, ...]:
    """Input options for a moving picture."""
    return ("-f", "lavfi", "-i", f"testsrc2=s=160x120:r={rate}:d={seconds}")


def tone(seconds: float = 1) -> tuple[str, ...]:
    """Input options for a tone."""
    return ("-f", "lavfi", "-i", f"sine=440:d={seconds}:r=48000")


H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
LATE_SOUND = (*picture(), "-itsoffset", "0.5", *tone(), "-map", "0:v", "-map", "1:a")

CASES = [
    Case(
        name="plain.mp4",
        make=line(*picture(), *tone(), *H264, "-c:a", "aac"),
        notes=(),
        excused=("video 0 has lost its tag handler_name", "video 0 is no longer default"),
    ),
    # 1200 packets a second, whose times in milliseconds repeat.
    Case(
        name="truehd.mkv",
        make=line(*picture(2), *tone(2), *H264, "-c:a", "truehd", "-strict", "-2"),
        outputs=(".mkv", ".mp4"),
        excused=("times of the audio stream (truehd) do not rise",),
    ),
    Case(name="late_sound.ts", make=line(*LATE_SOUND, *H264, "-c:a", "aac")),
    Case(name="late_sound.m2ts", make=line(*LATE_SOUND, *H264, "-c:a", "ac3")),
    Case(
        name="joined.vob",
        make=twice(*picture(0.8), *tone(0.8), "-c:v", "mpeg2video", "-c:a", "ac3", "-f", "vob"),
        times=[0.0053 + number * 0.04 for number in range(40)],
    ),
    Case(
        name="joined.ts",
        make=twice(*picture(0.8), *tone(0.8), *H264, "-c:a", "aac"),
        times=[0.0213 + number * 0.04 for number in range(40)],
    ),
    Case(
        name="longer_joined.vob",
        make=twice(*picture(1.2), *tone(1.2), "-c:v", "mpeg2video", "-c:a", "ac3", "-f", "vob"),
        # ffmpeg itself has picture and sound each move the clock at the joint.
        times=[0.0053 + number * 0.04 for number in range(60)],
        excused=("frame ", "it lasts", "sound 0 ends"),
    ),
    Case(
        name="joined.ogv",
        make=twice(*picture(1.2), *tone(1.2), "-c:v", "libtheora", "-c:a", "libvorbis"),
        times=[0.003 + number * 0.04 for number in range(60)],
        excused=("frame ", "it lasts", "sound 0 ends"),
    ),
    Case(
        name="joined.mkv",
        make=twice(*picture(0.8), *tone(0.8), *H264, "-c:a", "aac"),
        times=[0.021 + number * 0.04 for number in range(40)],
        lasts=1.64,
        # ffmpeg itself has frames and sound of the second half stand still.
        excused=("frame ", "it lasts", "sound 0 ends", "video 0 ", "audio 0 "),
    ),
    Case(
        name="disordered.mp4",
        make=disordered,
        lasts=2.02,
        excused=("frame ", "video 0 ", "it lasts"),
    ),
    Case(name="last_without_time.vob", make=last_without_time, sound=[0.0]),
    Case(
        name="slides.gif",
        make=line(
            *(*picture(3, 1), "-vf", "setpts='if(eq(N,2),3,N)/TB'", "-fps_mode", "passthrough"),
            *("-enc_time_base", "1:100", "-final_delay", "500"),
        ),
        outputs=(".mkv", ".mp4", ".webm"),
        times=[0, 1, 3],
        lasts=8,
    ),
    Case(
        name="telecined.m2v",
        make=telecined,
        times=[number * 1001 / 24000 for number in range(60)],
        lasts=60 * 1001 / 24000,
        excused=("frame ", "it lasts"),
    ),
    Case(name="opus.mkv", make=line(*picture(), *tone(), *H264, "-c:a", "libopus"), outputs=(".mkv", ".mp4")),
    Case(name="opus.mp4", make=line(*picture(), *tone(), *H264, "-c:a", "libopus"), excused=("video 0 ",)),
    Case(
        name="reencoded.mkv",
        make=line(*picture(), *tone(), *H264, "-c:a", "flac"),
        outputs=(".mkv",),
        args=("-c:a", "libopus"),
        # The sound begins with 312 samples that a decoder drops.
        times=[0.0065 + number * 0.04 for number in range(25)],
    ),
    Case(
        name="fragmented.mp4",
        make=line(*picture(), *tone(), *H264, "-c:a", "aac", "-movflags", "frag_every_frame"),
        excused=("video 0 is no longer default", "audio 0 is no longer default"),
    ),
    Case(
        name="wrapped.ts",
        make=line(*picture(2), *tone(2), *H264, "-c:a", "aac", "-output_ts_offset", "95441.5"),
    ),
    Case(name="cut_in_front.mpg", make=cut_in_front),
    Case(
        name="edit_list.mov",
        make=copied(*picture(2), *tone(2), *H264, "-bf", "2", "-c:a", "aac", before=("-ss", "0.3")),
    ),
    Case(
        name="aspect.mkv",
        make=copied(*picture(), *H264, after=("-aspect", "16:9")),
        outputs=(".mkv", ".mp4", ".ts"),
        aspect=16 / 9,
    ),
    Case(
        name="aspect.mov",
        make=copied(*picture(), *H264, after=("-aspect", "16:9")),
        outputs=(".mkv", ".mp4", ".ts"),
        aspect=16 / 9,
    ),
    Case(
        name="no_sound.ts",
        make=line(*picture(), *tone(), "-af", "aselect=0", *H264, "-c:a", "aac"),
        streams=["h264"],
        notes=("audio track 1 (aac) is left out, since ffmpeg finds nothing in it",),
    ),
    Case(
        name="no_sound_in_ac3.ts",
        make=line(*picture(), *tone(), "-af", "aselect=0", *H264, "-c:a", "ac3"),
        outputs=(".webm",),
        notes=("audio track 1 (ac3) is left out, since ffmpeg finds nothing in it",),
    ),
    *(
        Case(
            name=f"timecode{suffix}",
            make=line(*picture(), *H264, "-timecode", "01:00:00:00"),
            outputs=(".mov", ".mp4", ".mkv"),
            notes=(),
        )
        for suffix in (".mov", ".mp4", ".mkv")
    ),
    Case(
        name="no_room_for_timecode.mov",
        make=line(*picture(), *H264, "-timecode", "01:00:00:00"),
        outputs=(".ts",),
        notes=("timecode 01:00:00:00 is left out, since .ts cannot hold it",),
    ),
    Case(
        name="labelled.mkv",
        make=line(
            *(*picture(), *tone(), *H264, "-c:a", "aac", "-metadata", "title=Film"),
            *("-metadata:s:v", "language=jpn", "-metadata:s:v", "stereo_mode=top_bottom"),
            *("-metadata:s:v", "title=Picture", "-metadata:s:a", "language=fre"),
            *("-disposition:v", "default+original", "-disposition:a", "default+dub"),
        ),
        outputs=(".mkv",),
        tags=(("", "title", "Film"), ("video", "stereo_mode", "top_bottom"), ("video", "title", "Picture")),
        notes=(),
    ),
    Case(
        name="handler.mp4",
        make=line(*picture(), *H264, "-metadata:s:v", "handler_name=Mine", "-metadata:s:v", "language=jpn"),
        tags=(("video", "handler_name", "Mine"),),
        notes=(),
    ),
    Case(
        name="hdr10.mkv",
        make=line(
            *(*picture(), "-pix_fmt", "yuv420p10le", "-c:v", "libx265", "-preset", "ultrafast"),
            "-x265-params",
            "log-level=error:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)"
            "L(10000000,1):max-cll=1000,400",
        ),
        outputs=(".mkv", ".mp4"),
    ),
    Case(
        name="opaque.gif",
        make=line(*picture(), "-vf", "split[a][b];[a]palettegen[p];[b][p]paletteuse"),
        notes=(),
    ),
    Case(name="windows.wmv", make=line(*picture(), *tone(), "-c:v", "wmv2", "-c:a", "wmav2")),
    Case(name="flash.flv", make=line(*picture(), *tone(), *H264, "-c:a", "aac")),
    Case(name="old.avi", make=line(*picture(), *tone(), "-c:v", "mpeg4", "-bf", "2", "-c:a", "mp3")),
    Case(name="broadcast.mxf", make=line(*picture(), *tone(), "-c:v", "mpeg2video", "-c:a", "pcm_s16le")),
    Case(
        name="late_picture.flv",
        make=line(
            *tone(2), "-itsoffset", "0.7", *picture(), "-map", "1:v", "-map", "0:a", *H264, "-c:a", "aac"
        ),
    ),
    Case(name="late_sound.vob", make=line(*LATE_SOUND, "-c:v", "mpeg2video", "-c:a", "mp2", "-f", "vob")),
]
