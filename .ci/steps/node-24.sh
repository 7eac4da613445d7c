# The newest line of Node 24 that the registry had when it was pinned.
set -eu
bash .ci/steps/on-node.sh 24.21.0
