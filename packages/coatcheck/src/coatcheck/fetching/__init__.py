"""The one outgoing HTTP client: it fetches URLs that came from outside, without doing harm.

A URL is read strictly, its name is resolved once, every address of the answer is checked, and the
connection goes to a checked address and nowhere else. Each redirect starts over.
"""

from coatcheck.fetching.addresses import AddressPolicy
from coatcheck.fetching.client import FetchClient, FetchLimits

__all__ = ["AddressPolicy", "FetchClient", "FetchLimits"]
