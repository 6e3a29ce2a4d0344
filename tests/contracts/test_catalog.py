"""What any catalog must do. A new back end joins the list of `OPENERS` and nothing else."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import anyio
import pytest

from coatcheck.ports import (
    THUMBNAIL,
    BlobRecord,
    Catalog,
    ListedMedia,
    MediaCursor,
    MediaRecord,
    NewMedia,
    VariantRecord,
)
from coatcheck.storage.catalog import CachedCatalog, Database, SqlCatalog

pytestmark = pytest.mark.anyio


async def open_sqlite(path: Path) -> Catalog:
    return SqlCatalog(await Database.open(path / "catalog.sqlite3"))


async def open_cached(path: Path) -> Catalog:
    return CachedCatalog(await open_sqlite(path))


OPENERS: dict[str, Callable[[Path], Awaitable[Catalog]]] = {
    "sqlite": open_sqlite,
    "cached": open_cached,
}
NOW = datetime(2026, 11, 22, 12, 30, 15, 250_000, tzinfo=UTC)


@pytest.fixture(params=list(OPENERS))
async def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Catalog]:
    opened = await OPENERS[request.param](tmp_path)
    yield opened
    await opened.aclose()


def digest(letter: str) -> str:
    return f"sha-256:{letter * 64}"


def blob(letter: str = "a") -> BlobRecord:
    return BlobRecord(
        digest=digest(letter),
        size=1000,
        media_type="image/png",
        width=640,
        height=480,
        frames=1,
        placeholder="1QcSHQRnh493V4dIh4eXh1h4kJUI",
    )


def thumbnail(letter: str = "b") -> VariantRecord:
    return VariantRecord(
        name=THUMBNAIL,
        digest=digest(letter),
        size=100,
        media_type="image/webp",
        width=256,
        height=192,
    )


async def put(
    catalog: Catalog,
    source: BlobRecord | None = None,
    rendition: VariantRecord | None = None,
    owner: str | None = "ada",
    conversation_id: str | None = "talk",
    at: datetime = NOW,
) -> MediaRecord:
    recorded = source or blob()
    new = NewMedia(
        id=str(uuid4()),
        created_at=at,
        display_name="sea.png",
        alt="the sea",
        owner=owner,
        conversation_id=conversation_id,
    )
    async with catalog.transaction() as transaction:
        await transaction.add_blob(recorded, [rendition or thumbnail()])
        return await transaction.add_media(new, recorded.digest)


async def test_what_is_added_is_found(catalog: Catalog) -> None:
    record = await put(catalog)
    found = await catalog.find(record.reference.id)
    assert found == record
    assert (found.owner, found.conversation_id, found.created_at) == ("ada", "talk", NOW)
    assert (found.reference.width, found.reference.height) == (640, 480)
    assert (found.reference.display_name, found.reference.alt) == ("sea.png", "the sea")
    assert found.variants == {THUMBNAIL: thumbnail()}
    assert await catalog.find_blob(digest("a")) == (blob(), [thumbnail()])


async def test_what_is_unknown_is_none(catalog: Catalog) -> None:
    assert await catalog.find(str(uuid4())) is None
    assert await catalog.find("' OR 1=1 --") is None
    assert await catalog.find_blob(digest("f")) is None
    async with catalog.transaction() as transaction:
        assert await transaction.find_blob(digest("f")) is None
        assert await transaction.remove_media(str(uuid4())) is None


async def test_a_transaction_that_fails_leaves_nothing(catalog: Catalog) -> None:
    with pytest.raises(ZeroDivisionError):
        async with catalog.transaction() as transaction:
            await transaction.add_blob(blob(), [thumbnail()])
            raise ZeroDivisionError
    assert await catalog.find_blob(digest("a")) is None
    assert [row async for row in catalog.expected_blobs()] == []


async def test_adding_a_known_blob_keeps_what_is_recorded(catalog: Catalog) -> None:
    await put(catalog)
    other = BlobRecord(digest=digest("a"), size=1, media_type="text/plain")
    await put(catalog, other, thumbnail("c"))
    assert await catalog.find_blob(digest("a")) == (blob(), [thumbnail()])


async def test_the_last_reference_takes_its_blob_and_variants_along(catalog: Catalog) -> None:
    first, second = await put(catalog), await put(catalog)
    async with catalog.transaction() as transaction:
        assert await transaction.remove_media(first.reference.id) == []
    assert await catalog.find(second.reference.id) == second
    async with catalog.transaction() as transaction:
        unused = await transaction.remove_media(second.reference.id)
        assert unused is not None
        assert set(unused) == {digest("a"), digest("b")}
        assert not await transaction.is_used(digest("a"))
    assert await catalog.find_blob(digest("a")) is None


async def test_a_thumbnail_that_another_blob_shares_stays_in_use(catalog: Catalog) -> None:
    first = await put(catalog, blob("a"), thumbnail("b"))
    await put(catalog, blob("c"), thumbnail("b"))
    async with catalog.transaction() as transaction:
        assert await transaction.remove_media(first.reference.id) == [digest("a")]
        assert await transaction.is_used(digest("b"))


async def test_a_blob_that_is_another_blobs_thumbnail_stays_in_use(catalog: Catalog) -> None:
    await put(catalog, blob("a"), thumbnail("b"))
    uploaded = await put(catalog, blob("b"), thumbnail("d"))
    async with catalog.transaction() as transaction:
        assert await transaction.remove_media(uploaded.reference.id) == [digest("d")]


async def test_expected_blobs_names_each_digest_once(catalog: Catalog) -> None:
    await put(catalog, blob("a"), thumbnail("b"))
    await put(catalog, blob("c"), thumbnail("b"))
    await put(catalog, blob("b"), thumbnail("d"))
    rows = [row async for row in catalog.expected_blobs()]
    assert rows == [
        (digest("a"), 1000),
        (digest("b"), 1000),
        (digest("c"), 1000),
        (digest("d"), 100),
    ]


async def test_the_pages_of_expected_blobs_leave_nothing_out(catalog: Catalog) -> None:
    """Blobs and variants in runs of their own, longer than a page, and some that are both."""

    def numbered(number: int) -> str:
        return f"sha-256:{number:064x}"

    # Blobs are numbers up to 1300; variants those from 700 on, several blobs to the same one.
    async with catalog.transaction() as transaction:
        for number in range(1300):
            source = BlobRecord(digest=numbered(number), size=number + 1, media_type="image/png")
            shared = 700 + 2 * (number // 2)
            rendition = VariantRecord(
                name=THUMBNAIL,
                digest=numbered(shared),
                size=shared + 1,
                media_type="image/webp",
                width=1,
                height=1,
            )
            await transaction.add_blob(source, [rendition])
    rows = [row async for row in catalog.expected_blobs()]
    last = {700 + 2 * (number // 2) for number in range(1300)}
    assert rows == [(numbered(n), n + 1) for n in sorted(last | set(range(1300)))]


async def test_an_owner_s_bytes_count_each_content_once(catalog: Catalog) -> None:
    """Fault 6: what a quota is held against."""
    assert await catalog.owner_bytes("ada") == 0
    first = await put(catalog, blob("a"))
    await put(catalog, blob("a"))
    await put(catalog, blob("c"))
    await put(catalog, blob("a"), owner="bob")
    await put(catalog, blob("d"), owner=None)
    await put(catalog, blob("e"), owner=None)
    await put(catalog, blob("f"), owner="")
    assert await catalog.owner_bytes("ada") == 2000
    assert await catalog.owner_bytes("bob") == 1000
    assert await catalog.owner_bytes(None) == 2000
    assert await catalog.owner_bytes("Ada") == await catalog.owner_bytes("%") == 0
    async with catalog.transaction() as transaction:
        assert await transaction.owner_bytes("ada", besides=digest("a")) == 1000
        assert await transaction.owner_bytes("ada", besides=digest("d")) == 2000
        assert await transaction.owner_bytes(None, besides=digest("d")) == 1000
        await transaction.remove_media(first.reference.id)
        assert await transaction.owner_bytes("ada", besides=digest("b")) == 2000


async def test_an_owner_s_bytes_are_freed_with_the_last_reference_to_a_content(
    catalog: Catalog,
) -> None:
    for owner in ("ada", None, ""):
        first, second = await put(catalog, owner=owner), await put(catalog, owner=owner)
        kept = await put(catalog, owner="bob")
        for record, left in ((first, 1000), (second, 0)):
            async with catalog.transaction() as transaction:
                await transaction.remove_media(record.reference.id)
                assert await transaction.owner_bytes(owner, besides="") == left
            assert await catalog.owner_bytes(owner) == left
        assert await catalog.owner_bytes("bob") == 1000
        async with catalog.transaction() as transaction:
            await transaction.remove_media(kept.reference.id)
            assert await transaction.remove_media(kept.reference.id) is None
        assert await catalog.owner_bytes("bob") == 0


async def test_an_owner_s_bytes_go_back_with_a_transaction_that_fails(catalog: Catalog) -> None:
    record = await put(catalog)
    with pytest.raises(ZeroDivisionError):
        async with catalog.transaction() as transaction:
            await transaction.remove_media(record.reference.id)
            raise ZeroDivisionError
    assert await catalog.owner_bytes("ada") == 1000


async def test_many_are_found_by_their_ids(catalog: Catalog) -> None:
    records = [await put(catalog, blob(letter)) for letter in "abc"]
    bare = BlobRecord(digest=digest("d"), size=1, media_type="text/plain")
    async with catalog.transaction() as transaction:
        await transaction.add_blob(bare, [])
        new = NewMedia(id=str(uuid4()), created_at=NOW)
        records.append(await transaction.add_media(new, bare.digest))
    await catalog.find(records[0].reference.id)
    async with catalog.transaction() as transaction:
        await transaction.remove_media(records[1].reference.id)
    ids = [record.reference.id for record in records]
    found = await catalog.find_many([*ids, ids[0], str(uuid4()), "' OR 1=1 --", ""])
    assert found == {record.reference.id: record for record in records if record != records[1]}
    assert await catalog.find_many([]) == {}
    many = [str(uuid4()) for _ in range(1200)]
    assert await catalog.find_many([*many, ids[3]]) == {ids[3]: records[3]}


async def test_what_is_read_anew_is_what_is_there(catalog: Catalog) -> None:
    record = await put(catalog)
    for fresh in (False, True):
        assert await catalog.find(record.reference.id, fresh=fresh) == record
    assert await catalog.find(str(uuid4()), fresh=True) is None


async def listed(
    catalog: Catalog,
    *,
    conversation: str = "talk",
    owner: str | None = "ada",
    also: Collection[str] = (),
    before: MediaRecord | None = None,
    limit: int = 100,
) -> list[MediaRecord]:
    return list(
        await catalog.conversation_media(
            conversation,
            owner=owner,
            also=also,
            before=before.reference.id if before else None,
            limit=limit,
        )
    )


async def test_a_conversation_s_media_is_its_owner_s_newest_first(catalog: Catalog) -> None:
    later, latest = NOW + timedelta(milliseconds=1), NOW + timedelta(days=1)
    first = await put(catalog)
    third = await put(catalog, at=latest)
    second = await put(catalog, blob("c"), at=later)
    await put(catalog, conversation_id="another")
    await put(catalog, conversation_id=None)
    await put(catalog, owner="bob")
    nobodys = await put(catalog, owner=None)
    assert await listed(catalog) == [third, second, first]
    assert await listed(catalog, owner=None) == [nobodys]
    assert await listed(catalog, owner="") == await listed(catalog, conversation="%") == []
    assert await listed(catalog, conversation="none") == []


async def test_a_conversation_s_media_counts_in_what_it_is_told_of_by_id(catalog: Catalog) -> None:
    """Uploads belong to no conversation; attack 31: another owner's id adds nothing."""
    own = await put(catalog)
    upload = await put(catalog, conversation_id=None, at=NOW + timedelta(seconds=1))
    foreign = await put(catalog, owner="bob")
    also = {record.reference.id for record in (own, upload, foreign)} | {"' OR 1=1 --"}
    assert await listed(catalog, also=also) == [upload, own]
    assert await listed(catalog, conversation="none", also=[upload.reference.id]) == [upload]


