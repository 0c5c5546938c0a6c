"""The filter `vs_espcn.upscale`: clips in, clips out. It knows nothing of files, ffmpeg or streams."""
