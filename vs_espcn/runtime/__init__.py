"""Engines: graphs made ready on a device. Speaks numpy arrays; knows nothing of VapourSynth."""
