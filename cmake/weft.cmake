# SPDX-License-Identifier: MIT
# Settings that all targets of the project share.

include(GNUInstallDirs)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
find_program(PROTOC_C NAMES protoc-c REQUIRED)
find_path(LIBEV_INCLUDE_DIR ev.h REQUIRED)
find_library(LIBEV_LIBRARY ev REQUIRED)

set(WEFT_WARNINGS
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
    -Wvla -Wformat=2 -Wundef -Wcast-qual)
if(WEFT_WERROR)
    list(APPEND WEFT_WARNINGS -Werror)
endif()

# weft_options(TARGET): warnings, the feature-test macro, includes from the root. Functions of the house
# call each other directly in position-independent code too, which is clang's default: none of them is
# meant to be replaced at run time. What a project around this one has set for its own targets does not
# hold here: visibility is the version scripts' work, and static names repeat between files.
function(weft_options target)
    target_compile_options(${target} PRIVATE ${WEFT_WARNINGS} -fno-semantic-interposition)
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    set_target_properties(${target} PROPERTIES UNITY_BUILD OFF C_VISIBILITY_PRESET default)
    target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
endfunction()

# weft_exports(TARGET LIBRARIES...): the program exports the public names of those libraries to what it loads.
function(weft_exports target)
    set(list ${PROJECT_BINARY_DIR}/${target}_names.txt)
    set(names "")
    foreach(library ${ARGN})
        set(file ${PROJECT_SOURCE_DIR}/cmake/exports/${library}.txt)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
        file(STRINGS ${file} more REGEX "^[a-z]")
        list(APPEND names ${more})
    endforeach()
    list(REMOVE_DUPLICATES names)
    list(JOIN names ";\n    " names)
    file(CONFIGURE OUTPUT ${list} @ONLY CONTENT "{\n    ${names};\n};\n")
    target_link_options(${target} PRIVATE LINKER:--dynamic-list=${list})
    set_target_properties(${target} PROPERTIES LINK_DEPENDS ${list})
endfunction()

# weft_loads_plugins(TARGET): the program exports the public names of base and core, and has all that those are made of, so
# that a plugin is linked with neither and what exists once in a process (the allocator) exists once.
function(weft_loads_plugins target)
    weft_exports(${target} base core)
    set_target_properties(${target} PROPERTIES LINK_LIBRARY_OVERRIDE WHOLE_ARCHIVE,weft_base,weft_core,weft_transports)
endfunction()

# weft_library(TARGET SOURCES...): adds a static library of the house.
function(weft_library target)
    add_library(${target} STATIC ${ARGN})
    weft_options(${target})
endfunction()
