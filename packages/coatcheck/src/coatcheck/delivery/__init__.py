"""The HTTP side: what a browser, a CDN and a hostile client get."""

from coatcheck.delivery.app import media_app
from coatcheck.delivery.listing import media_list
from coatcheck.delivery.problems import ProblemResponse

__all__ = ["ProblemResponse", "media_app", "media_list"]
