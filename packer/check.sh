#!/bin/sh
# Fails unless these packages are there in these versions: VERSIONS="PACKAGE=BEGINNING ..."
set -eu
for each in $VERSIONS; do
    package=${each%%=*} wanted=${each#*=}
    found=$(dpkg-query --show --showformat='${Version}' "$package" 2>/dev/null || true)
    case $found in
        "$wanted"*) echo "$package $found" ;;
        *) echo "check: $package is '${found:-missing}', where $wanted is wanted" >&2; exit 1 ;;
    esac
done
