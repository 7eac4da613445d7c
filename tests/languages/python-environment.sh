#!/bin/sh
# Makes the Python environment of these tests, once for each state of requirements.txt, and prints its interpreter.
set -eu
cd "$(dirname "$0")"
environment=../../build/languages/python
if ! cmp -s requirements.txt "$environment/requirements.txt"; then
  rm -rf "$environment"
  mkdir -p "$(dirname "$environment")"
  python3 -m venv "$environment" >&2
  "$environment/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt >&2
  cp requirements.txt "$environment/"
fi
cd "$environment"
echo "$PWD/bin/python"
