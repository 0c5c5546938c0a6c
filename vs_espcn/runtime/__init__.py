"""Engines that run a graph on a device. They take numpy arrays and know nothing of VapourSynth."""
