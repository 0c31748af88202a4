#!/bin/sh
# The program `fab`, as .venv/bin/fab leads to it. Python itself starts in the clean environment: it
# would not survive every PYTHONHOME, nor its own scripts every path.
PATH=${PATH:+$PATH:}/usr/bin:/bin
checkout=$(dirname "$(dirname "$(readlink -f "$0")")")
if [ ! -e "$checkout/.venv/made-from" ]; then
    echo "fab: $checkout/.venv is not there or not whole: run make setup, or make demo" >&2
    exit 1
fi
exec "$checkout/tools/machine/environ.sh" "$checkout/.venv/bin/python" "$checkout/fabfile.py" "$@"
