"""The gallery's benchmark: what is listed, and what its table says."""

from benchmarks.browser.gallery import PACES, listing, table

from coatcheck.reference import MediaReference, MediaUrls

STORED = MediaReference(
    id="9188cc90-b172-47e9-b493-4e22175bd478",
    mime_type="image/png",
    size=1000,
    digest="sha-256:" + "9f86d081" * 8,
    width=1024,
    height=1024,
    placeholder="1QcSHQRnh493V4dIh4eXh1h4kJUI",
)


def test_every_picture_of_the_listing_is_a_reference_with_addresses_of_its_own() -> None:
    listed = [each["reference"] for each in listing([STORED.to_ui(MediaUrls())], 300)["media"]]
    assert len({MediaReference.from_stored(each).id for each in listed}) == 300
    assert len({each["url"] for each in listed} | {each["thumbnailUrl"] for each in listed}) == 600
    assert all(STORED.id in each["url"] for each in listed)


def test_the_table_has_a_row_for_each_pace_and_the_least_of_the_rounds() -> None:
    rounds = [{pace.name: cost for pace in PACES} for cost in (9.0, 2.04, 2.1)]
    lines = table({1: rounds, 4: rounds[:1]}).splitlines()
    assert lines[0].endswith("| CPU slowed down 1× | CPU slowed down 4× |")
    assert len(lines) == 2 + len(PACES)
    assert lines[3] == "| reading, 12 pixels a frame | 2.0 | 9.0 |"
