"""Files: opened as clips, and encoded by ffmpeg with everything but the picture kept."""
