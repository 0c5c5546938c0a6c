#!/usr/bin/env bash
# Upscale a camera, a capture card or a stream as it comes, and start again when it drops:
#
#     scripts/live.sh -f v4l2 -i /dev/video0 -- -c:v libx264 -preset veryfast -f mpegts udp://192.0.2.1:1234
#     scripts/live.sh -i rtmp://example.org/live -- -c:v libx264 -f segment -strftime 1 rec-%Y%m%d-%H%M%S.mkv
#
# ffmpeg's options for the source come before --, those for the result after it.
# A new run must be able to continue the result: an address, or files named by
# the time. SOUND=1 keeps the source's sound. PIPE holds options of
# `vs-espcn pipe`, WAIT the seconds between runs (2). After RETRIES runs in a row
# (5) of fewer than 250 frames it gives up.
set -uo pipefail

usage() {
    echo "usage: $0 FFMPEG INPUT OPTIONS -- FFMPEG OUTPUT OPTIONS" >&2
    exit 2
}

source=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    source+=("$1")
    shift
done
[ ${#source[@]} -gt 0 ] && [ $# -gt 1 ] || usage
shift
result=("$@")
ffmpeg=("${FFMPEG:-ffmpeg}" -hide_banner -loglevel warning)
read -ra pipe <<<"${PIPE:---scale 2 --realtime resize}"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sound_out=() sound_in=()
if [ "${SOUND:-0}" = 1 ]; then
    # Sound goes round the upscaler. It is opened before the pictures, or both ffmpegs would wait for each other.
    mkfifo "$folder/sound"
    sound_out=(-map 0:a:0 -c:a pcm_s16le -f nut "file:$folder/sound")
    sound_in=(-thread_queue_size 1024 -i "file:$folder/sound")
fi

one_run() {
    {
        echo "$BASHPID" >"$folder/source"
        exec "${ffmpeg[@]}" -nostdin -y "${source[@]}" -map 0:v:0 -f yuv4mpegpipe -strict -1 - "${sound_out[@]}"
    } |
        vs-espcn pipe "${pipe[@]}" 2> >(tee "$folder/messages" >&2) |
        "${ffmpeg[@]}" "${sound_in[@]}" -thread_queue_size 64 -i - "${result[@]}"
}

# When told to stop, let the source end: what follows it then finishes its file.
stopped=
stop() {
    stopped=$1
    kill "$(cat "$folder/source")" 2>/dev/null
}
trap 'stop 130' INT
trap 'stop 143' TERM

# Frames are counted, not seconds: on a slow machine even a run that fails at once takes a while.
frames_of_run() {
    sed -n 's/^vs-espcn: \([0-9][0-9]*\) frames in .*/\1/p' "$folder/messages" 2>/dev/null | tail -n 1
}

short=0
while [ -z "$stopped" ] && [ "$short" -lt "${RETRIES:-5}" ]; do
    rm -f "$folder/messages"
    one_run &
    run=$!
    # A signal interrupts the wait.
    until wait "$run" || [ -z "$stopped" ] || ! kill -0 "$run" 2>/dev/null; do :; done
    [ -z "$stopped" ] || break
    frames=$(frames_of_run)
    if [ "${frames:-0}" -lt 250 ]; then short=$((short + 1)); else short=0; fi
    echo "$0: the source ended; trying again" >&2
    sleep "${WAIT:-2}"
done
[ -z "$stopped" ] || exit "$stopped"
echo "$0: gave up after $short runs of fewer than 250 frames" >&2
exit 1
