#!/bin/sh
# Runs every example against a server: examples/run.sh [host:port]. Fails when one of them fails.
# Needs what the project needs (npm ci), Python 3.11 and Go 1.25 or later; what they need is fetched, in pinned versions.
set -eu
address=${1:-127.0.0.1:50051}
cd "$(dirname "$0")"

echo "TypeScript"
../node_modules/.bin/tsx typescript/upload-resume-read.ts "$address"

echo "Python"
environment=python/.venv
if ! cmp -s python/requirements.txt $environment/requirements.txt; then
  rm -rf $environment
  python3 -m venv $environment
  $environment/bin/pip install --quiet --disable-pip-version-check -r python/requirements.txt
  cp python/requirements.txt $environment/
fi
$environment/bin/python python/upload_resume_read.py "$address"

echo "Go"
go/generate.sh
(cd go && go run . "$address")

echo "All examples ran."
