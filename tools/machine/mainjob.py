"""The main job's command line, which is the same wherever it runs."""


def arguments(years: str, parameters: list[int], again: bool = False) -> list[str]:
    """Return the arguments of airaware/job/submit.py.

    Args:
        years: as in "2013,2015-2017".
        parameters: EPA's codes; none: the default ones.
        again: load also into zones that hold a year already.
    """
    chosen = ["--parameters", ",".join(map(str, parameters))] if parameters else []
    return ["--years", years, *chosen, *(["--again"] if again else [])]
