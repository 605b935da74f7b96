#!/bin/sh
# Installs the packages that package-lock.json names, once: again only when the lock file has changed.
set -eu
cd "$(dirname "$0")/.."
stamp=node_modules/.dozo-installed
if [ -f "$stamp" ] && cmp -s package-lock.json "$stamp"; then exit 0; fi
npm ci --no-fund --no-audit --loglevel=error
cp package-lock.json "$stamp"
