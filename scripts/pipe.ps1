#requires -Version 7.4
# Upscale a video through vspipe and ffmpeg, with the sound of the source:
#
#     scripts/pipe.ps1 input.mp4 output.mkv [-Scale 3] [-Encoder '-c:v', 'libx265', '-crf', '20']
#
# What scripts/pipe.sh does, for PowerShell: from 7.4 on it pipes bytes from one program to the next as they are.
param(
    [Parameter(Mandatory)] [string] $Source,
    [Parameter(Mandatory)] [string] $Output,
    [double] $Scale = 2,
    [string[]] $Encoder = @('-c:v', 'libx264', '-crf', '18', '-preset', 'medium')
)
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true  # a program that fails ends the script

$Source = (Resolve-Path -LiteralPath $Source).Path  # vspipe runs the script in its own folder
# When the first frame is shown. It is the first of y4m, at 0: the sound may have to begin earlier.
$shown = ffmpeg -nostdin -hide_banner -i "file:$Source" -map 0:v:0 -frames:v 1 -vf showinfo -f null - 2>&1 | Out-String
$start = if ($shown -match ' pts_time:([0-9.]+)') { $Matches[1] } else { '0' }
$script = Join-Path $PSScriptRoot 'upscale.vpy'
$arguments = '--arg', "source=$Source", '--arg', "scale=$Scale"
$ofPipe = -split (vs-espcn flags --for ffmpeg @arguments $script)
$ofOutput = -split (vs-espcn flags --for ffmpeg-output @arguments $script)

# OUTPUT appears only when both ends of the pipe have succeeded.
$part = Join-Path (Split-Path -Parent ([IO.Path]::GetFullPath($Output, $PWD))) ".part-$PID-$(Split-Path -Leaf $Output)"
try {
    vspipe -c y4m @arguments $script - |
        ffmpeg -nostdin -hide_banner -loglevel error @ofPipe -i - -itsoffset "-$start" -i "file:$Source" `
            -map 0:v -map '1:a?' @ofOutput @Encoder -c:a copy "file:$part"
    Move-Item -Force $part $Output
} finally {
    if (Test-Path $part) { Remove-Item $part }
}
