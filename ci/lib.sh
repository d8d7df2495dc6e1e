# Shared by the scripts of this folder; sourced, not run. They run in the root of the repository.
# shellcheck shell=bash

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*"; }

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

# need COMMAND PACKAGE: installs the Debian package if the command is not there.
need() {
  if command -v "$1" >/dev/null; then return; fi
  local root=()
  if [ "$(id -u)" -ne 0 ]; then root=(sudo); fi
  say "installing $2 for the command $1"
  "${root[@]}" apt-get update -qq
  "${root[@]}" apt-get install -y -qq --no-install-recommends "$2"
}

# need_file PATH PACKAGE: installs the Debian package if the file is not there.
need_file() {
  if [ -e "$1" ]; then return; fi
  local root=()
  if [ "$(id -u)" -ne 0 ]; then root=(sudo); fi
  say "installing $2 for $1"
  "${root[@]}" apt-get update -qq
  "${root[@]}" apt-get install -y -qq --no-install-recommends "$2"
}

# need_rust: what a build needs beyond this repository.
need_rust() {
  command -v cargo >/dev/null || die "cargo is missing: install Rust 1.88 or newer (https://rustup.rs)"
  need cc gcc
}

# need_component SUBCOMMAND COMPONENT: a part of the Rust toolchain that cargo calls.
need_component() {
  if cargo "$1" --version >/dev/null 2>&1; then return; fi
  rustup component add "$2"
}

# target_directory: where cargo puts what it builds.
target_directory() { printf '%s\n' "${CARGO_TARGET_DIR:-$PWD/target}"; }

# matrix_directory: where the runners of the conformance cases write how each went.
matrix_directory() { printf '%s/matrix\n' "$(target_directory)"; }

# in_mounts COMMAND...: runs it where it may mount file systems, which nobody else sees and which end with it, if it is root that asks.
# DL_MOUNTS says to the runners of the conformance cases that they may: to make a file system full they need one of their own.
in_mounts() {
  if can_mount; then DL_MOUNTS=1 unshare --mount "$@"; else "$@"; fi
}

# can_mount: whether in_mounts can do that. What is mounted here is gone at once.
can_mount() { unshare --mount mount -t tmpfs tmpfs /tmp 2>/dev/null; }

# seconds: the clock, in whole and thousandths.
seconds() { date +%s.%3N; }

# since START: how long ago that was.
since() { awk -v start="$1" -v now="$(seconds)" 'BEGIN { printf "%.1f s", now - start }'; }

# need_node_modules: Node.js, and what bindings-node is built and tested with.
need_node_modules() {
  need node nodejs
  need npm npm
  node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' ||
    die "Node.js 20 or newer is needed; here is $(node --version)"
  if [ bindings-node/node_modules/.package-lock.json -nt bindings-node/package-lock.json ]; then return; fi
  npm --prefix bindings-node ci --no-fund --no-audit --loglevel=error
}

# python_tools: a Python of its own in target, with what bindings-python/requirements.txt names. Prints its path.
python_tools() {
  local folder python=${DL_PYTHON:-python3} wanted=bindings-python/requirements.txt
  folder=$(target_directory)/python/tools
  if ! cmp -s "$wanted" "$folder/$(basename "$wanted")"; then
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "Python 3.11 or newer is missing: set DL_PYTHON"
    rm -rf "$folder"
    "$python" -m venv "$folder" >&2 || die "python3 -m venv fails: install python3-venv"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$wanted" >&2
    cp "$wanted" "$folder"
  fi
  printf '%s\n' "$folder/bin/python"
}
