# The hashing kernels for 64-bit ARM, under emulation.
set -eu
sh native/test-aarch64.sh
