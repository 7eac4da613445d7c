#!/bin/sh
# Builds the core for 64-bit ARM and runs the tests of its hashing kernels under emulation.
set -eu
cd "$(dirname "$0")/.."

for tool in cmake aarch64-linux-gnu-g++ qemu-aarch64-static; do
  if ! command -v "$tool" >/dev/null; then
    echo "$tool is missing: apt-get install cmake g++-aarch64-linux-gnu qemu-user-static" >&2
    exit 1
  fi
done

build=build/aarch64
cmake -S . -B "$build" -DCMAKE_TOOLCHAIN_FILE="$PWD/native/aarch64.cmake" \
  -DLONGSHORE_TESTS=ON -DLONGSHORE_STRICT=ON >/dev/null
cmake --build "$build" --parallel 2 --target sha256_test crc32c_test chunk_hasher_test >/dev/null
ctest --test-dir "$build" --output-on-failure -R '^(sha256|crc32c|chunk_hasher)_test$'

# A test that silently fell back to portable code would prove nothing here.
for test in sha256_test crc32c_test; do
  if qemu-aarch64-static "$build/tests/native/$test" tests/vectors/sha256.json 2>&1 |
    grep -q 'armv8: not on this CPU'; then
    echo "$test did not reach the ARMv8 kernel" >&2
    exit 1
  fi
done
