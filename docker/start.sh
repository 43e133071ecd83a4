#!/bin/sh
# The entry point of the image. Without arguments: the service. With arguments: enricher ARGUMENTS, for example
# `train docs.jsonl`. Models, indexes and enricher.toml are in the working folder, which alone must be writable.
set -eu
program=$(dirname "$0")/enricher
if [ $# -gt 0 ]; then
    exec "$program" "$@"
fi
exec "$program" serve --listen "${LISTEN:-0.0.0.0:9280}" --admin "${ADMIN:-0.0.0.0:9281}"
