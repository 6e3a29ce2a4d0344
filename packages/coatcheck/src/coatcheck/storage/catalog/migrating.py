"""Brings each schema of a database up to date, each with its own Alembic version table.

Databases were once made with one schema for media and conversations together. Such a database gets
all of that schema's migrations first. The first migrations of the schemas that took its place then
find their tables, and keep them with their rows.
"""

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, MetaData, inspect, text

from coatcheck.errors import ConfigurationError, StorageError
from coatcheck.ports import Schema

_ENVIRONMENT: Final = Path(__file__).parent / "migrations"
_SINGLE: Final = Schema(
    name="single",
    metadata=MetaData(),
    migrations=_ENVIRONMENT / "single" / "versions",
    revision="0004",
)
_TALKATIVE: Final = ("alembic.runtime.migration", "alembic.runtime.plugins")
_SINGLE_TABLE: Final = "alembic_version"


def check_apart(schemas: Sequence[Schema]) -> None:
    """See that the schemas can be beside each other in one database.

    Raises:
        ConfigurationError: two have the same name, or a table of the same name.
    """
    names = Counter(schema.name for schema in schemas)
    tables = Counter(table for schema in schemas for table in schema.metadata.tables)
    for what, counted in (("are named", names), ("have a table named", tables)):
        for name, count in counted.items():
            if count > 1:
                raise ConfigurationError(f"Two schemas of the store's database {what} {name}.")


def migrate(connection: Connection, schemas: Sequence[Schema]) -> None:
    """Make the tables of the schemas or bring them up to date.

    Raises:
        StorageError: the database is of a newer version.
    """
    if inspect(connection).has_table(_SINGLE_TABLE):
        _upgrade(connection, _SINGLE, _SINGLE_TABLE)
        connection.execute(text(f"DROP TABLE {_SINGLE_TABLE}"))
    for schema in schemas:
        if _revision(connection, schema.version_table) != schema.revision:
            _upgrade(connection, schema, schema.version_table)


def _revision(connection: Connection, version_table: str) -> str | None:
    if not inspect(connection).has_table(version_table):
        return None
    statement = f"SELECT version_num FROM {version_table}"  # noqa: S608 - a name of the schema's own
    revision: str | None = connection.scalar(text(statement))
    return revision


def _upgrade(connection: Connection, schema: Schema, version_table: str) -> None:
    with _without_notices():
        # Imported here: most starts find the schemas up to date, and Alembic takes long to import.
        from alembic import command  # noqa: PLC0415
        from alembic.config import Config  # noqa: PLC0415
        from alembic.util import CommandError  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", _escaped(_ENVIRONMENT))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", _escaped(schema.migrations))
        config.attributes["connection"] = connection
        config.attributes["metadata"] = schema.metadata
        config.attributes["version_table"] = version_table
        try:
            command.upgrade(config, schema.revision)
        except CommandError as error:
            raise StorageError(
                "The catalog was written by a newer version of Coatcheck; upgrade to open it."
            ) from error


@contextmanager
def _without_notices() -> Iterator[None]:
    """Keep what Alembic tells of itself and of our migrations out of the application's log.

    Only what this thread says: the application may run migrations of its own meanwhile.
    """
    thread = threading.get_ident()

    def is_wanted(record: logging.LogRecord) -> bool:
        return record.thread != thread or record.levelno > logging.INFO

    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    for logger in loggers:
        logger.addFilter(is_wanted)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_wanted)


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
