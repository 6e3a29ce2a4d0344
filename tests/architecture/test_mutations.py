"""The list of mutations fits the code that it changes; ``make mutants`` runs it."""

import pytest

from tests.mutations import ROOT, Mutation, mutations


@pytest.mark.parametrize("one", mutations(), ids=lambda one: f"{one.area}: {one.name}")
def test_a_mutation_can_be_made_and_names_tests_that_are_there(one: Mutation) -> None:
    assert (ROOT / one.file).read_text("utf-8").count(one.before) == 1
    assert one.before != one.after
    assert bool(one.tests) != bool(one.equivalent)
    for test in one.tests:
        file, _, name = test.partition("::")
        text = (ROOT / file).read_text("utf-8")
        if name and not file.startswith("web/"):
            assert f"def {name.rpartition('::')[2].partition('[')[0]}(" in text
