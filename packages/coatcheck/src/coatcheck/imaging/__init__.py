"""Looking at images, in worker processes with limits."""

from coatcheck.imaging.pool import ImagingPool

__all__ = ["ImagingPool"]
