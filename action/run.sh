#!/usr/bin/env bash
# Turns the action's inputs into arguments of `callcheck run`, and becomes it. No input is ever read as
# shell; what begins with a dash is a flag in `args` alone.
set -euo pipefail

args=()

# The text $1 without the white space around it, as YAML's blocks leave some.
trimmed() {
  local text="${1#"${1%%[![:space:]]*}"}"
  printf '%s' "${text%"${text##*[![:space:]]}"}"
}

# A flag with a value, where there is one.
flag() {
  local value
  value=$(trimmed "$2")
  if [ -n "$value" ]; then args+=("--$1=$value"); fi
}

# A flag without one. What is neither true nor false is callcheck's to refuse, with its reports.
switch() {
  case $(trimmed "$2") in
    true) args+=("--$1") ;;
    false) ;;
    *) flag "$1" "$2" ;;
  esac
}

# Calls `$2 LINE…` for each line of $1 that is not blank.
each_line() {
  local line
  while IFS= read -r line || [ -n "$line" ]; do
    line=$(trimmed "$line")
    if [ -n "$line" ]; then "${@:2}" "$line"; fi
  done <<< "$1"
}

add() { args+=("$1"); }

each_line "$INPUT_TAGS" flag tag
each_line "$INPUT_NOT_TAGS" flag not-tag
each_line "$INPUT_NAMES" flag name
flag junit "$INPUT_JUNIT"
flag json "$INPUT_JSON"
flag html "$INPUT_HTML"
flag region "$INPUT_REGION"
flag endpoint-url "$INPUT_ENDPOINT_URL"
flag run-id "$INPUT_RUN_ID"
flag state-dir "$INPUT_STATE_DIR"
flag retries "$INPUT_RETRIES"
flag timeout "$INPUT_TIMEOUT"
switch fail-fast "$INPUT_FAIL_FAST"
switch fail-on-flaky "$INPUT_FAIL_ON_FLAKY"
switch allow-empty "$INPUT_ALLOW_EMPTY"
# These two may also have a value.
switch resume "$INPUT_RESUME"
switch simulate "$INPUT_SIMULATE"
each_line "$INPUT_ARGS" add
args+=(--)
each_line "$INPUT_SUITE" add

# Git's bash on Windows would make other paths of arguments that look like paths to it.
export MSYS_NO_PATHCONV=1 MSYS2_ARG_CONV_EXCL='*'
# A cancel signals this process and none below it.
exec "$CALLCHECK" run "${args[@]}"
