#!/bin/sh
# Make the working folder of the service, which its user owns. Usage: docker/folder.sh FOLDER USER_ID
set -eu
install -d -m 0750 -o "$2" -g "$2" "$1"
