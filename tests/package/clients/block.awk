# SPDX-License-Identifier: MIT
# awk -v language=LANGUAGE -f block.awk PAGE: the code of that language in a page of Markdown.
/^```/ {
    inside = $0 == "```" language
    next
}
inside
