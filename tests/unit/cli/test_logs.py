"""What the server process logs of requests, and what it must not."""

import logging
import logging.config

from coatcheck.cli.logs import WithoutMedia, log_config


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
