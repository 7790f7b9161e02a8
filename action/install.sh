#!/usr/bin/env bash
# Gives the job a callcheck: the binary that it names; else the release of the action's version, from
# the tool cache or from GitHub, if it has the sum that stands in checksums.txt; else a build of the
# action's own source. Says where it is in the output `binary`.
#
# The bash of macOS is 3.2, and that of Windows needs its own form of paths.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_folder=$(dirname "$here")

# Text as the message of one of GitHub's commands: it ends with its line.
escaped() { local text="${1//'%'/%25}"; text="${text//$'\r'/%0D}"; printf '%s' "${text//$'\n'/%0A}"; }
fail() { printf '::error title=callcheck::%s\n' "$(escaped "$1")"; exit 1; }
warn() { printf '::warning title=callcheck::%s\n' "$(escaped "$1")"; }

to_unix() { if command -v cygpath >/dev/null; then cygpath --unix "$1"; else printf '%s' "$1"; fi; }
to_native() { if command -v cygpath >/dev/null; then cygpath --windows "$1"; else printf '%s' "$1"; fi; }

# The text $1 without the white space around it.
trimmed() {
  local text="${1#"${1%%[![:space:]]*}"}"
  printf '%s' "${text%"${text##*[![:space:]]}"}"
}

# Tells the run step which binary it is.
use() {
  local binary=$1
  "$binary" --version || fail "$binary cannot be run"
  local end="end-$RANDOM$RANDOM$RANDOM"
  printf 'binary<<%s\n%s\n%s\n' "$end" "$binary" "$end" >> "$GITHUB_OUTPUT"
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# Gets a URL into a file, also where the connection breaks off. Else says why in $trouble.
download() {
  local url=$1 file=$2 attempt status
  trouble="there is no curl here"
  command -v curl >/dev/null || return 1
  for attempt in 1 2 3 4; do
    status=$(curl --fail --location --silent --show-error --connect-timeout 20 --max-time 300 \
      --speed-limit 1000 --speed-time 30 --write-out '%{http_code}' --output "$file" "$url") && return 0
    trouble="curl could not get it (HTTP status ${status:-unknown})"
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

# Puts a file into the tool cache, in one step: another job of this machine may be doing the same, or
# reading it. False where that cannot be done, be it that the disk is full.
keep() {
  local new
  if [ -d "$2" ]; then return 1; fi
  new=$(mktemp "$2.XXXXXX") || return 1
  if cp "$1" "$new" && chmod 644 "$new" && mv -f "$new" "$2"; then return 0; fi
  rm -f "$new"
  return 1
}

# Unpacks the release of a version for this runner, of which the sum is known. False where it is not to be
# had.
released() {
  local version=$1 asset=$2 sum=$3 folder archive
  command -v sha256sum >/dev/null || command -v shasum >/dev/null \
    || fail "neither sha256sum nor shasum is here to check what is fetched with"
  # The archive itself is kept in the tool cache, not what was in it: so that it can be checked each time.
  folder="$(to_unix "${RUNNER_TOOL_CACHE:-$RUNNER_TEMP}")/callcheck/$version"
  mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ] || folder="$(to_unix "$RUNNER_TEMP")"
  archive="$folder/$asset"
  if ! [ -f "$archive" ] || [ "$(sha256 "$archive")" != "$sum" ]; then
    local url="$GITHUB_SERVER_URL/$ACTION_REPOSITORY/releases/download/v$version/$asset" part found
    # In the job's own folder, which is emptied after it, however it ends.
    part=$(mktemp "$(to_unix "$RUNNER_TEMP")/callcheck-XXXXXX") || fail "no file can be made in $RUNNER_TEMP"
    if ! download "$url" "$part"; then
      rm -f "$part"
      warn "$url is not to be had: $trouble"
      return 1
    fi
    found=$(sha256 "$part")
    if [ "$found" != "$sum" ]; then
      rm -f "$part"
      fail "$url is not what this action was released with: its SHA-256 is $found, and not $sum"
    fi
    keep "$part" "$archive" || archive=$part
  fi
  binary_folder="$(to_unix "$RUNNER_TEMP")/callcheck-$version"
  mkdir -p "$binary_folder" || fail "$binary_folder cannot be made"
  tar -xzf "$archive" -C "$binary_folder" --strip-components=1 || fail "$archive cannot be unpacked"
}

# Builds the action's own source.
build() {
  command -v cargo >/dev/null || fail "$1, and there is no cargo to build it: install Rust in a step before"
  printf 'callcheck: %s: building it, which takes some minutes\n' "$1"
  local root
  root="$(to_unix "$RUNNER_TEMP")/callcheck-source"
  # From its own folder, where no toolchain file of the job's repository decides which Rust it is.
  (cd "$source_folder" && cargo install --locked --quiet --path . \
    --root "$(to_native "$root")" --target-dir "$(to_native "$root/target")")
  binary_folder="$root/bin"
}

binary=$(trimmed "$INPUT_BINARY")
if [ -n "$binary" ]; then
  binary=$(to_unix "$binary")
  case $binary in /*) ;; *) binary="$(to_unix "$GITHUB_WORKSPACE")/$binary" ;; esac
  [ -f "$binary" ] || fail "there is no file at the input \`binary\`: $INPUT_BINARY"
  use "$binary"
  exit
fi

own_version=$(sed -n '/^version = /{s/.*"\(.*\)".*/\1/p;q;}' "$source_folder/Cargo.toml")
version=$(trimmed "$INPUT_VERSION")
version=${version:-$own_version}
version=${version#v}
asset="callcheck-$version-$(target).tar.gz"
sum=$(awk -v asset="$asset" '$2 == asset { print $1 }' "$here/checksums.txt")
if [ "$version" = source ]; then
  build "the source is asked for"
elif [ -z "$sum" ] && [ "$version" != "$own_version" ]; then
  fail "this action knows no release $version for this runner: leave the input \`version\` out for its own, \
$own_version, or use the action at v$version"
elif [ -z "$sum" ]; then
  build "this commit of the action has no release for this runner"
elif [ -z "$ACTION_REPOSITORY" ]; then
  build "the action is a copy in the job's own repository, and its releases are elsewhere"
elif ! released "$version" "$asset" "$sum"; then
  # Another version's source is not here.
  if [ "$version" != "$own_version" ]; then fail "the release $version is not to be had"; fi
  build "the release is not to be had"
fi
binary="$binary_folder/callcheck"
if [ -f "$binary.exe" ]; then binary="$binary.exe"; fi
use "$binary"
# Later steps may want it, too. Nothing else is in its folder.
to_native "$binary_folder" >> "$GITHUB_PATH"
printf '\n' >> "$GITHUB_PATH"
