#!/usr/bin/env bash
# Writes REFERENCE.md of each of our Puppet modules from the comments in its code, by puppet-strings.
#
#   tools/reference.sh           into modules/
#   tools/reference.sh FOLDER    into FOLDER, a folder per module
set -euo pipefail
into=$(realpath "${1:-$(dirname "${BASH_SOURCE[0]}")/../modules}")
cd "$(dirname "${BASH_SOURCE[0]}")/../modules"
# puppet-strings keeps a folder of its own beside what it reads.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r . "$copy"
for module in *; do
    mkdir -p "$into/$module"
    # Its libraries warn of what later Rubies deprecate.
    (cd "$copy/$module" && RUBYOPT=-W0 puppet strings generate --format markdown \
        --out "$into/$module/REFERENCE.md")
done
