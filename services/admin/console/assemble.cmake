# SPDX-License-Identifier: MIT
#
# Makes one page of this folder and a C array of it: cmake -DOUT=console_page.c -P assemble.cmake
#
# A line @NAME@ becomes the file NAME. The page's policy names each script by its digest (CSP 3, 6.7.2), so that a
# browser runs these scripts and no other.
cmake_minimum_required(VERSION 3.25)

function(fill text out)
    string(REGEX MATCHALL "@[A-Za-z/.]+@" names "${text}")
    foreach(name IN LISTS names)
        string(REPLACE "@" "" file "${name}")
        file(READ "${CMAKE_CURRENT_LIST_DIR}/${file}" content)
        string(STRIP "${content}" content)
        string(REPLACE "${name}" "${content}" text "${text}")
    endforeach()
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

# Base64 of bytes that are given in hexadecimal.
function(base64 hex out)
    set(alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    set(text "")
    string(LENGTH "${hex}" length)
    math(EXPR last "${length} - 1")
    foreach(at RANGE 0 ${last} 6)
        string(SUBSTRING "${hex}0000" ${at} 6 group)
        foreach(shift 18 12 6 0)
            math(EXPR digit "(0x${group} >> ${shift}) & 63")
            string(SUBSTRING "${alphabet}" ${digit} 1 char)
            string(APPEND text "${char}")
        endforeach()
    endforeach()
    math(EXPR padding "(3 - ${length} / 2 % 3) % 3")
    string(LENGTH "${text}" size)
    math(EXPR size "${size} - ${padding}")
    string(SUBSTRING "${text}" 0 ${size} text)
    string(REPEAT "=" ${padding} rest)
    set(${out} "${text}${rest}" PARENT_SCOPE)
endfunction()

# 'sha256-...' of what stands between each pair of tags.
function(digests page tag out)
    set(all "")
    while(TRUE)
        string(FIND "${page}" "<${tag}>" begin)
        if(begin EQUAL -1)
            break()
        endif()
        string(LENGTH "<${tag}>" skip)
        math(EXPR begin "${begin} + ${skip}")
        string(SUBSTRING "${page}" ${begin} -1 page)
        string(FIND "${page}" "</${tag}>" end)
        string(SUBSTRING "${page}" 0 ${end} content)
        string(SHA256 hex "${content}")
        base64("${hex}" digest)
        string(APPEND all " 'sha256-${digest}'")
    endwhile()
    set(${out} "${all}" PARENT_SCOPE)
endfunction()

file(READ "${CMAKE_CURRENT_LIST_DIR}/page.html" page)
fill("${page}" page)
digests("${page}" script scripts)
digests("${page}" style styles)

file(WRITE "${OUT}.html" "${page}")
file(READ "${OUT}.html" hex HEX)
file(SIZE "${OUT}.html" size)
string(REGEX REPLACE "(................................)" "\\1\n    " hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1, " hex "${hex}")
file(WRITE "${OUT}" "/* Made by assemble.cmake. */
#include \"services/admin/console/console.h\"

const char weft_console_policy[] =
    \"default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \"
    \"frame-ancestors 'none'; script-src${scripts}; style-src${styles}\";
const size_t weft_console_size = ${size};
const unsigned char weft_console_page[] = {
    ${hex}
};
")
