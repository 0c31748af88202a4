"""A stage whose results change has a new version, and nothing else makes a load out of date."""

import golden
import pytest

from airaware.job import versions
from airaware.science import metrics, pollutants


@pytest.mark.parametrize("parameter", pollutants.POLLUTANTS)
def test_results_change_only_with_a_version(parameter: int) -> None:
    entry = golden.recorded()[str(parameter)]
    changed = golden.changed(parameter, entry)
    raised = entry["version"] != versions.code_version(parameter)
    assert raised or not changed, (
        f"the results of {', '.join(changed)} changed: raise the version of the first that you"
        " changed (airaware/job/versions.py), then run python tests/unit/job/golden.py"
    )
    assert not raised, "a version was raised: run python tests/unit/job/golden.py"


def test_a_changed_result_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "NEEDED_DAY_HOURS", 10)
    entry = golden.recorded()["88101"]
    assert "mean_24h" in golden.changed(88101, entry)
    assert "read" not in golden.changed(88101, entry)


@pytest.mark.parametrize("stage", versions.VERSIONS)
def test_a_raised_version_concerns_exactly_the_loads_of_its_stage(
    stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {code: versions.code_version(code) for code in pollutants.POLLUTANTS}
    monkeypatch.setitem(versions.VERSIONS, stage, versions.VERSIONS[stage] + 1)
    stale = {code for code in before if versions.code_version(code) != before[code]}
    assert stale == {code for code in before if stage in versions.stages(code)}
    assert stale
    if stage == "max_8h":
        assert stale == {44201, 42101}
    if stage == "corrections":
        assert stale == {88101}
