#!/usr/bin/env bash
# libtorch for the trainer: torch's own wheel, pinned and hash-checked (light.txt, full.txt), unpacked into target/libtorch.
#
# usage: setup.sh [light|full]      without a word: full where an NVIDIA driver answers, light elsewhere
#
# What it leaves: wheel/ (what pip unpacked), include and lib (what a build links against: torch_cpu and c10 alone, so that
# one binary serves machines with and without CUDA), build-version (torch-sys checks it), set (which set this is).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=${LIBTORCH_ROOT:-$here/../../target/libtorch}

fail() { echo "setup: $*" >&2; exit 2; }

set=${1:-}
if [ -z "$set" ]; then
  set=light
  if command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; then set=full; fi
fi
case $set in
  light) says="0.55 GB to download, 0.8 GB on disk; runs on the CPU alone" gib_needed=3 ;;
  full)  says="about 2.6 GB to download, 4.7 GB on disk; runs on the CPU and on NVIDIA GPUs" gib_needed=9 ;;
  *) fail "'$set' is no set: light (CPU) or full (CPU and CUDA)" ;;
esac
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || fail "torch's wheel is taken for Linux on x86-64, this is $(uname -s) on $(uname -m)"

stamp="$set $(sha256sum < "$here/$set.txt" | cut -c1-16)"
have=$(cat "$root/set" 2>/dev/null || true)
# The full set serves where the light one is asked for.
if [ "$have" = "$stamp" ] || { [ "$set" = light ] && [ "$have" = "full $(sha256sum < "$here/full.txt" | cut -c1-16)" ]; }; then
  if [ -e "$root/lib/libtorch_cpu.so" ] && [ -e "$root/include/torch/csrc/autograd/profiler_kineto.h" ]; then
    echo "libtorch $(cat "$root/build-version") is there already ($(cut -d' ' -f1 "$root/set") set)"
    exit 0
  fi
fi

# Everything that can be known before a download is checked before it.
python=${PYTHON:-python3}
command -v "$python" >/dev/null || fail "no '$python' here; libtorch comes out of a Python package: install Python 3.10 to 3.14 with pip, or set PYTHON"
"$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 15))' ||
  fail "'$python' is $("$python" -V 2>&1); torch 2.11.0 has packages for Python 3.10 to 3.14: set PYTHON to one of them"
"$python" -m pip --version >/dev/null 2>&1 || fail "'$python' has no pip: install it (on Debian: python3-pip), or set PYTHON to one that has"
command -v g++ >/dev/null || command -v c++ >/dev/null || fail "no C++ compiler here (g++ or c++), which the trainer's build needs"
mkdir -p "$root" || fail "cannot create $root"
free_kib=$(df -Pk "$root" | awk 'NR == 2 { print $4 }')
[ "$free_kib" -ge $((gib_needed * 1024 * 1024)) ] ||
  fail "$((free_kib / 1024)) MiB are free for $root, the $set set needs $((gib_needed * 1024)) while it unpacks: make room, or set LIBTORCH_ROOT"

echo "libtorch 2.11.0, $set set: $says"
rm -rf "$root/set" "$root/unpacking"
progress=(--progress-bar on)
[ -t 1 ] || progress=()
"$python" -m pip install --disable-pip-version-check --no-warn-conflicts --no-deps --require-hashes --no-compile \
  --only-binary :all: "${progress[@]}" --target "$root/unpacking" --requirement "$here/$set.txt" ||
  fail "pip could not fetch the $set set (its message is above); nothing was left half done, run it again"
torch="$root/unpacking/torch"
if [ "$set" = light ]; then
  # Nothing on a CPU loads these: half of the wheel.
  rm -f "$torch"/lib/libtorch_cuda*.so "$torch"/lib/libtorch_nvshmem.so
fi

rm -rf "$root/wheel" "$root/include" "$root/lib"
mv "$root/unpacking" "$root/wheel"
ln -s wheel/torch/include "$root/include"
mkdir "$root/lib"
for library in libtorch_cpu.so libtorch.so libc10.so; do ln -s "../wheel/torch/lib/$library" "$root/lib/$library"; done
ln -s "$(cd "$root/wheel/torch/lib" && ls libgomp* | sed 's|^|../wheel/torch/lib/|' | head -1)" "$root/lib/libgomp.so.1"
echo "2.11.0" > "$root/build-version"
echo "$stamp" > "$root/set"
echo "libtorch $(cat "$root/build-version") is ready ($set set)"
