# The newest line of Node 22 that the registry had when it was pinned.
set -eu
bash .ci/steps/on-node.sh 22.23.3
