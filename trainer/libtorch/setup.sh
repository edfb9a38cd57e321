#!/usr/bin/env bash
# libtorch for the trainer: torch's own wheel, pinned and hash-checked (light.txt, full.txt), unpacked into target/libtorch.
#
# usage: setup.sh [light|full]      without a word: full where an NVIDIA driver answers, light elsewhere
#
# LIBTORCH in the environment names another folder: a libtorch that this script did not make is checked and left as it is.
#
# What it leaves: wheel/ (what pip unpacked), include and lib (what a build links against: torch_cpu and c10 alone, so that
# one binary serves machines with and without CUDA), build-version (torch-sys checks it), set (which set this is).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=${LIBTORCH:-$here/../../target/libtorch}
version=2.11.0

fail() { echo "setup: $*" >&2; exit 2; }
stamp_of() { echo "$1 $(sha256sum < "$here/$1.txt" | cut -c1-16)"; }
is_usable() { [ -e "$root/lib/libtorch_cpu.so" ] && [ -e "$root/include/torch/csrc/autograd/profiler_kineto.h" ]; }

set=${1:-}
if [ -z "$set" ]; then
  set=light
  if command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; then set=full; fi
fi
case $set in
  light) says="0.55 GB to download, 0.8 GB on disk; runs on the CPU alone" gib_needed=3 ;;
  full)  says="about 2.4 GB to download, 4.2 GB on disk; runs on the CPU and on NVIDIA GPUs" gib_needed=8 ;;
  *) fail "'$set' is no set: light (CPU) or full (CPU and CUDA)" ;;
esac

have=$(cat "$root/set" 2>/dev/null || true)
if is_usable && [ -z "$have" ]; then
  found=$(cat "$root/build-version" 2>/dev/null || true)
  case $found in
    "$version" | "$version"+*) echo "libtorch $found in $root is taken as it is"; exit 0 ;;
    *) fail "libtorch in $root is '$found', the trainer needs $version: unset LIBTORCH, or name another" ;;
  esac
fi
# The full set serves where the light one is asked for.
if is_usable && { [ "$have" = "$(stamp_of "$set")" ] || { [ "$set" = light ] && [ "$have" = "$(stamp_of full)" ]; }; }; then
  echo "libtorch $version is there already (${have%% *} set)"
  exit 0
fi

# Everything that can be known before a download is checked before it.
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || fail "torch's wheel is taken for Linux on x86-64, this is $(uname -s) on $(uname -m)"
python=${PYTHON:-python3}
command -v "$python" >/dev/null || fail "no '$python' here; libtorch comes out of a Python package: install Python 3.10 to 3.14 with pip, or set PYTHON"
"$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 15))' ||
  fail "'$python' is $("$python" -V 2>&1); torch $version has packages for Python 3.10 to 3.14: set PYTHON to one of them"
"$python" -m pip --version >/dev/null 2>&1 || fail "'$python' has no pip: install it (on Debian: python3-pip), or set PYTHON to one that has"
command -v g++ >/dev/null || command -v c++ >/dev/null || fail "no C++ compiler here (g++ or c++), which the trainer's build needs"
mkdir -p "$root" || fail "cannot create $root"
free_kib=$(df -Pk "$root" | awk 'NR == 2 { print $4 }')
[ "$free_kib" -ge $((gib_needed * 1024 * 1024)) ] ||
  fail "$((free_kib / 1024)) MiB are free for $root, the $set set needs $((gib_needed * 1024)) while it unpacks: make room, or set LIBTORCH to a folder on another disk"

echo "libtorch $version, $set set: $says"
# pip unpacks in its temporary folder and moves then: all of it is to happen on the disk that was looked at.
trap 'rm -rf "$root/unpacking" "$root/tmp"' EXIT
rm -rf "$root/unpacking" "$root/tmp"
mkdir "$root/tmp"
progress=(--progress-bar on)
[ -t 1 ] || progress=(--quiet)
TMPDIR="$root/tmp" "$python" -m pip install --disable-pip-version-check --no-warn-conflicts --root-user-action ignore \
  --no-deps --require-hashes --no-compile --only-binary :all: "${progress[@]}" --target "$root/unpacking" --requirement "$here/$set.txt" ||
  fail "pip could not fetch the $set set (its message is above); what was there before is as it was: run it again"
torch="$root/unpacking/torch"
if [ "$set" = light ]; then
  # Nothing on a CPU loads these: half of the wheel.
  rm -f "$torch"/lib/libtorch_cuda*.so "$torch"/lib/libtorch_nvshmem.so
fi

rm -rf "$root/set" "$root/wheel" "$root/include" "$root/lib"
mv "$root/unpacking" "$root/wheel"
ln -s wheel/torch/include "$root/include"
mkdir "$root/lib"
for library in libtorch_cpu.so libtorch.so libc10.so; do ln -s "../wheel/torch/lib/$library" "$root/lib/$library"; done
ln -s "../wheel/torch/lib/$(basename "$(ls "$root"/wheel/torch/lib/libgomp* | head -1)")" "$root/lib/libgomp.so.1"
echo "$version" > "$root/build-version"
stamp_of "$set" > "$root/set"
echo "libtorch $version is ready ($set set)"
