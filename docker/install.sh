#!/bin/sh
# Install the wheel, the entry point and the health check. Usage: docker/install.sh WHEEL_FOLDER PREFIX
set -eu
python3 -m pip --python "$2/bin/python" install --quiet --disable-pip-version-check --no-cache-dir --no-deps \
    --no-index "$1"/search_enricher-*.whl
cp "$(dirname "$0")/start.sh" "$(dirname "$0")/healthcheck.py" "$2/bin"
