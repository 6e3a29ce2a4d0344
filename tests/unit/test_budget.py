"""What may be spent in a day."""

import pytest

from coatcheck_chat.budget import DAY_SECONDS, DailyBudget
from coatcheck_chat.errors import BudgetSpentError


def test_a_day_has_its_share_and_the_next_one_again() -> None:
    now = [1000.0]
    budget = DailyBudget(2, lambda: now[0])
    for _ in range(2):
        budget.spend()
    for later in (0.0, 60.0, DAY_SECONDS - 61.0):
        now[0] += later
        with pytest.raises(BudgetSpentError):
            budget.spend()
    now[0] = 1000.0 + 24 * 3600
    for _ in range(2):
        budget.spend()
    with pytest.raises(BudgetSpentError):
        budget.spend()
