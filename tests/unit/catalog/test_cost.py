"""What reading costs SQLite, in steps of its virtual machine: the same on every computer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert

from coatcheck.catalog import Database, SqlCatalog, SqlConversationDirectory, SqlConversationLog
from coatcheck.catalog.tables import blobs, conversations, media
from coatcheck.ports import ConversationCursor, MediaCursor
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


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "catalog.sqlite3")
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
    log = SqlConversationLog(database)
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
    log = SqlConversationLog(database)
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
    directory = SqlConversationDirectory(database)

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
    log = SqlConversationLog(database)
    for name, count in (("short", SHORT), ("long", LONG)):
        await fill(database, name, count)

    async def has(name: str) -> object:
        return await log.has_message(name, "unknown")

    assert await meter.cost(lambda: has("long")) <= await meter.cost(lambda: has("short")) + EVERY


@pytest.mark.parametrize("owner", [None, "ada"])
async def test_a_page_of_media_costs_the_same_however_much_there_is(
    database: Database, meter: Meter, owner: str | None
) -> None:
    catalog = SqlCatalog(database)
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
