"""The media endpoint as an ASGI application that mounts anywhere."""

from collections.abc import Callable, Collection
from functools import lru_cache
from http import HTTPMethod, HTTPStatus
from typing import Any, Final

from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from coatcheck.delivery.access import Authorizer, OpenAccess
from coatcheck.delivery.media import MediaEndpoint
from coatcheck.delivery.metrics import Metrics
from coatcheck.delivery.observation import Observation
from coatcheck.delivery.origin import check_origins, require_same_origin
from coatcheck.delivery.previews import PreviewEndpoint
from coatcheck.delivery.problems import EXCEPTION_HANDLERS
from coatcheck.delivery.ready import ReadyAnswers
from coatcheck.delivery.sendfile import SendFile
from coatcheck.delivery.sharing import shared_with
from coatcheck.delivery.uncached import UncachedJson
from coatcheck.delivery.upload import DEFAULT_SECONDS, receive_upload
from coatcheck.ports import PreviewBoard
from coatcheck.reference import IMAGE_PATH, PREVIEW_PATH, MediaUrls
from coatcheck.store import MediaStore

_LONGEST_KEPT: Final = 128  # bytes; a signed URL of a variant has less

AdmitUpload = Callable[[HTTPConnection, str | None], None]
"""Called with the request and its owner before an upload is read; raises to refuse it."""


def media_app(
    store: MediaStore,
    urls: MediaUrls | None = None,
    access: Authorizer | None = None,
    *,
    upload_seconds: float = DEFAULT_SECONDS,
    metrics: Metrics | None = None,
    sendfile: SendFile | None = None,
    previews: PreviewBoard | None = None,
    admit_upload: AdmitUpload | None = None,
    allow_origins: Collection[str] = (),
) -> "MediaApplication":
    """Return an ASGI application that serves media, to mount at ``/api/media`` by convention.

    Mount it with ``app.mount("/api/media", media_app(store))``. It answers
    ``GET|HEAD /image/{id}``, ``POST /upload``, ``GET /{id}`` and ``DELETE /{id}``, and with
    `previews` also ``GET|HEAD /preview/{id}``; ``docs/reference/http.md`` says how.

    Args:
        store: the store that it serves. The caller opens and closes it.
        urls: mints the URLs; pass it if the application is mounted elsewhere or URLs are signed.
        access: decides who gets what; by default, anyone who knows an id gets the media.
        upload_seconds: how many seconds one upload may take to arrive.
        metrics: counts its answers. Route ``metrics.answer`` to show them.
        sendfile: lets a proxy in front send the bytes of originals.
        previews: previews of pictures that are being made, served under the same access rules.
        admit_upload: raises if a client has uploaded too much; by default uploads are not limited.
        allow_origins: front ends of other origins, such as ``https://app.example.com``. Their pages
            may read answers (CORS), upload and delete, as far as `access` allows.

    Raises:
        ConfigurationError: an allowed origin is not one.
    """
    minted = urls or MediaUrls()
    authorizer = access or OpenAccess()
    allowed = check_origins(allow_origins)

    async def upload(request: Request) -> Response:
        require_same_origin(request, allowed)
        # Before the body is read: a stranger's bytes are not taken in.
        principal = authorizer.identify(request.scope)
        owner = None if principal is None else principal.id
        if admit_upload is not None:
            admit_upload(request, owner)
        stored = await receive_upload(request, store, owner=owner, seconds=upload_seconds)
        answer = UncachedJson(stored.to_ui(minted), 201)
        # Relative to the upload's own URL, so that it is right wherever this is mounted.
        answer.headers["location"] = stored.id
        return answer

    async def reference(request: Request) -> Response:
        require_same_origin(request, allowed)
        if request.method == HTTPMethod.DELETE:
            record = await authorizer.find_manageable(request.scope, store)
            await store.delete(record.reference.id)
            return Response(status_code=204, headers={"cache-control": "no-store"})
        record = await authorizer.find_describable(request.scope, store)
        return UncachedJson(record.reference.to_ui(minted))

    image = MediaEndpoint(store, authorizer, sendfile)
    preview = None if previews is None else PreviewEndpoint(previews, authorizer)

    def kind_of(scope: Scope) -> str:
        endpoint = scope.get("endpoint")
        if endpoint is image:
            return _rendition(scope["query_string"])
        if endpoint is reference:
            return "delete" if scope["method"] == HTTPMethod.DELETE else "json"
        if endpoint is preview and endpoint is not None:
            return "preview"
        return "upload" if endpoint is upload else "other"

    app = MediaApplication(
        lambda inner: Observation(shared_with(inner, allowed, authorizer), kind_of, metrics),
        lambda inner: ReadyAnswers(
            inner, store, authorizer, kind_of, metrics, by_origin=bool(allowed)
        ),
        routes=[
            Route(f"{IMAGE_PATH}/{{id}}", image, methods=[HTTPMethod.GET]),
            *(
                []
                if preview is None
                else [Route(f"{PREVIEW_PATH}/{{id}}", preview, methods=["GET"])]
            ),
            Route("/upload", upload, methods=[HTTPMethod.POST]),
            Route("/upload", _RefusedMethod(HTTPMethod.POST)),  # or it would be taken for an id
            Route("/{id}", reference, methods=[HTTPMethod.GET, HTTPMethod.DELETE]),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
    )
    # A redirection to the path without its last slash would name whatever host the client claimed.
    app.router.redirect_slashes = False
    return app


class _RefusedMethod:
    """Answers the methods of a path that no other route serves."""

    def __init__(self, allowed: str) -> None:
        self._headers = {"allow": allowed}

    async def __call__(self, _scope: Scope, _receive: Receive, _send: Send) -> None:
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers=self._headers)


class MediaApplication(Starlette):
    """Observes all answers, including those of Starlette itself, and keeps them ready.

    What was added with ``add_middleware`` may decide who gets what. Then no answer is ready.
    """

    def __init__(
        self,
        observe: Callable[[ASGIApp], ASGIApp],
        keep_ready: Callable[[ASGIApp], ReadyAnswers],
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._observe = observe
        self._keep_ready = keep_ready

    @property
    def ready(self) -> ReadyAnswers | None:
        """The ready answers, which are looked up before anything else."""
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        return self.middleware_stack if isinstance(self.middleware_stack, ReadyAnswers) else None

    def build_middleware_stack(self) -> ASGIApp:
        """Build what answers, once all middleware has been added."""
        observed = self._observe(super().build_middleware_stack())
        return observed if self.user_middleware else self._keep_ready(observed)


def _rendition(query_string: bytes) -> str:
    """Return what a request for an image asks for, by the name in the metrics."""
    # A long one is a client's own invention: kept by thousands, it would be the client's memory.
    if len(query_string) > _LONGEST_KEPT:
        return _parsed(query_string)
    return _kept(query_string)


def _parsed(query_string: bytes) -> str:
    query = QueryParams(query_string)
    if query.get("thumbnail") == "true":
        return "thumbnail"
    return "variant" if "w" in query or "format" in query else "original"


_kept: Final = lru_cache(maxsize=1024)(_parsed)
