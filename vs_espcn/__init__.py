"""ESPCN super-resolution for VapourSynth (Shi et al., CVPR 2016)."""

__version__ = "0.1.0"
