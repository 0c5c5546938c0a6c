#!/usr/bin/env bash
# Upscale a video through vspipe and ffmpeg, with the sound of the source:
#
#     scripts/pipe.sh input.mp4 output.mkv [ffmpeg options for the video]
#
# The scale is 2 unless SCALE says otherwise. A y4m pipe carries no colour
# description: give it to ffmpeg (-colorspace bt709 …) if your source has one,
# or use `vs-espcn upscale`, which does.
set -euo pipefail

if [ $# -lt 2 ]; then
    echo "usage: $0 INPUT OUTPUT [FFMPEG OPTIONS]" >&2
    exit 2
fi
input=$1
output=$2
shift 2
if [ $# -eq 0 ]; then
    set -- -c:v libx264 -crf 18 -preset medium
fi

# OUTPUT appears only when both ends of the pipe have succeeded.
part="$(dirname "$output")/.part-$$-$(basename "$output")"
trap 'rm -f "$part"' EXIT

vspipe -c y4m --arg "source=$input" --arg "scale=${SCALE:-2}" "$(dirname "$0")/upscale.vpy" - |
    "${FFMPEG:-ffmpeg}" -nostdin -hide_banner -loglevel error -i - -i "file:$input" \
        -map 0:v -map '1:a?' "$@" -c:a copy "file:$part"
mv "$part" "$output"
