@echo off
rem Upscale the videos that are dropped on this file, or named after it: film.mp4 becomes film.x2.mkv in the same folder.
rem
rem     scripts\upscale.cmd "C:\Videos\film.mp4" "D:\more.avi"
rem
rem vs-espcn must be on PATH. A name with & and no space has to be typed in quotes: dropping it cuts it at the &.
setlocal DisableDelayedExpansion
if "%~1"=="" (
    echo usage: %~nx0 VIDEO... 1>&2
    exit /b 2
)
set "FAILED="
:next
if "%~1"=="" goto done
vs-espcn upscale "%~f1" "%~dpn1.x2.mkv"
if %errorlevel% neq 0 set "FAILED=1"
shift
goto next
:done
if defined FAILED (
    pause
    exit /b 1
)
