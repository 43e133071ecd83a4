#!/bin/sh
# Build the wheel of the sources that this script belongs to. Usage: docker/build.sh WHEEL_FOLDER
set -eu
python3 -m pip wheel --quiet --disable-pip-version-check --no-cache-dir --no-deps --wheel-dir "$1" \
    "$(dirname "$0")/.."
