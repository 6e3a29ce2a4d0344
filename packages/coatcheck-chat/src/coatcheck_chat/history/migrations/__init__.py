"""Alembic migrations of the chat's tables; the library runs them."""
