"""Assertions of the helper are told as those of a test are."""

import pytest

pytest.register_assert_rewrite("tests.golden.golden", "tests.golden.streaming")
