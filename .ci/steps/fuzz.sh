# Each parser against clang's libFuzzer, 20 seconds each.
set -eu

build=build/fuzz
cmake -S . -B $build -DCMAKE_CXX_COMPILER=clang++ -DLONGSHORE_TESTS=ON -DLONGSHORE_STRICT=ON -DLONGSHORE_FUZZ_SECONDS=20 >/dev/null
grep -q 'LONGSHORE_LIBFUZZER:INTERNAL=1' $build/CMakeCache.txt || {
  echo "clang has no libFuzzer here: apt-get install libclang-rt-14-dev"
  exit 1
}
drivers=$(cd native/fuzz && ls fuzz_*.cc | sed 's/[.]cc$//')
cmake --build $build --parallel "$(nproc)" --target $drivers >/dev/null
ctest --test-dir $build --output-on-failure --parallel "$(nproc)" --no-tests=error -R '^fuzz_'
