#!/usr/bin/env zsh
# SPDX-License-Identifier: MIT
# complete.zsh FOLDER LINE: what a zsh makes of LINE at the tab key, with the completions in FOLDER.
zmodload zsh/zpty
zpty shell zsh -f -i
send() { zpty -w shell "$1" }

send "PROMPT= RPROMPT= HISTFILE= COLUMNS=500"
send "unsetopt beep; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D"
# What stands on the line then, between marks that the terminal's echo of these lines does not have.
send "show() { print -r -- \$'\\nLI''NE['\$BUFFER']'; exit }; zle -N show; bindkey '^X' show"
send 'print -r READ''Y'
zpty -r shell output '*READY*'
zpty -w -n shell "$2"$'\t\x18'
zpty -r shell output '*LINE\[*\]*'
output=${output##*LINE\[}
print -r -- ${output%%\]*}
