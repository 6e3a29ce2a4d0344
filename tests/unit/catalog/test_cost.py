"""What reading costs SQLite, in steps of its virtual machine: the same on every computer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event, insert

from coatcheck.imaging import ImagingPool
from coatcheck.ports import MediaCursor, NewMedia
from coatcheck.storage import LocalBlobStore
from coatcheck.storage.catalog import CachedCatalog, Database, SqlCatalog
from coatcheck.storage.catalog.sql import _expected_after
from coatcheck.storage.catalog.tables import blobs, media, owners, variants
from coatcheck.store import MediaStore
from coatcheck.workers import WorkerLimits
from coatcheck_chat.history.participant import CHAT, ChatHistory
from coatcheck_chat.history.ports import ConversationCursor
from coatcheck_chat.history.sql_directory import SqlConversationDirectory
from coatcheck_chat.history.sql_log import SqlConversationLog
from coatcheck_chat.history.tables import conversations
from tests.media import png_bytes
from tests.seeding import seed

pytestmark = pytest.mark.anyio

SHORT, LONG = 60, 2000
EVERY = 10


class Meter:
    """Counts the steps of the one connection that a database reads with."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.steps = 0

    async def attach(self) -> None:
        async with self.database.read() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            await driver.set_progress_handler(self._count, EVERY)

    def _count(self) -> None:
        self.steps += EVERY

    async def cost(self, read: Callable[[], Awaitable[object]]) -> int:
        await read()  # statements are compiled once
        self.steps = 0
        await read()
        return self.steps


class Statements:
    """Counts what a database is asked, ``BEGIN`` aside."""

    def __init__(self, database: Database) -> None:
        self.made: list[str] = []
        event.listen(database._engine.sync_engine, "before_cursor_execute", self._note)

    def _note(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            self.made.append(statement)

    async def count(self, work: Callable[[], Awaitable[object]]) -> int:
        self.made.clear()
        await work()
        return len(self.made)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "catalog.sqlite3", [CHAT])
    yield opened
    await opened.aclose()


@pytest.fixture
async def meter(database: Database) -> Meter:
    made = Meter(database)
    await made.attach()
    return made


async def fill(database: Database, conversation: str, count: int) -> None:
    said = [
        {"id": f"m{number}", "parts": [{"type": "text", "text": "x" * 300}]}
        for number in range(count)
    ]
    await seed(database, conversation, said, owner="ada")


def row(identifier: str, updated_at: int, owner: str) -> dict[str, object]:
    return {
        "id": identifier,
        "title": identifier,
        "folded_title": identifier,
        "owner": owner,
        "created_at": 1,
        "updated_at": updated_at,
    }


async def test_the_first_page_of_a_long_conversation_costs_what_a_short_ones_does(
    database: Database, meter: Meter
) -> None:
    log = SqlConversationLog(SqlCatalog(database))
    costs = {}
    for name, count in (("short", SHORT), ("long", LONG)):
        await fill(database, name, count)

        async def read(name: str = name) -> object:
            page = await log.page_messages(name, owner="ada", before=None, limit=51)
            assert page is not None
            assert len(page) == 51
            return page

        costs[name] = await meter.cost(read)
    assert costs["short"] > 51
    assert costs["long"] <= 1.1 * costs["short"]

    async def read_all() -> object:
        return await log.read_messages("long")

    # The meter would tell: all of it costs many times more.
    assert await meter.cost(read_all) > 10 * costs["long"]


