#!/usr/bin/env bash
# Gives the job a callcheck: the binary that it names; else the release of the action's version, from
# the tool cache or from GitHub, if it has the sum that stands in checksums.txt; else a build of the
# action's own source. Says where it is in the output `binary`, and puts it on the PATH of later steps.
#
# The bash of macOS is 3.2, and that of Windows needs its own form of paths.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_folder=$(dirname "$here")

# What stands in a command of GitHub's must not be able to begin another: %q keeps it on its line.
fail() { printf '::error title=callcheck::%s\n' "$(escaped "$1")"; exit 1; }
warn() { printf '::warning title=callcheck::%s\n' "$(escaped "$1")"; }
escaped() { local text="${1//'%'/%25}"; text="${text//$'\r'/%0D}"; printf '%s' "${text//$'\n'/%0A}"; }

to_unix() { if command -v cygpath >/dev/null; then cygpath --unix "$1"; else printf '%s' "$1"; fi; }
to_native() { if command -v cygpath >/dev/null; then cygpath --windows "$1"; else printf '%s' "$1"; fi; }

# Tells the run step which binary it is, and has it on the PATH.
use() {
  local binary=$1
  "$binary" --version || fail "$binary cannot be run"
  local end="end-$RANDOM$RANDOM$RANDOM"
  printf 'binary<<%s\n%s\n%s\n' "$end" "$binary" "$end" >> "$GITHUB_OUTPUT"
  to_native "$(dirname "$binary")" >> "$GITHUB_PATH"
  printf '\n' >> "$GITHUB_PATH"
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# Gets a URL into a file, also where the connection breaks off. False where there is nothing to get.
download() {
  local url=$1 file=$2 attempt status
  for attempt in 1 2 3 4; do
    status=$(curl --fail --location --silent --show-error --connect-timeout 20 --max-time 300 \
      --write-out '%{http_code}' --output "$file" "$url") && return 0
    if [ "$status" = 404 ]; then return 1; fi
    if [ "$attempt" -lt 4 ]; then sleep "$attempt"; fi
  done
  return 1
}

# The target of the releases for this runner; empty where there is none.
target() {
  case "${RUNNER_OS:-}-${RUNNER_ARCH:-}" in
    Linux-X64) echo x86_64-unknown-linux-musl ;;
    Linux-ARM64) echo aarch64-unknown-linux-musl ;;
    macOS-X64) echo x86_64-apple-darwin ;;
    macOS-ARM64) echo aarch64-apple-darwin ;;
    # Windows on ARM runs it, too.
    Windows-*) echo x86_64-pc-windows-msvc ;;
  esac
}

# Unpacks the release of a version for this runner. False where there is none.
released() {
  local version=$1 asset sum folder archive
  asset="callcheck-$version-$(target).tar.gz"
  sum=$(awk -v asset="$asset" '$2 == asset { print $1 }' "$here/checksums.txt")
  if [ -z "$sum" ]; then return 1; fi
  # The archive itself is kept there, not what was in it: so that it can be checked each time.
  folder="$(to_unix "${RUNNER_TOOL_CACHE:-$RUNNER_TEMP}")/callcheck/$version"
  archive="$folder/$asset"
  if ! [ -f "$archive" ] || [ "$(sha256 "$archive")" != "$sum" ]; then
    local url="$GITHUB_SERVER_URL/$ACTION_REPOSITORY/releases/download/v$version/$asset" part
    mkdir -p "$folder"
    # Another job of this machine may be doing the same.
    part=$(mktemp "$folder/.part-XXXXXX")
    if ! download "$url" "$part"; then
      rm -f "$part"
      warn "there is no release to be had at $url: building from source, which takes some minutes"
      return 1
    fi
    local found
    found=$(sha256 "$part")
    if [ "$found" != "$sum" ]; then
      rm -f "$part"
      fail "$url is not what this action was released with: its SHA-256 is $found, and not $sum"
    fi
    mv -f "$part" "$archive"
  fi
  binary_folder="$(to_unix "$RUNNER_TEMP")/callcheck-$version"
  mkdir -p "$binary_folder"
  tar -xzf "$archive" -C "$binary_folder" --strip-components=1
}

build() {
  command -v cargo >/dev/null \
    || fail "no released binary fits, and there is no cargo to build one: install Rust in a step before"
  local root
  root="$(to_unix "$RUNNER_TEMP")/callcheck-source"
  # From its own folder, where no toolchain file of the job's repository decides which Rust it is.
  (cd "$source_folder" && cargo install --locked --quiet --path . \
    --root "$(to_native "$root")" --target-dir "$(to_native "$root/target")")
  binary_folder="$root/bin"
}

if [ -n "$INPUT_BINARY" ]; then
  binary=$(to_unix "$INPUT_BINARY")
  case $binary in /*) ;; *) binary="$(to_unix "$GITHUB_WORKSPACE")/$binary" ;; esac
  [ -f "$binary" ] || fail "there is no file at the input \`binary\`: $INPUT_BINARY"
  use "$binary"
  exit
fi

own_version=$(sed -n '/^version = /{s/.*"\(.*\)".*/\1/p;q;}' "$source_folder/Cargo.toml")
version=${INPUT_VERSION:-$own_version}
version=${version#v}
if [ "$version" = source ] || ! released "$version"; then
  case $version in
    source | "$own_version") ;;
    *) fail "this action knows no release $version for this runner: leave the input \`version\` out for its own, \
$own_version, or use the action at v$version" ;;
  esac
  build
fi
binary="$binary_folder/callcheck"
if [ -f "$binary.exe" ]; then binary="$binary.exe"; fi
use "$binary"
