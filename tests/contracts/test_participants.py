"""What an application gets that keeps its own tables in the store's database.

The participant here is no chat: boards, and the notes on them that show pictures.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    MetaData,
    SelectBase,
    String,
    Subquery,
    Table,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from coatcheck import MediaStore, open_store
from coatcheck.errors import ConfigurationError, NotFoundError, StorageError
from coatcheck.ports import ErasureReceipt, Schema, SharedTransaction

pytestmark = pytest.mark.anyio

metadata = MetaData()
boards = Table(
    "boards", metadata, Column("id", String, primary_key=True), Column("away", Integer, default=0)
)
notes = Table("notes", metadata, Column("name", String, primary_key=True), Column("board", String))

MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "a"
down_revision = None


def upgrade():
    op.create_table(
        "boards", sa.Column("id", sa.String, primary_key=True), sa.Column("away", sa.Integer)
    )
    op.create_table(
        "notes", sa.Column("name", sa.String, primary_key=True), sa.Column("board", sa.String)
    )
"""


class Boards:
    """A participant by shape: it derives from nothing of the store's."""

    def __init__(self, migrations: Path) -> None:
        self.schema = Schema(name="boards", metadata=metadata, migrations=migrations, revision="a")

    def is_withdrawn(self, conversation_id: ColumnElement[str]) -> ColumnElement[bool]:
        return exists().where(boards.c.id == conversation_id, boards.c.away == 1)

    def select_places(self, held: Subquery) -> SelectBase:
        newest = func.max(held.c.holder).label("holder")
        return (
            select(
                held.c.media_id, func.min(held.c.conversation_id).label("conversation_id"), newest
            )
            .join_from(held, notes, notes.c.name == held.c.holder)
            .group_by(held.c.media_id)
        )

    async def forget_conversation(
        self, transaction: SharedTransaction, conversation_id: str
    ) -> None:
        for statement in (
            delete(notes).where(notes.c.board == conversation_id),
            delete(boards).where(boards.c.id == conversation_id),
        ):
            await transaction.connection.execute(statement)

    def is_owned(self, table: Table, owner: str) -> ColumnElement[bool]:
        return (boards.c.id if table is boards else notes.c.board).startswith(f"{owner}'s")

    async def erase_owner(self, transaction: SharedTransaction, owner: str) -> int:
        return (
            await transaction.connection.execute(
                delete(boards).where(boards.c.id.startswith(f"{owner}'s"))
            )
        ).rowcount


@pytest.fixture
def participant(tmp_path: Path) -> Boards:
    migrations = tmp_path / "migrations of boards, 100%"
    migrations.mkdir()
    (migrations / "a_first.py").write_text(MIGRATION)
    return Boards(migrations)


@pytest.fixture
async def store(tmp_path: Path, participant: Boards) -> AsyncIterator[MediaStore]:
    async with open_store(tmp_path / "data", participants=[participant]) as opened:
        yield opened


async def pin(
    store: MediaStore, board: str, note: str, *ids: str, owner: str | None = None
) -> None:
    async with store.transaction() as transaction:
        await transaction.require_media(ids)
        await transaction.connection.execute(
            insert(boards).prefix_with("OR IGNORE").values(id=board)
        )
        await transaction.connection.execute(insert(notes).values(name=note, board=board))
        await transaction.hold(board, note, ids, owner=owner)


async def count(store: MediaStore, table: Table) -> int:
    async with store.snapshot() as connection:
        return await connection.scalar(select(func.count()).select_from(table)) or 0


async def test_rows_and_what_they_hold_are_written_together_or_not_at_all(
    store: MediaStore,
) -> None:
    kept = await store.put(b"a picture")
    with pytest.raises(NotFoundError, match="There is no media"):
        await pin(store, "b1", "n1", kept.id, "00000000-0000-4000-8000-000000000000")
    with pytest.raises(ZeroDivisionError):
        async with store.transaction() as transaction:
            await transaction.connection.execute(insert(boards).values(id="b1"))
            await transaction.hold("b1", "n1", [kept.id], owner=None)
            raise ZeroDivisionError
    assert await count(store, boards) == 0
    (listed,) = await store.list_media()
    assert listed.holder is None
    await pin(store, "b1", "n1", kept.id)
    (listed,) = await store.list_media()
    assert (listed.conversation_id, listed.holder) == ("b1", "n1")
    assert await count(store, notes) == 1


