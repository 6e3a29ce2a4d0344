"""What the server process logs of requests, and what it must not."""

import logging
import logging.config

import pytest

from coatcheck.server.logs import WithoutCredentials, WithoutMedia, log_config


def request(path: str) -> logging.LogRecord:
    args = ("127.0.0.1:5", "GET", path, "1.1", 200)
    return logging.LogRecord("uvicorn.access", logging.INFO, "", 0, '%s - "%s %s" %s', args, None)


def test_a_signed_url_is_not_in_the_servers_own_log() -> None:
    keep = WithoutMedia().filter
    assert not keep(request("/api/media/image/x?expires=1&signature=a.b"))
    assert keep(request("/api/conversations"))
    assert keep(logging.LogRecord("uvicorn.access", logging.INFO, "", 0, "plain", (), None))


def test_the_configuration_is_one() -> None:
    config = log_config("WARNING")
    logging.config.DictConfigurator(config)
    assert config["loggers"]["coatcheck.access"]["level"] == "WARNING"
    assert config["loggers"]["uvicorn.access"]["filters"] == ["without_media"]


def test_what_the_migrations_say_of_themselves_is_not_logged() -> None:
    assert log_config("INFO")["loggers"]["alembic.runtime.plugins"] == {"level": "WARNING"}


@pytest.mark.parametrize(
    ("message", "args"),
    [
        ("< %s: %s", ("Cookie", "a=secret; b=secret")),
        ("> Set-Cookie: a=secret; Path=/", ()),
        ("headers=%r", ({"authorization": "Bearer secret"},)),
        (
            "return_value=%r",
            ([(b"Set-Cookie", b"a=secret; Path=/"), (b"x-goog-api-key", b"secret")],),
        ),
        ("{'X-API-Key': \"secret\"}", ()),
    ],
)
def test_no_handler_shows_what_a_header_with_a_credential_says(
    message: str, args: tuple[object, ...]
) -> None:
    record = logging.LogRecord("any", logging.DEBUG, "", 0, message, args, None)
    for name in log_config("DEBUG")["handlers"]["default"]["filters"]:
        if name == "without_credentials":
            assert WithoutCredentials().filter(record)
    assert "secret" not in record.getMessage()


def test_a_message_without_a_credential_is_logged_as_it_is() -> None:
    record = logging.LogRecord("any", logging.DEBUG, "", 0, "%s: %d cookies", ("eaten", 3), None)
    assert WithoutCredentials().filter(record)
    assert (record.msg, record.args) == ("%s: %d cookies", ("eaten", 3))
