#!/usr/bin/env bash
# What building costs, in processor time and in yardsticks: one yardstick is what the compiler takes for a file that
# includes torch/torch.h and does nothing, in the same run. Builds in a folder of its own, without ccache.
#   bench/build.sh          what scripts/run builds: the command line and the window (goal: 30 yardsticks at most)
#   bench/build.sh --tests  then everything else as well (goal: 60 in all)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/scripts/setup" --quiet --no-build ${1:+"$1"}
[[ -x /usr/bin/time ]] || { echo "bench/build.sh: /usr/bin/time is missing; install the package time." >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CCACHE_DISABLE=1
cmake --preset release -S "$root" -B "$folder/build" -DDREAMSCOPE_TESTS=$([[ ${1:-} == --tests ]] && echo ON || echo OFF) \
  >"$folder/log" || { cat "$folder/log" >&2; exit 1; }
torch=$(sed -n 's/^DREAMSCOPE_TORCH:[^=]*=//p' "$folder/build/CMakeCache.txt")

processor_seconds() {  # processor_seconds COMMAND...: user and system time of the command and all its children
  /usr/bin/time -o "$folder/time" -f '%U %S %e %M' "$@" >"$folder/log" 2>&1 || { tail -n 40 "$folder/log" >&2; return 1; }
  awk '{printf "%.1f %.1f %.0f\n", $1 + $2, $3, $4 / 1024}' "$folder/time"
}
yardstick() {
  echo '#include <torch/torch.h>' >"$folder/yardstick.cpp"
  processor_seconds "${CXX:-g++}" -std=c++20 -O2 -I"$torch/include" -I"$torch/include/torch/csrc/api/include" \
    -c "$folder/yardstick.cpp" -o "$folder/yardstick.o"
}
read -r before _ memory < <(yardstick)
row() { printf '%-34s %8s s processor  %8s s wall  %6s yardsticks\n' "$@"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.1f", a / b}'; }
row "one yardstick ($memory MB)" "$before" - 1
read -r programs wall _ < <(processor_seconds cmake --build "$folder/build" --parallel "$(nproc)" --target dreamscope-cli dreamscope)
row "the programs (scripts/run)" "$programs" "$wall" "$(ratio "$programs" "$before")"
if [[ ${1:-} == --tests ]]; then
  read -r tests wall _ < <(processor_seconds cmake --build "$folder/build" --parallel "$(nproc)" --target all)
  row "the tests, after them" "$tests" "$wall" "$(ratio "$tests" "$before")"
  whole=$(awk -v a="$programs" -v b="$tests" 'BEGIN {printf "%.1f", a + b}')
  row "everything" "$whole" - "$(ratio "$whole" "$before")"
fi
read -r after _ _ < <(yardstick)
row "the yardstick again" "$after" - "$(ratio "$after" "$before")"
