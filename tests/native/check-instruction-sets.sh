#!/bin/sh
# Instructions that not every x86-64 CPU has may stand only in the files made for them, which export
# nothing that the linker could pick for anybody else (weak symbols: inline functions, templates).
# Usage: check-instruction-sets.sh <object file>...
set -eu

special='%[yz]mm[0-9]|sha256|crc32|pclmul|%k[1-7]'
bad=0
seen=0
for object in "$@"; do
  name=$(basename "$object")
  count=$(objdump -d --no-show-raw-insn "$object" | grep -E '^ +[0-9a-f]+:' |
    sed 's/[<#].*//' | grep -cE "$special" || true)
  case $name in
    *_shani.* | *_avx512.* | *_sse42.*)
      seen=$((seen + 1))
      if [ "$count" -eq 0 ]; then
        echo "$name has none of the instructions that it is there for"
        bad=1
      fi
      weak=$(nm --defined-only "$object" | grep -E ' [WVu] ' || true)
      if [ -n "$weak" ]; then
        echo "$name exports what another file may be given: $weak"
        bad=1
      fi
      ;;
    *)
      if [ "$count" -ne 0 ]; then
        echo "$name has $count instructions that not every CPU has"
        bad=1
      fi
      ;;
  esac
done
if [ "$seen" -eq 0 ]; then
  echo "none of the $# files is made for an instruction set: is the list right?"
  bad=1
fi
[ "$bad" -eq 0 ] && echo "$# files, $seen of them for an instruction set: all as it should be"
exit "$bad"
