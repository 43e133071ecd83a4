#!/bin/sh
# Install the locked versions of what the program needs. Usage: docker/dependencies.sh PREFIX [CONTENTS]
# CONTENTS is complete (default), or serve: without the packages of training-only.txt. No compiler is needed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
prefix=$1 contents=${2:-complete}
wanted=$(mktemp)
trap 'rm -f "$wanted"' EXIT
case $contents in
complete) cat "$here/requirements.lock" ;;
serve) sed 's/.*/^&==/' "$here/training-only.txt" | grep -v -f - "$here/requirements.lock" ;;
*) echo "CONTENTS must be complete or serve, not '$contents'." >&2 && exit 2 ;;
esac > "$wanted"
[ -x "$prefix/bin/python" ] || python3 -m venv --without-pip "$prefix"
# jieba is published as sources alone, without anything to compile.
python3 -m pip --python "$prefix/bin/python" install --quiet --disable-pip-version-check --no-cache-dir --no-deps \
    --only-binary :all: --no-binary jieba --requirement "$wanted"
