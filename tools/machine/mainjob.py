"""The main job's command line, which is the same wherever it runs."""


def arguments(years: str, parameters: list[int], again: bool = False) -> list[str]:
    """What airaware/batch.py is called with; `years` as in "2013,2015-2017". `again`: also where a
    zone holds them already."""
    chosen = ["--parameters", ",".join(map(str, parameters))] if parameters else []
    return ["--years", years, *chosen, *(["--again"] if again else [])]