async def test_a_page_in_the_middle_costs_what_the_first_one_does(
    database: Database, meter: Meter
) -> None:
    log = SqlConversationLog(SqlCatalog(database))
    await fill(database, "long", LONG)

    async def last() -> object:
        return await log.page_messages("long", owner=None, before=None, limit=51)

    async def middle() -> object:
        return await log.page_messages("long", owner=None, before=LONG // 2, limit=51)

    assert await meter.cost(middle) <= 1.2 * await meter.cost(last)


@pytest.mark.parametrize("owner", [None, "ada"])
async def test_the_list_costs_the_same_however_many_conversations_there_are(
    database: Database, meter: Meter, owner: str | None
) -> None:
    directory = SqlConversationDirectory(SqlCatalog(database))

    async def first() -> object:
        return await directory.list_conversations(owner=owner, before=None, limit=51)

    async def later() -> object:
        cursor = ConversationCursor(datetime.fromtimestamp(0.06, UTC), "c0060")
        return await directory.list_conversations(owner=owner, before=cursor, limit=51)

    costs = []
    for first_number, last_number in ((0, SHORT), (SHORT, LONG)):
        numbers = range(first_number, last_number)
        rows = [row(f"c{number:04}", number, "ada") for number in numbers]
        rows += [row(f"d{number:04}", number, "bob") for number in numbers]
        async with database.write() as connection:
            await connection.execute(insert(conversations), rows)
        costs.append((await meter.cost(first), await meter.cost(later)))
    for few, many in zip(*costs, strict=True):
        assert few > 51
        assert many <= 1.1 * few


async def test_a_new_messages_id_is_looked_up_at_the_same_cost_in_a_long_conversation(
    database: Database, meter: Meter
) -> None:
    log = SqlConversationLog(SqlCatalog(database))
    for name, count in (("short", SHORT), ("long", LONG)):
        await fill(database, name, count)

    async def has(name: str) -> object:
        return await log.has_message(name, "unknown")

    assert await meter.cost(lambda: has("long")) <= await meter.cost(lambda: has("short")) + EVERY


@pytest.mark.parametrize("owner", [None, "ada"])
async def test_a_page_of_media_costs_the_same_however_much_there_is(
    database: Database, meter: Meter, owner: str | None
) -> None:
    catalog = SqlCatalog(database, [ChatHistory()])
    owners = (owner, "bob")
    async with database.write() as connection:
        await connection.execute(
            insert(blobs).values(digest="sha-256:0", size=1, media_type="image/png")
        )

    async def first() -> object:
        return await catalog.list_media(owner=owner, before=None, limit=51)

    async def later() -> object:
        cursor = MediaCursor(datetime.fromtimestamp(0.055, UTC), f"{owner}-000055")
        page = await catalog.list_media(owner=owner, before=cursor, limit=51)
        assert len(page) == 51
        return page

    costs = []
    for numbers in (range(SHORT), range(SHORT, 10_000)):
        rows = [
            {
                "id": f"{name}-{number:06}",
                "digest": "sha-256:0",
                "owner": name,
                "conversation_id": f"c{number // 20}",
                "created_at": number,
            }
            for name in owners
            for number in numbers
        ]
        async with database.write() as connection:
            await connection.execute(insert(media), rows)
        costs.append((await meter.cost(first), await meter.cost(later)))
    for few, many in zip(*costs, strict=True):
        assert few > 51
        assert many <= 1.1 * few


def digest(kind: str, number: int) -> str:
    """Digests of blobs and of variants, in turns."""
    return f"sha-256:{number:062x}{'0' if kind == 'blob' else 'f'}0"


async def fill_with_media(database: Database, numbers: range, owner: str | None = "ada") -> None:
    """A blob, its thumbnail and a reference of the owner's for each number."""
    async with database.write() as connection:
        await connection.execute(
            insert(blobs),
            [
                {"digest": digest("blob", number), "size": 10, "media_type": "image/png"}
                for number in numbers
            ],
        )
        await connection.execute(
            insert(variants),
            [
                {
                    "source": digest("blob", number),
                    "name": "thumbnail",
                    "digest": digest("variant", number),
                    "size": 1,
                    "media_type": "image/webp",
                    "width": 1,
                    "height": 1,
                }
                for number in numbers
            ],
        )
        await connection.execute(
            insert(media),
            [
                {
                    "id": f"{owner}-{number:06}",
                    "digest": digest("blob", number),
                    "owner": owner,
                    "conversation_id": f"c{number // 20}",
                    "created_at": number,
                }
                for number in numbers
            ],
        )


async def test_a_page_of_expected_blobs_costs_the_same_at_the_end_and_at_the_start(
    database: Database, meter: Meter
) -> None:
    """Else to verify a store would take the square of its size."""

    async def page(after: int) -> object:
        async with database.read() as connection:
            last = digest("variant", after) if after else ""
            rows = (await connection.execute(_expected_after(last))).all()
            assert len(rows) == 500
            return rows

    costs = []
    for numbers in (range(600), range(600, 20_000)):
        await fill_with_media(database, numbers)
        costs.append(await meter.cost(lambda: page(0)))
    costs.append(await meter.cost(lambda: page(10_000)))
    costs.append(await meter.cost(lambda: page(19_000)))
    assert min(costs) > 500
    assert max(costs) <= 1.1 * min(costs)


@pytest.mark.parametrize("owner", [None, "ada"])
async def test_an_owner_s_bytes_cost_the_same_however_much_there_is(
    database: Database, meter: Meter, owner: str | None
) -> None:
    catalog = SqlCatalog(database, [ChatHistory()])
    async with database.write() as connection:
        prefixed = [{"owner": name, "bytes": 1} for name in ("", "=ada", "=bob")]
        await connection.execute(insert(owners), prefixed)

    async def ask() -> object:
        return await catalog.owner_bytes(owner)

    async def ask_in_a_transaction() -> object:
        async with catalog.transaction() as transaction:
            await transaction.owner_bytes(owner, besides=digest("blob", 5))
            return await transaction.owner_bytes(owner, besides=digest("blob", 10**6))

    costs = []
    for numbers in (range(SHORT), range(SHORT, 10_000)):
        await fill_with_media(database, numbers, owner)
        async with database.write() as connection:  # and one content that is everybody's
            await connection.execute(
                insert(media),
                [
                    {
                        "id": f"x-{number}",
                        "digest": digest("blob", 5),
                        "owner": f"x{number}",
                        "created_at": 1,
                    }
                    for number in numbers
                ],
            )
        costs.append((await meter.cost(ask), await meter.cost(ask_in_a_transaction)))
    for few, many in zip(*costs, strict=True):
        assert few > EVERY
        assert many <= few + EVERY


async def test_a_page_of_a_conversation_s_media_is_one_statement(database: Database) -> None:
    catalog = SqlCatalog(database, [ChatHistory()])
    await fill_with_media(database, range(100))
    statements = Statements(database)

    async def page() -> None:
        found = await catalog.conversation_media(
            "c1", owner="ada", also=["ada-000001"], before="ada-000039", limit=20
        )
        assert [record.reference.id for record in found] == [
            *(f"ada-{number:06}" for number in range(38, 19, -1)),
            "ada-000001",
        ]
        assert all(record.variants["thumbnail"].size == 1 for record in found)

    assert await statements.count(page) == 1


async def test_many_references_are_looked_up_in_one_statement(database: Database) -> None:
    catalog = CachedCatalog(SqlCatalog(database))
    await fill_with_media(database, range(100))
    statements = Statements(database)
    ids = [f"ada-{number:06}" for number in range(50)]

    async def look_up() -> None:
        assert len(await catalog.find_many(ids)) == 50

    assert await statements.count(look_up) == 1
    assert await statements.count(look_up) == 0  # remembered

    async def look_up_one() -> None:
        assert await catalog.find("ada-000060") is not None

    assert await statements.count(look_up_one) == 1
    ids += ["ada-000070", "ada-000080"]
    ids = ids[-10:]

    async def look_up_the_rest() -> None:
        assert len(await catalog.find_many(ids)) == 10

    assert await statements.count(look_up_the_rest) == 1


async def test_a_put_and_a_thumbnail_make_no_more_statements_than_they_must(
    database: Database, tmp_path: Path
) -> None:
    """One is a round trip where the database is elsewhere."""
    async with MediaStore(
        blobs=await LocalBlobStore.open(tmp_path),
        catalog=SqlCatalog(database),
        renderer=ImagingPool(max_pixels=10**6, limits=WorkerLimits(processes=1)),
        owner_bytes=10**9,
    ) as store:
        statements = Statements(database)
        ids: list[str] = []

        async def put() -> None:
            ids.append((await store.put(png_bytes(), owner="ada")).id)

        # The quota twice, the blob, and what is recorded: blob, thumbnail, bytes, reference.
        assert await statements.count(put) == 8
        # Known content: the blob twice, nothing to record of it.
        assert await statements.count(put) == 7
        assert await statements.count(lambda: store.thumbnail(ids[0])) == 1

        async def put_again() -> None:
            ids.append((await store.put(png_bytes(), owner="ada", reuse=True)).id)

        await put_again()
        # What is reused is one look-up, and no transaction.
        assert await statements.count(put_again) == 1
        assert ids[-1] == ids[-2]


async def test_a_reused_reference_costs_the_same_however_much_media_there_is(
    database: Database, meter: Meter
) -> None:
    catalog = SqlCatalog(database)
    await fill_with_media(database, range(3))
    new = NewMedia(id="m", created_at=datetime.now(UTC), owner="ada", reuse=True)
    async with catalog.transaction() as transaction:
        await transaction.add_media(new, digest("blob", 1))

    async def look_up() -> None:
        found = await catalog.find_reusable(new, digest("blob", 1))
        assert found is not None
        assert found.reference.id == "m"

    few = await meter.cost(look_up)
    await fill_with_media(database, range(3, LONG))
    assert await meter.cost(look_up) <= few + EVERY
