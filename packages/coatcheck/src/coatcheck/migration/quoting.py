"""Names of tables and columns in SQL. Pure."""

from coatcheck.errors import InvalidInputError


def quoted(name: str) -> str:
    """An identifier in SQL, whatever is in it.

    Raises:
        InvalidInputError: it is empty, or no database takes it.
    """
    if not name or "\0" in name:
        raise InvalidInputError("A table or a column has an empty name.")
    return '"' + name.replace('"', '""') + '"'
