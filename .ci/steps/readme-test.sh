# The README's test command, as it stands there, with an empty HOME.
set -eu

command=$(grep -oE -m 1 '^npm ci && npm test' README.md)
home=$(mktemp -d "${TMPDIR:-/tmp}/longshore-home-XXXXXX")
trap 'rm -rf "$home"' EXIT
HOME=$home sh -c "$command"
