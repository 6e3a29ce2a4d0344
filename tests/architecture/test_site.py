"""The documentation site is refused where a link, an anchor, a list or a text is wrong."""

from pathlib import Path

import pytest

from website.contents import navigation, places
from website.pages import PagesError, Repository
from website.tables import code, constraints, table
from website.verify import verify

PAGE = '<html><body><article><h1 id="a">A<a class="headerlink" href="#a">¶</a></h1>{}</article>'


def write(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


def wrong(root: Path, html: str) -> list[str]:
    return list(verify(write(root, a_html=PAGE.format(html)), {}, {}))


# --- the repository's pages ----------------------------------------------------------------------


def test_links_are_as_they_are_in_the_site(tmp_path: Path) -> None:
    text = (
        "[w](../../spec/wire.md#x) [c](../../src/c.py) ![i](../images/i.png) <https://a.example>\n"
    )
    root = write(
        tmp_path, docs__how__a_md=text, spec__wire_md="", src__c_py="", docs__images__i_png=""
    )
    repository = Repository(root)
    assert repository.read("docs/how/a.md") == (
        "[w](../reference/wire.md#x) [c](../files/src/c.py.txt) ![i](../images/i.png) "
        "<https://a.example>\n"
    )
    assert repository.files == {
        "src/c.py": "files/src/c.py.txt",
        "docs/images/i.png": "images/i.png",
    }


def test_what_looks_like_a_link_in_code_stays(tmp_path: Path) -> None:
    text = "```python\na[0](b.md)\n```\n"
    assert Repository(write(tmp_path, docs__a_md=text)).read("docs/a.md") == text


def test_a_link_to_no_file_is_refused(tmp_path: Path) -> None:
    repository = Repository(write(tmp_path, docs__a_md="[b](b.md)"))
    with pytest.raises(PagesError, match=r"docs/a\.md: the link to docs/b\.md leads to no file"):
        repository.read("docs/a.md")


def test_the_navigation_is_what_the_lists_say() -> None:
    index = (
        "# T\n\n[x](x.md)\n\n## How to\n\n* [A](a.md): see [B](a.md#b)\n* [D](decisions/index.md)\n"
    )
    found = navigation(index, "| [1](1.md) | one |\n", {"a.md": ["made.md"]})
    assert found == [
        {"Home": "index.md"},
        {"How to": [{"A": "a.md"}, "made.md", {"D": ["decisions/index.md", "decisions/1.md"]}]},
    ]
    assert list(places(found)) == [
        "index.md",
        "a.md",
        "made.md",
        "decisions/index.md",
        "decisions/1.md",
    ]


def test_a_generated_page_must_follow_a_listed_one() -> None:
    with pytest.raises(PagesError, match=r"lists none of b\.md"):
        navigation("## How to\n\n* [A](a.md)\n", "", {"b.md": ["made.md"]})


# --- the built site ------------------------------------------------------------------------------


def test_a_sound_page_is_accepted(tmp_path: Path) -> None:
    write(tmp_path, b_html=PAGE.format(""), i_png="")
    good = '<a href="b.html#a">b</a><img src="i.png"><a href="https://a.example/">elsewhere</a>'
    assert wrong(tmp_path, good) == []


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ('<a href="b.html">b</a>', "a.html leads to b.html, which is nowhere"),
        ('<a href="#b">b</a>', "a.html leads to #b, a place that is not on that page"),
        ('<img src="gone.png">', "a.html leads to gone.png, which is nowhere"),
        (
            '<script src="https://cdn.example/a.js"></script>',
            "a.html fetches https://cdn.example/a.js",
        ),
        ('<img src="//cdn.example/a.png">', "a.html fetches //cdn.example/a.png"),
        ('<link rel="preconnect" href="https://f.example">', "a.html fetches https://f.example"),
    ],
)
def test_what_is_wrong_with_a_page_is_said(tmp_path: Path, html: str, said: str) -> None:
    assert wrong(tmp_path, html) == [said]


def test_a_style_sheet_fetches_nothing_from_elsewhere(tmp_path: Path) -> None:
    write(tmp_path, a_css="a { src: url(https://fonts.example/f.woff2) } b { src: url(data:x) }")
    assert wrong(tmp_path, "") == ["a.css fetches https://fonts.example/f.woff2"]


def test_a_page_must_read_as_commonmark_does(tmp_path: Path) -> None:
    write(tmp_path, a_html="<article><h1>A</h1><p>Text: * one</p></article>")
    (said,) = verify(tmp_path, {"a.md": "# A\n\nText:\n* one\n"}, {})
    assert said == "a.md: the site reads ('p', 'Text: * one'), CommonMark reads ('p', 'Text:')"
    write(tmp_path, a_html="<article><h1>A</h1><p>Text:</p><ul><li><p>one</p></li></ul></article>")
    assert list(verify(tmp_path, {"a.md": "# A\n\nText:\n* one\n"}, {})) == []


def test_a_name_must_be_told_of(tmp_path: Path) -> None:
    write(tmp_path, a_html=PAGE.format('<h2 id="m.x"></h2>'))
    assert list(verify(tmp_path, {}, {"a.md": {"m.x", "m.y"}})) == ["a.html does not tell of m.y"]


# --- what is generated ---------------------------------------------------------------------------


def test_a_table_leaves_out_what_says_nothing() -> None:
    assert table(["a", "b"], [["x|y", ""], ["z", ""]]) == "| a |\n| --- |\n| x\\|y |\n| z |"


def test_code_may_hold_what_parts_a_table() -> None:
    assert code("a") == "`a`"
    assert code("a|<b>") == "<code>a&#124;&lt;b&gt;</code>"


def test_a_schema_is_said_in_words() -> None:
    schema = {"type": "array", "maxItems": 1000, "items": {"enum": ["a", "b"]}}
    assert constraints(schema) == "array, of `a`, `b`, at most 1,000 items"
    assert (
        constraints({"type": ["string", "null"], "pattern": "^a$"}) == "string, null, matches `^a$`"
    )
    assert constraints({"oneOf": [{"const": 1}, {"$ref": "#/x/Id"}]}) == "`1` or `Id`"
