#!/usr/bin/env bash
# Upscale a video through vspipe and ffmpeg, with the sound of the source:
#
#     scripts/pipe.sh input.mp4 output.mkv [ffmpeg options for the video]
#
# The scale is 2 unless SCALE says otherwise. Colour, siting, aspect and rate,
# most of which a y4m pipe loses, come from `vs-espcn flags`. Timestamps
# of a variable frame rate are lost; `vs-espcn upscale` keeps them.
set -euo pipefail

if [ $# -lt 2 ]; then
    echo "usage: $0 INPUT OUTPUT [FFMPEG OPTIONS]" >&2
    exit 2
fi
input=$(realpath -- "$1") # vspipe runs the script in its own folder
output=$2
shift 2
if [ $# -eq 0 ]; then
    set -- -c:v libx264 -crf 18 -preset medium
fi

# OUTPUT appears only when both ends of the pipe have succeeded.
part="$(dirname "$output")/.part-$$-$(basename "$output")"
trap 'rm -f "$part"' EXIT

ffmpeg=("${FFMPEG:-ffmpeg}" -nostdin -hide_banner)
# When the first frame is shown. It is the first of y4m, at 0: the sound may have to begin earlier.
start=$("${ffmpeg[@]}" -nostats -i "file:$input" -map 0:v:0 -frames:v 1 -vf showinfo -f null - 2>&1 |
    sed -n 's/.* n: *0 .* pts_time:\([0-9.]*\).*/\1/p') || start=0 # what is no video is refused below

script="$(dirname "$0")/upscale.vpy"
arguments=(--arg "source=$input" --arg "scale=${SCALE:-2}")
flags=$(vs-espcn flags "${arguments[@]}" "$script")
read -ra of_pipe <<<"$(sed -n 's/^ffmpeg: //p' <<<"$flags")"
read -ra of_output <<<"$(sed -n 's/^ffmpeg-output: //p' <<<"$flags")"

vspipe -c y4m "${arguments[@]}" "$script" - |
    "${ffmpeg[@]}" -loglevel error "${of_pipe[@]}" -i - -itsoffset "-${start:-0}" -i "file:$input" \
        -map 0:v -map '1:a?' "${of_output[@]}" "$@" -c:a copy "file:$part"
mv "$part" "$output"