async def test_pages_of_a_conversation_s_media_hold_each_once(catalog: Catalog) -> None:
    """Also what was put within one millisecond."""
    everything = [await put(catalog, at=NOW + timedelta(milliseconds=n // 3)) for n in range(10)]
    pages: list[MediaRecord] = []
    while page := await listed(catalog, before=pages[-1] if pages else None, limit=4):
        assert len(page) <= 4
        pages += page
    assert sorted(r.reference.id for r in pages) == sorted(r.reference.id for r in everything)
    assert [r.created_at for r in pages] == sorted((r.created_at for r in pages), reverse=True)
    gone = await put(catalog)
    async with catalog.transaction() as transaction:
        await transaction.remove_media(gone.reference.id)
    assert await listed(catalog, before=gone) == []


async def all_media(catalog: Catalog, owner: str | None, limit: int = 100) -> list[ListedMedia]:
    """Every page of an owner's media."""
    pages: list[ListedMedia] = []
    before: MediaCursor | None = None
    while page := await catalog.list_media(owner=owner, before=before, limit=limit):
        assert len(page) <= limit
        pages += page
        before = MediaCursor(page[-1].created_at, page[-1].reference.id)
    return pages


async def test_media_is_listed_to_its_owner_newest_first(catalog: Catalog) -> None:
    first = await put(catalog)
    third = await put(catalog, at=NOW + timedelta(days=1), conversation_id=None)
    second = await put(catalog, blob("c"), at=NOW + timedelta(milliseconds=1))
    foreign = await put(catalog, owner="bob")
    nobodys = await put(catalog, owner=None)
    listed = await all_media(catalog, "ada")
    assert [one.reference for one in listed] == [r.reference for r in (third, second, first)]
    assert [one.created_at for one in listed] == [r.created_at for r in (third, second, first)]
    assert [one.conversation_id for one in listed] == [None, "talk", "talk"]
    assert [one.reference for one in await all_media(catalog, "bob")] == [foreign.reference]
    assert [one.reference for one in await all_media(catalog, None)] == [nobodys.reference]
    for nobody in ("", "Ada", "%", "' OR 1=1 --"):
        assert await all_media(catalog, nobody) == []
    async with catalog.transaction() as transaction:
        await transaction.remove_media(second.reference.id)
    left = [one.reference.id for one in await all_media(catalog, "ada")]
    assert left == [third.reference.id, first.reference.id]


async def test_pages_of_media_hold_each_once(catalog: Catalog) -> None:
    """Also what was put within one millisecond, and what comes while one pages."""
    everything = [await put(catalog, at=NOW + timedelta(milliseconds=n // 3)) for n in range(10)]
    pages = await all_media(catalog, "ada", limit=4)
    assert sorted(one.reference.id for one in pages) == sorted(r.reference.id for r in everything)
    places = [(one.created_at, one.reference.id) for one in pages]
    assert places == sorted(places, reverse=True)
    place = MediaCursor(pages[3].created_at, pages[3].reference.id)
    await put(catalog, at=NOW + timedelta(days=1))
    async with catalog.transaction() as transaction:
        await transaction.remove_media(pages[3].reference.id)
    later = await catalog.list_media(owner="ada", before=place, limit=4)
    assert list(later) == pages[4:8]


async def test_writers_queue_up_and_all_succeed(catalog: Catalog) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(put, catalog)
    async with catalog.transaction() as transaction:
        assert await transaction.is_used(digest("a"))


async def test_a_reader_does_not_wait_for_a_writer(catalog: Catalog) -> None:
    record = await put(catalog)
    async with catalog.transaction() as transaction:
        await transaction.remove_media(record.reference.id)
        with anyio.fail_after(5):
            assert await catalog.find(record.reference.id) == record


REUSED: dict[str, dict[str, str | None]] = {
    "nobody's": {},
    "an empty owner's": {"owner": ""},
    "ada's": {"owner": "ada"},
    "ada's in a talk": {"owner": "ada", "conversation_id": "talk"},
    "nobody's in a talk": {"conversation_id": "talk"},
    "a talk named like an owner": {"conversation_id": "ada"},
}


def reused(scope: dict[str, str | None], **members: str) -> NewMedia:
    return NewMedia(id=str(uuid4()), created_at=NOW, reuse=True, **scope, **members)


async def test_a_reused_reference_is_one_for_each_content_owner_and_conversation(
    catalog: Catalog,
) -> None:
    """No owner is an owner too, although to SQL no NULL is equal to another."""
    ids: dict[tuple[str, str], str] = {}
    for _ in range(2):
        for content in ("a", "e"):
            for name, scope in REUSED.items():
                new = reused(scope, display_name="secret plan.png", alt="the plan")
                async with catalog.transaction() as transaction:
                    await transaction.add_blob(blob(content), [])
                    record = await transaction.add_media(new, digest(content))
                assert ids.setdefault((content, name), record.reference.id) == record.reference.id
                assert await catalog.find_reusable(reused(scope), digest(content)) == record
                assert (record.reference.display_name, record.reference.alt) == (None, None)
    assert len(set(ids.values())) == 2 * len(REUSED)
    assert await catalog.owner_bytes("ada") == 2000
    assert await catalog.find_reusable(reused({"owner": "bob"}), digest("a")) is None


async def test_references_that_are_not_reused_are_as_many_as_are_put(catalog: Catalog) -> None:
    own = await put(catalog, owner=None, conversation_id=None)
    assert await catalog.find_reusable(reused({}), digest("a")) is None
    async with catalog.transaction() as transaction:
        shared = await transaction.add_media(reused({}), digest("a"))
    again = await put(catalog, owner=None, conversation_id=None)
    assert len({own.reference.id, shared.reference.id, again.reference.id}) == 3


async def test_a_deletion_frees_the_key_of_what_was_reused(catalog: Catalog) -> None:
    async def add() -> MediaRecord:
        async with catalog.transaction() as transaction:
            await transaction.add_blob(blob(), [])
            return await transaction.add_media(reused({}), digest("a"))

    first = await add()
    async with catalog.transaction() as transaction:
        await transaction.remove_media(first.reference.id)
    assert await catalog.find_reusable(reused({}), digest("a")) is None
    assert (await add()).reference.id != first.reference.id


async def test_media_that_gets_another_conversation_is_not_reused_outside_of_it(
    catalog: Catalog,
) -> None:
    """Else what is put outside of it would go with that conversation."""
    scope: dict[str, str | None] = {"owner": "ada"}
    async with catalog.transaction() as transaction:
        await transaction.add_blob(blob(), [])
        upload = await transaction.add_media(reused(scope), digest("a"))
        await transaction.hold("talk", "m1", [upload.reference.id], owner="ada")
        await transaction.adopt("talk", ["m1"], owner="ada")
    async with catalog.transaction() as transaction:
        outside = await transaction.add_media(reused(scope), digest("a"))
        of_talk = scope | {"conversation_id": "talk"}
        inside = await transaction.add_media(reused(of_talk), digest("a"))
        await transaction.hold("other", "m2", [inside.reference.id], owner="ada")
    async with catalog.transaction() as transaction:
        await transaction.forget_conversation("talk", owner="ada")
        renewed = await transaction.add_media(reused(of_talk), digest("a"))
    left = await catalog.find_many([one.reference.id for one in (upload, outside, inside)])
    assert set(left) == {outside.reference.id, inside.reference.id}  # the latter is the other's
    assert renewed.reference.id != inside.reference.id


async def test_many_who_put_the_same_at_once_get_one_reference(catalog: Catalog) -> None:
    ids: list[str] = []

    async def add() -> None:
        async with catalog.transaction() as transaction:
            await transaction.add_blob(blob(), [])
            ids.append((await transaction.add_media(reused({}), digest("a"))).reference.id)

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(add)
    assert len(set(ids)) == 1


async def test_a_secret_is_made_once(catalog: Catalog) -> None:
    secrets: list[bytes] = []

    async def read(name: str) -> None:
        secrets.append(await catalog.secret(name))

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(read, "a")
    assert len(set(secrets)) == 1
    await read("b")
    assert len(set(secrets)) == 2
    assert {len(secret) for secret in secrets} == {32}
