"""What a search takes for the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck_chat.history.searching import MAX_TERMS, fold, search_terms


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Lighthouse", "lighthouse"),
        ("ÉLAN élan e\u0301lan", "elan elan elan"),
        ("Straße STRASSE", "strasse strasse"),
        ("ﬁn ①", "fin 1"),
        ("Ωμέγα", "ωμεγα"),
        ("灯台 ガラス", "灯台 カラス"),
        ("a\u200bb\u202ec\0d\ud800e", "abcde"),
        ("one\ntwo\tthree", "one\ntwo\tthree"),
        ("", ""),
    ],
)
def test_text_is_folded(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text(), st.text())
def test_the_fold_of_a_text_is_that_of_its_pieces(one: str, two: str) -> None:
    assert fold(one + two) == fold(one) + fold(two)
    assert fold("".join(fold(character) for character in one)) == fold(fold(one))


@given(st.text(st.characters(categories=["Cs", "Cc", "Lo", "Lu", "Ll", "Mn"])))
def test_folded_text_can_be_kept_by_every_database(text: str) -> None:
    fold(text).encode()
    assert "\0" not in fold(text)


def test_a_query_is_its_words_each_once_and_not_too_many() -> None:
    assert search_terms("  The the  SEA\n") == ("the", "sea")
    assert search_terms(" \u200b ") == ()
    assert len(search_terms(" ".join(map(str, range(50))))) == MAX_TERMS
