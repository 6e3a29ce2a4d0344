"""What a worker's answer may hold."""

import pytest

from coatcheck.errors import WorkerError
from coatcheck.workers.wire import decode_answer


@pytest.mark.parametrize(
    "answer",
    [b"", b"[]", b'{"result": 1}', b'{"result": {"a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}}"],
    ids=["empty", "array", "number", "deep"],
)
def test_an_answer_of_another_form_cannot_be_read(answer: bytes) -> None:
    with pytest.raises(WorkerError, match="cannot be read"):
        decode_answer(answer)
