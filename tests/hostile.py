"""A user's shell at its worst: variables and files that would stop or mislead what we start."""

import os
import sys
from pathlib import Path

NOWHERE = "http://127.0.0.1:9"  # nothing listens on the discard port

# Dropped, whatever their value.
DROPPED = {
    # PostgreSQL's clients
    **{"PGHOST": "192.0.2.1", "PGHOSTADDR": "192.0.2.1", "PGPORT": "1", "PGUSER": "nobody"},
    **{"PGPASSWORD": "wrong", "PGPASSFILE": "/nowhere", "PGDATABASE": "nothing"},
    **{"PGSERVICE": "nowhere", "PGSERVICEFILE": "/nowhere", "PGSSLMODE": "verify-full"},
    **{"PGSSLROOTCERT": "/nowhere", "PGOPTIONS": "-c statement_timeout=1", "PGDATA": "/nowhere"},
    **{"PGTZ": "Asia/Kolkata", "PGCLIENTENCODING": "LATIN1", "PGCHANNELBINDING": "require"},
    **{"PGREQUIREAUTH": "none", "PGTARGETSESSIONATTRS": "standby", "PGGSSENCMODE": "require"},
    # Python, and what is written in it
    **{"PYTHONSTARTUP": "/nowhere", "PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2"},
    **{"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONSAFEPATH": "1"},
    **{"PYTHONINSPECT": "", "PYTHONUSERBASE": "/nowhere", "VIRTUAL_ENV": "/nowhere"},
    **{"CONDA_PREFIX": "/nowhere", "PYTEST_ADDOPTS": "--collect-only", "MYPYPATH": "/nowhere"},
    **{"GUNICORN_CMD_ARGS": "--bind=127.0.0.1:1", "WEB_CONCURRENCY": "0", "FLASK_APP": "nothing"},
    **{"FLASK_DEBUG": "1", "PROMETHEUS_MULTIPROC_DIR": "/nowhere", "INVOKE_RUN_DRY": "1"},
    **{"PIP_USER": "1", "PIP_TARGET": "/nowhere", "PIP_REQUIRE_VIRTUALENV": "1"},
    **{"UV_PYTHON": "2.7", "UV_SYSTEM_PYTHON": "1", "npm_config_prefix": "/nowhere"},
    **{"NODE_ENV": "production", "NODE_OPTIONS": "--nonsense", "OMP_NUM_THREADS": "1"},
    # Spark and Java
    **{"SPARK_HOME": "/nowhere", "SPARK_CONF_DIR": "/nowhere", "SPARK_LOCAL_IP": "192.0.2.1"},
    **{"SPARK_MASTER": "yarn", "SPARK_LOCAL_DIRS": "/nowhere", "SPARK_SUBMIT_OPTS": "-Dnonsense"},
    **{"SPARK_DIST_CLASSPATH": "/nowhere", "SPARK_TESTING": "1", "HADOOP_CONF_DIR": "/nowhere"},
    **{"HADOOP_HOME": "/nowhere", "YARN_CONF_DIR": "/nowhere", "CLASSPATH": "/nowhere"},
    **{"PYSPARK_DRIVER_PYTHON": "jupyter", "PYSPARK_DRIVER_PYTHON_OPTS": "notebook"},
    **{"PYSPARK_PYTHON": "python2.7", "PYSPARK_SUBMIT_ARGS": "--master yarn pyspark-shell"},
    **{"JAVA_TOOL_OPTIONS": "-XX:Nonsense", "_JAVA_OPTIONS": "-XX:Nonsense"},
    **{"JDK_JAVA_OPTIONS": "-XX:Nonsense"},
    # The shell, the loader, Git, Terraform
    **{
        "BASH_ENV": "/nowhere",
        "FORCE_COLOR": "1",
        "XDG_CONFIG_HOME": "relative",
        "ENV": "/nowhere",
        "CDPATH": "/tmp",
        "GREP_OPTIONS": "-v",
    },
    **{"POSIXLY_CORRECT": "1", "IFS": "/", "LD_LIBRARY_PATH": "/nowhere", "LANG": "de_DE"},
    **{"LANGUAGE": "de", "LC_NUMERIC": "de_DE.UTF-8", "GIT_DIR": "/nowhere"},
    **{"GIT_WORK_TREE": "/nowhere", "TF_WORKSPACE": "nothing", "TF_VAR_images": "{}"},
    **{"TF_CLI_ARGS": "-nonsense", "TF_DATA_DIR": "/nowhere"},
}
# Let through, and borne: what is wrong in them is named or not used.
BORNE = {
    **dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), NOWHERE),
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), NOWHERE),
    **{"no_proxy": "example.org", "JAVA_HOME": "/nowhere", "TMPDIR": "/nowhere"},
    **{"TZ": "Asia/Kolkata", "LC_ALL": "POSIX", "COLUMNS": "20", "TERM": "dumb"},
    **{"AWS_PROFILE": "nobody", "AWS_ENDPOINT_URL": NOWHERE, "AWS_CONFIG_FILE": "/nowhere"},
    **{"AWS_DEFAULT_REGION": "nowhere", "AWS_CA_BUNDLE": "/nowhere"},
}
# Files of a home folder that are meant for other programs or for the user's other projects.
FILES = (
    *(f".{name}.{kind}" for name in ("fabric", "invoke") for kind in ("yaml", "yml", "json", "py")),
    *(".pgpass", ".pg_service.conf", ".psqlrc", ".postgresql/root.crt", ".netrc", ".ssh/config"),
    *(".aws/config", ".aws/credentials", ".boto", ".gitconfig", ".wgetrc", ".curlrc", ".inputrc"),
    *(".pydistutils.cfg", ".pythonrc", ".config/matplotlib/matplotlibrc", ".locust.conf"),
    *(".mypy.ini", ".config/ruff/ruff.toml", ".shellcheckrc", ".checkov.yaml", ".gemrc"),
)
BROKEN = b'[broken\n\tx: "\xe9\n'
# Modules that Python itself would import from there.
MODULES = ("usercustomize", "sitecustomize", "venv", "requests")


def environment() -> dict[str, str]:
    """Return this process's environment with all of them."""
    return os.environ | DROPPED | BORNE | {"PYTHONHOME": "/nowhere"}


def home(folder: Path) -> str:
    """Fill a home folder with what is broken; return its path."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / ".local" / "lib" / f"python{version}" / "site-packages"
    broken = {folder / name: BROKEN for name in FILES}
    broken |= {site / f"{name}.py": b"raise SystemExit('a module of the user')" for name in MODULES}
    for path, content in broken.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o600)
    return str(folder)
