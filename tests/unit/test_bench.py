"""What the benchmarks' table says of a figure."""

from pathlib import Path

from bench.measure import Figure, report


def test_a_missed_bound_fails_and_a_missed_aim_is_told(tmp_path: Path, capsys) -> None:
    kept = Figure("kept", 3.0, "ms", 4)
    aim = Figure("aim", 3.0, "times", 2, aim=10, at_least=True)
    assert report([kept, aim], tmp_path / "figures.json")
    assert "missed" in capsys.readouterr().out
    assert not report([kept, aim, Figure("late", 5.0, "ms", 4)], tmp_path / "figures.json")
    assert "NO" in capsys.readouterr().out
    assert '"ok": false' in (tmp_path / "figures.json").read_text()
