"""Measure upscalers against original images and clips; needs the extra ``train``.

Each original is reduced, upscaled by every method and compared on luma.
Networks run through the filter itself, so the figures are those that users get.
"""
