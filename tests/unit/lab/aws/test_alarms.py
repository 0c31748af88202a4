"""The state of an alarm, case by case, as CloudWatch's user guide has it."""

import pytest

from tools.lab.aws.alarms import ALARM, INSUFFICIENT_DATA, OK, Rule, Sample, evaluate, points

KEPT = "the state that it was in"
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")

# "Configuring how CloudWatch alarms treat missing data": 0 is not breaching, X is, - is missing.
# The first table has 3 of 3 data points to alarm, the second 2 of 3.
THREE_OF_THREE = {
    "0 - X - X": (OK, OK, OK, OK),
    "- - - - 0": (OK, OK, OK, OK),
    "- - - - -": (INSUFFICIENT_DATA, KEPT, ALARM, OK),
    "0 X X - X": (ALARM, ALARM, ALARM, ALARM),
    "- - X - -": (ALARM, KEPT, ALARM, OK),
    # "Avoiding premature transitions to alarm state".
    "- - - - X": (INSUFFICIENT_DATA, KEPT, ALARM, OK),
    "- - - X -": (INSUFFICIENT_DATA, KEPT, ALARM, OK),
    "- - - X 0": (OK, OK, OK, OK),
    "- - X - 0": (OK, OK, OK, OK),
}
TWO_OF_THREE = {
    "0 - X - X": (ALARM, ALARM, ALARM, ALARM),
    "0 0 X 0 X": (ALARM, ALARM, ALARM, ALARM),
    "0 - X - -": (OK, OK, ALARM, OK),
    "- - - - 0": (OK, OK, ALARM, OK),
    "- - - X -": (ALARM, KEPT, ALARM, OK),
}
# "Using Amazon CloudWatch alarms", Evaluating an alarm: the threshold is 3 units, 3 of 3 must be
# above it.
THE_GUIDES_FIGURE = [
    *((2, OK), (2, OK), (3.5, OK), (4, OK), (5, ALARM), (2.5, OK)),
    *((2, OK), (2, OK), (3.5, OK), (2, OK)),
]

VALUES = {"0": 0.0, "X": 9.0, "-": None}
CASES = [
    (row, to_alarm, treatment, state)
    for to_alarm, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for row, states in table.items()
    for treatment, state in zip(TREATMENTS, states, strict=True)
]


@pytest.mark.parametrize(("row", "to_alarm", "treatment", "state"), CASES)
@pytest.mark.parametrize("before", [OK, ALARM, INSUFFICIENT_DATA])
def test_missing_data(row: str, to_alarm: int, treatment: str, state: str, before: str) -> None:
    rule = Rule("GreaterThanThreshold", 5, periods=3, to_alarm=to_alarm, missing=treatment)
    recent = [VALUES[word] for word in row.split()]
    assert evaluate(rule, recent, before) == (before if state == KEPT else state)


def test_only_what_lasts_is_an_alarm() -> None:
    rule = Rule("GreaterThanThreshold", 3, periods=3, to_alarm=3)
    values: list[float | None] = [2, 2]  # what was before the figure
    state = OK
    for value, expected in THE_GUIDES_FIGURE:
        values.append(value)
        state = evaluate(rule, values[-5:], state)
        assert state == expected, values


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanThreshold", [False, False, True]),
        ("GreaterThanOrEqualToThreshold", [False, True, True]),
        ("LessThanThreshold", [True, False, False]),
        ("LessThanOrEqualToThreshold", [True, True, False]),
    ],
)
def test_comparisons(comparison: str, breaching: list[bool]) -> None:
    rule = Rule(comparison, 5, periods=1, to_alarm=1)
    assert [rule.breaching(value) for value in (4, 5, 6)] == breaching


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("Average", [None, 4.0, None, 3.0]),
        ("Sum", [None, 8.0, None, 9.0]),
        ("Minimum", [None, 2.0, None, 1.0]),
        ("Maximum", [None, 6.0, None, 7.0]),
        ("SampleCount", [None, 2, None, 3]),
    ],
)
def test_samples_become_a_point_per_period_that_has_ended(
    statistic: str, expected: list[float | None]
) -> None:
    samples = [
        *(Sample(20.0, 2, 2, 2), Sample(29.9, 6, 6, 6)),
        Sample(40.0, 9, 1, 7, count=3),
        Sample(50.0, 100, 100, 100),  # its period has not ended
        Sample(5.0, 100, 100, 100),  # too old
    ]
    assert points(samples, statistic, 10, 4, now_seconds=50.5) == expected
