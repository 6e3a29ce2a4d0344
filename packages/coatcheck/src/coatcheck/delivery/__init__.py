"""The HTTP side: what a browser, a CDN and a hostile client get.

`media_app` and `media_list` are ASGI applications; who gets what is decided by an `Authorizer`.
The rest is for an application that has routes of its own beside them: errors as answers, limits for
its clients, and the origin of a request.
"""

from typing import TYPE_CHECKING

from coatcheck.lazy import lazily

if TYPE_CHECKING:
    from coatcheck.delivery.access import Authorizer, OpenAccess, PrincipalAccess, SignedAccess
    from coatcheck.delivery.app import media_app
    from coatcheck.delivery.bodies import read_body
    from coatcheck.delivery.cookies import Principal, SignedCookie
    from coatcheck.delivery.limits import ClientAllowance, ClientLimits
    from coatcheck.delivery.listing import media_list
    from coatcheck.delivery.metrics import Metrics
    from coatcheck.delivery.negotiation import negotiate_encoding
    from coatcheck.delivery.origin import client_of, is_same_origin, require_same_origin
    from coatcheck.delivery.previews import PreviewStore
    from coatcheck.delivery.problems import EXCEPTION_HANDLERS, ProblemResponse, answer_error
    from coatcheck.ports import PreviewBoard
    from coatcheck.signing import Keyring, UrlSigner

__all__ = [
    "EXCEPTION_HANDLERS",
    "Authorizer",
    "ClientAllowance",
    "ClientLimits",
    "Keyring",
    "Metrics",
    "OpenAccess",
    "PreviewBoard",
    "PreviewStore",
    "Principal",
    "PrincipalAccess",
    "ProblemResponse",
    "SignedAccess",
    "SignedCookie",
    "UrlSigner",
    "answer_error",
    "client_of",
    "is_same_origin",
    "media_app",
    "media_list",
    "negotiate_encoding",
    "read_body",
    "require_same_origin",
]

if not TYPE_CHECKING:  # a type checker would take any name for one of these
    __getattr__ = lazily(
        __name__,
        {
            "coatcheck.delivery.access": [
                "Authorizer",
                "OpenAccess",
                "PrincipalAccess",
                "SignedAccess",
            ],
            "coatcheck.delivery.app": ["media_app"],
            "coatcheck.delivery.bodies": ["read_body"],
            "coatcheck.delivery.cookies": ["Principal", "SignedCookie"],
            "coatcheck.delivery.limits": ["ClientAllowance", "ClientLimits"],
            "coatcheck.delivery.listing": ["media_list"],
            "coatcheck.delivery.metrics": ["Metrics"],
            "coatcheck.delivery.negotiation": ["negotiate_encoding"],
            "coatcheck.delivery.origin": ["client_of", "is_same_origin", "require_same_origin"],
            "coatcheck.delivery.previews": ["PreviewStore"],
            "coatcheck.delivery.problems": [
                "EXCEPTION_HANDLERS",
                "ProblemResponse",
                "answer_error",
            ],
            "coatcheck.ports": ["PreviewBoard"],
            "coatcheck.signing": ["Keyring", "UrlSigner"],
        },
    )
