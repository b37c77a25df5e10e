# SPDX-License-Identifier: MIT
# bash complete.bash FILE WORD...: what FILE offers for the last of WORD..., as readline would ask.
# shellcheck disable=SC1090  # the file under test
. "$1"
COMP_WORDS=("${@:2}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
complete -p "$2" >/dev/null || exit 1
"_$2"
printf '%s ' "${COMPREPLY[@]}"
