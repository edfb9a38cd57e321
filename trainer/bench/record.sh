#!/usr/bin/env bash
# Records fixtures/runs and fixtures/repeats: every variant many times, in processes of their own, interleaved.
#
# usage: record.sh OUT [ROUNDS] [CPU_ROUNDS]
#   TRAINER, ANALYZER   the two programs (default: those in target/release)
#   ROUNDS              rounds of all CUDA variants (10), CPU_ROUNDS of them with the CPU runs too (5)
#
# Can be stopped and started again with the same OUT: it goes on where it was. OUT/machine says where it ran.
# Leaves OUT/runs/<run>/ (results and trace of the first of each) and OUT/repeats/{results,ops} (of all).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
trainer=${TRAINER:-$root/target/release/trainer} analyzer=${ANALYZER:-$root/target/release/analyzer}
out=${1:?usage: record.sh OUT [ROUNDS] [CPU_ROUNDS]} rounds=${2:-10} cpu_rounds=${3:-5}
mkdir -p "$out/work" "$out/runs" "$out/repeats/results" "$out/repeats/ops"
cd "$out/work" # paths in the recordings are to be relative
touch ../done
# A run that was killed left a folder without results, whose name the next one is to have.
if [ -d runs ]; then find runs -mindepth 1 -maxdepth 1 -type d ! -exec test -e '{}/results.json' ';' -exec rm -r '{}' +; fi

unet=(unet --epochs 5 --batch-size 16 --train-samples 128 --test-samples 32)
lstm=(lstm --epochs 5 --batch-size 64 --train-samples 1280 --test-samples 320)
unet_variants=("" "--precision tf32" "--precision bf16" "--channels-last" "--precision tf32 --channels-last" "--precision bf16 --channels-last")
lstm_variants=("" "--precision tf32" "--precision bf16")

# once KEY WORDS...: one run, unless it is there already
once() {
  local key=$1 folder name; shift
  if grep -qxF "$key" ../done; then return; fi
  folder=$("$trainer" "$@" --quiet --out runs)
  name=$(basename "$folder")
  mkdir -p "../repeats/results/$name"
  cp "$folder/results.json" "../repeats/results/$name/"
  "$analyzer" ops "$folder" --format json --top all | gzip -9n > "../repeats/ops/$name.json.gz"
  case $name in
    *.*) rm -f "$folder"/*.pt.trace.json.gz ;; # of repeats the table is kept, not the trace
    *) mkdir -p "../runs/$name" && cp "$folder/results.json" "$folder"/*.pt.trace.json.gz "../runs/$name/" ;;
  esac
  echo "$key" >> ../done
}

has_gpu=false
if "$trainer" doctor | tee ../machine | grep -q "^GPU        cuda:0 [^:]*,"; then has_gpu=true; fi
for round in $(seq "$rounds"); do
  if $has_gpu; then
    # shellcheck disable=SC2086 # a variant is several words
    for variant in "${unet_variants[@]}"; do once "unet $round $variant" "${unet[@]}" --device cuda $variant; done
    # shellcheck disable=SC2086
    for variant in "${lstm_variants[@]}"; do once "lstm $round $variant" "${lstm[@]}" --device cuda $variant; done
  fi
  if [ "$round" -le "$cpu_rounds" ]; then
    once "unet $round cpu" "${unet[@]}" --device cpu
    once "lstm $round cpu" "${lstm[@]}" --device cpu
  fi
  echo "round $round of $rounds: $(wc -l < ../done) runs" >&2
done
