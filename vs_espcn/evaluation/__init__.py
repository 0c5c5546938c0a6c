"""Measuring upscalers against originals; needs the extra ``train``.

Originals are made smaller, upscaled by each method, and compared on luma.
Networks run through the filter itself, so that what is measured is what is shipped.
"""
