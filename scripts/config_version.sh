#!/bin/sh
# config_version.sh FOLDER: the release that the Puppet code in FOLDER belongs to, for Puppet's
# reports; of a checkout, its commit.
sed -n "s/^airaware::version: '\(.*\)'\$/\1/p" "$1/hieradata/release.yaml" 2>/dev/null | grep . ||
    git -C "$1" rev-parse HEAD