async def test_what_fails_in_the_participant_s_sql_is_an_error_of_the_store(
    store: MediaStore,
) -> None:
    with pytest.raises(StorageError):
        async with store.transaction() as transaction:
            for _ in range(2):
                await transaction.connection.execute(insert(boards).values(id="b1"))
    assert await count(store, boards) == 0


async def test_a_conversation_that_is_forgotten_takes_the_participant_s_rows_along(
    store: MediaStore,
) -> None:
    own = await store.put(b"own", conversation_id="b1")
    shared = await store.put(b"shared", conversation_id="b1")
    uploaded = await store.put(b"uploaded")
    released = await store.put(b"released")
    adopted = await store.put(b"adopted")
    await pin(store, "b1", "n1", own.id, shared.id, uploaded.id)
    await pin(store, "b1", "n2", released.id)
    await pin(store, "b1", "n3", adopted.id)
    await pin(store, "b2", "n4", shared.id)
    async with store.transaction() as transaction:
        await transaction.adopt("b1", select(notes.c.name).where(notes.c.name == "n3"), owner=None)
        await transaction.release("b1", ["n2", "n3"])
    async with store.transaction() as transaction:
        await transaction.forget_conversation("b1", owner=None)
    left = await store.list_media()
    assert {one.reference.id for one in left} == {shared.id, released.id}
    assert [(one.conversation_id, one.holder) for one in left if one.holder] == [("b2", "n4")]
    assert (await count(store, boards), await count(store, notes)) == (1, 1)
    await store.sweep()
    assert {finding.state async for finding in store.verify()} == {"sound"}


async def test_an_owner_who_is_erased_takes_the_participant_s_rows_along(
    store: MediaStore,
) -> None:
    own = await store.put(b"own", owner="anna", conversation_id="anna's board")
    bens = await store.put(b"his", owner="ben", conversation_id="anna's board")
    shared = await store.put(b"both", owner="ben", conversation_id="a shared board")
    await pin(store, "anna's board", "n1", own.id, bens.id, owner="anna")
    await pin(store, "a shared board", "n2", own.id, shared.id, owner="anna")
    await pin(store, "a shared board", "n3", shared.id, owner="ben")
    receipt = await store.erase_owner("anna")
    assert receipt == ErasureReceipt(media=1, bytes=3, conversations=2, rows={"boards": 1})
    assert await count(store, boards) == 1
    assert await store.list_media(owner="anna") == []
    left = await store.records([bens.id, shared.id])
    # A conversation that is gone owns nothing; one that another owner is in goes on.
    assert left[bens.id].conversation_id is None
    assert left[shared.id].conversation_id == "a shared board"


async def test_an_export_walks_over_all_rows_of_all_schemas(store: MediaStore) -> None:
    annas = await store.put(b"own", owner="anna")
    bens = await store.put(b"his", owner="ben")
    await pin(store, "anna's board", "n1", annas.id, owner="anna")
    await pin(store, "ben's board", "n2", bens.id, owner="ben")

    async def exported(owner: str | None) -> list[tuple[str, str, str]]:
        async with store.export_rows(owner=owner) as rows:
            return [
                (row.schema, row.table, str(next(iter(row.values.values())))) async for row in rows
            ]

    assert await exported("anna") == [
        ("media", "blobs", annas.digest),
        ("media", "holders", "anna's board"),
        ("media", "owners", "=anna"),
        ("media", "media", annas.id),
        ("boards", "boards", "anna's board"),
        ("boards", "notes", "n1"),
    ]
    assert sorted(await exported(None)) == sorted([*await exported("anna"), *await exported("ben")])
    assert await exported("nobody") == []


