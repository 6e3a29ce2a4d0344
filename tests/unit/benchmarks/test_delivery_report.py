"""What is told of delivery follows from its rounds, also where a peer did not answer."""

import pytest
from benchmarks.peers.load import Load
from benchmarks.peers.report import rates, ratio

OURS = [Load(100, 0, 1.0, 0.5), Load(300, 0, 1.0, 0.5)]
THEIRS = [Load(50, 0, 1.0, 0.5), Load(100, 0, 1.0, 1.0)]
SILENT = [Load(0, 16, 1.0, 1.0), Load(50, 0, 1.0, 1.0)]
MUTE = [Load(0, 16, 1.0, 1.0)] * 2


def test_ratios_are_taken_within_a_round() -> None:
    series = {"ours": OURS, "theirs": THEIRS}
    assert ratio(series, "ours", "theirs") == pytest.approx(2.5)
    assert ratio(series, "ours", "theirs", per_core=True) == pytest.approx(4)


def test_a_round_without_an_answer_is_left_out() -> None:
    series = {"ours": OURS, "silent": SILENT, "mute": MUTE}
    assert ratio(series, "ours", "silent") == pytest.approx(6)
    assert ratio(series, "ours", "mute") is None
    assert ratio(series, "ours", "missing") is None


def test_a_peer_that_cannot_be_had_has_a_row() -> None:
    table = rates("304", {"ours": OURS, "mute": MUTE}, "ours", missing={"imgproxy": "not had"})
    ours, mute, imgproxy = table.rows
    assert ours == ("ours", "200", "100–300", "1.00", "1.00", "3.333", "0")
    assert mute == ("mute", "0", "0–0", "0.00", "0.00", "", "32")
    assert imgproxy[:2] == ("imgproxy", "not had")
    assert len(imgproxy) == len(table.columns)
