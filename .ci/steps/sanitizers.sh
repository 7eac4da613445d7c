# The native tests under AddressSanitizer and UndefinedBehaviorSanitizer, with warnings as errors.
set -eu

build=build/sanitizers
cmake -S . -B $build -DLONGSHORE_TESTS=ON -DLONGSHORE_SANITIZE=ON -DLONGSHORE_STRICT=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
cmake --build $build --parallel "$(nproc)" >/dev/null
ctest --test-dir $build --output-on-failure -E '^fuzz_'