async def test_an_export_is_of_one_state_and_may_be_left_early(store: MediaStore) -> None:
    for number in range(3):
        await store.put(b"%PDF-1." + str(number).encode())
    async with store.export_rows() as rows:
        assert (await anext(rows)).table == "blobs"
        await store.put(b"later")
        assert len([row async for row in rows if row.table == "media"]) == 3
    async with store.export_rows() as rows:
        await anext(rows)
    assert len(await store.list_media()) == 4


async def test_an_erasure_of_which_a_participant_fails_erases_nothing(
    store: MediaStore, participant: Boards, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_transaction: SharedTransaction, _owner: str) -> int:
        raise ZeroDivisionError

    own = await store.put(b"own", owner="anna")
    await pin(store, "anna's board", "n1", own.id, owner="anna")
    monkeypatch.setattr(participant, "erase_owner", fail)
    with pytest.raises(ZeroDivisionError):
        await store.erase_owner("anna")
    assert await store.read(own.id) == b"own"
    assert await count(store, boards) == 1
    (listed,) = await store.list_media(owner="anna")
    assert listed.reference == own


async def test_media_of_another_conversation_is_not_adopted(store: MediaStore) -> None:
    others = await store.put(b"theirs", conversation_id="b2")
    await pin(store, "b1", "n1", others.id)
    async with store.transaction() as transaction:
        await transaction.adopt("b1", ["n1"], owner=None)
        await transaction.release("b1", ["n1"])
        await transaction.forget_conversation("b1", owner=None)
    (listed,) = await store.list_media()
    assert listed.conversation_id == "b2"


async def test_what_is_withdrawn_is_not_listed(store: MediaStore) -> None:
    own = await store.put(b"own", conversation_id="b1")
    both = await store.put(b"both")
    await pin(store, "b1", "n1", own.id, both.id)
    await pin(store, "b2", "n2", both.id)
    async with store.transaction() as transaction:
        await transaction.connection.execute(
            update(boards).where(boards.c.id == "b1").values(away=1)
        )
    assert [one.reference.id for one in await store.list_media()] == [both.id]


async def test_the_schema_is_brought_up_to_date(tmp_path: Path, participant: Boards) -> None:
    async with open_store(tmp_path / "data", participants=[participant]) as store:
        await pin(store, "b1", "n1")
    async with open_store(tmp_path / "data") as store:  # by what knows nothing of boards
        assert await store.list_media() == []
    migrations = participant.schema.migrations
    (migrations / "b_second.py").write_text(
        "from alembic import op\n"
        'revision, down_revision = "b", "a"\n'
        "def upgrade():\n"
        "    op.execute(\"INSERT INTO boards VALUES ('b9', 0)\")\n"
    )
    later = Boards(migrations)
    later.schema = Schema(name="boards", metadata=metadata, migrations=migrations, revision="b")
    for _ in range(2):
        async with open_store(tmp_path / "data", participants=[later]) as store:
            assert (await count(store, boards), await count(store, notes)) == (2, 1)


@pytest.mark.parametrize("name", ["", "Boards", "a-b", "1a", "a;drop", "a" * 41])
def test_a_name_that_cannot_name_a_schema_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot name a schema"):
        Schema(name=name, metadata=metadata, migrations=tmp_path, revision="a")


async def test_schemas_that_get_into_each_other_s_way_are_refused(
    tmp_path: Path, participant: Boards
) -> None:
    async def open_with(*participants: Boards) -> None:
        async with open_store(tmp_path / "data", participants=participants):
            pass

    with pytest.raises(ConfigurationError, match="named boards"):
        await open_with(participant, participant)
    other = Boards(participant.schema.migrations)
    other.schema = Schema(name="others", metadata=metadata, migrations=tmp_path, revision="a")
    with pytest.raises(ConfigurationError, match="a table named boards"):
        await open_with(participant, other)
    assert not (tmp_path / "data" / "catalog.sqlite3").exists()
