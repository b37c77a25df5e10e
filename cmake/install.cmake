# SPDX-License-Identifier: MIT
# What `cmake --install` gives: headers, static and shared libraries, pkg-config files, a CMake package,
# the programs. Everything that is public is named in this file.
#
# A header's functions and objects are public exactly where the header is; a library's version script is
# made from its public headers, so the shared libraries export nothing else.
include(CMakePackageConfigHelpers)

# The number in the sonames, raised by a release that breaks programs linked to the one before.
set(WEFT_ABI 0)

set(WEFT_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
file(RELATIVE_PATH WEFT_PC_TO_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)

# weft_public_header(HEADER OUT-NAMES): installs a header under weft/, without the first folder (core/,
# transports/, codecs/, services/) that it has in the tree, and adds the names it declares to OUT-NAMES.
function(weft_public_header header out)
    string(REGEX REPLACE "^[a-z]+/(.*)" "\\1" installed ${header})
    get_filename_component(folder ${installed} DIRECTORY)
    string(REGEX REPLACE "[a-z]+/?" "../" up "${folder}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
    file(READ ${header} text)

    # What is below a header is included by the same text here and there; the rest by its path in the tree.
    string(REGEX REPLACE "#include \"(core|transports|codecs|services)/" "#include \"${up}" text "${text}")
    file(WRITE ${CMAKE_BINARY_DIR}/include/weft/${installed} "${text}")
    install(FILES ${CMAKE_BINARY_DIR}/include/weft/${installed}
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/weft/${folder} COMPONENT development)

    # Names of macros and inline functions are found as well; the linker passes over them.
    string(REGEX MATCHALL "(weft|kvc?)_[a-z][a-z0-9_]*[(]" functions "${text}")
    string(REGEX MATCHALL "extern const struct [a-z_]+ [a-z0-9_]+" objects "${text}")
    list(TRANSFORM functions REPLACE "[(]" "")
    list(TRANSFORM objects REPLACE ".* " "")
    set(${out} ${${out}} ${functions} ${objects} PARENT_SCOPE)
endfunction()

# weft_install_library(NAME
#     OF targets...          whose objects it is made of
#     HEADERS headers...     public
#     INLINE names...        private functions that inline ones of public headers call
#     NEEDS names...         libraries of the house, named as here
#     LINKS items...         other libraries: what the build links
#     ARCHIVE_LINKS names... the same for who links the archive: -lNAME
#     PC name                its pkg-config file
#     DESCRIPTION text)
#
# Installs libweft_NAME.so as weft::NAME and libweft_NAME.a as weft::NAME_static.
function(weft_install_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "PC;DESCRIPTION"
        "OF;HEADERS;INLINE;NEEDS;LINKS;ARCHIVE_LINKS")

    set(names ${arg_INLINE})
    foreach(header ${arg_HEADERS})
        weft_public_header(${header} names)
    endforeach()
    list(REMOVE_DUPLICATES names)
    list(SORT names)
    list(JOIN names ";\n    " globals)
    set(map ${CMAKE_BINARY_DIR}/weft_${name}.map)
    file(CONFIGURE OUTPUT ${map} @ONLY
        CONTENT "WEFT_${WEFT_ABI} {\nglobal:\n    ${globals};\nlocal:\n    *;\n};\n")

    list(TRANSFORM arg_OF REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)
    add_library(${name}_shared SHARED ${objects})
    add_library(${name}_static STATIC ${objects})
    set_target_properties(${name}_shared PROPERTIES
        EXPORT_NAME ${name} SOVERSION ${WEFT_ABI} LINK_DEPENDS ${map})
    set_target_properties(${name}_shared ${name}_static PROPERTIES
        LINKER_LANGUAGE C OUTPUT_NAME weft_${name}
        ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib
        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
    target_link_options(${name}_shared PRIVATE LINKER:-z,defs LINKER:--version-script=${map})
    foreach(kind shared static)
        target_include_directories(${name}_${kind} INTERFACE
            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
        list(TRANSFORM arg_NEEDS APPEND _${kind} OUTPUT_VARIABLE needs)
        target_link_libraries(${name}_${kind} PUBLIC ${needs})
    endforeach()
    target_link_libraries(${name}_shared PRIVATE ${arg_LINKS})
    target_link_libraries(${name}_static INTERFACE ${arg_ARCHIVE_LINKS})

    # The shared one alone where programs are linked to it; what a developer needs where they are made.
    install(TARGETS ${name}_shared ${name}_static EXPORT weft
        LIBRARY COMPONENT runtime NAMELINK_COMPONENT development
        ARCHIVE COMPONENT development)

    set(PC_LIBS -lweft_${name})
    list(TRANSFORM arg_ARCHIVE_LINKS PREPEND -l OUTPUT_VARIABLE PC_LIBS_PRIVATE)
    list(JOIN PC_LIBS_PRIVATE " " PC_LIBS_PRIVATE)
    set(PC_REQUIRES "")
    foreach(need ${arg_NEEDS})
        list(APPEND PC_REQUIRES ${WEFT_PC_OF_${need}})
    endforeach()
    list(JOIN PC_REQUIRES " " PC_REQUIRES)
    set(PC_NAME ${arg_PC})
    set(PC_DESCRIPTION ${arg_DESCRIPTION})
    configure_file(${CMAKE_CURRENT_LIST_DIR}/library.pc.in ${CMAKE_BINARY_DIR}/${arg_PC}.pc @ONLY)
    install(FILES ${CMAKE_BINARY_DIR}/${arg_PC}.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
    set(WEFT_PC_OF_${name} ${arg_PC} PARENT_SCOPE)
endfunction()

weft_install_library(base
    PC weft-base
    DESCRIPTION "bytes, buffers, memory, options and limits of weft"
    OF weft_base
    HEADERS
        core/base/blob.h core/base/body.h core/base/buf.h core/base/bytes.h core/base/chain.h
        core/base/compiler.h core/base/err.h core/base/frame_cache.h core/base/log.h core/base/mem.h
        core/base/reason.h core/base/settings.h core/base/units.h core/base/url.h core/codec.h)

weft_install_library(core
    PC weft
    DESCRIPTION "message servers whose framing is a plugin: loop, server, client"
    OF weft_core weft_transports
    HEADERS
        core/client.h core/loop.h core/registry.h core/server.h core/service.h core/task.h core/transport.h
        transports/transports.h
    NEEDS base
    LINKS ${LIBEV_LIBRARY} Threads::Threads
    ARCHIVE_LINKS ev pthread)

weft_install_library(codecs
    PC weft-codecs
    DESCRIPTION "the codecs of weft, for use with or without its event loop"
    OF weft_codecs
    HEADERS codecs/codecs.h
    NEEDS base
    LINKS ${WEFT_CODECS_LINKS}
    ARCHIVE_LINKS ${WEFT_CODECS_ARCHIVE_LINKS})

# The service and its client in one: they share the code of their messages. The service is written
# against core/service.h alone, but what that declares is in libweft_core, so the library needs it.
weft_install_library(kv
    PC weft-kv
    DESCRIPTION "the key-value service of weft and its client"
    OF weft_kv weft_kv_client
    HEADERS services/kv/client.h services/kv/service.h services/kv/store.h
    NEEDS core
    LINKS PkgConfig::PROTOBUF_C Threads::Threads
    ARCHIVE_LINKS protobuf-c pthread)

install(TARGETS kvs kvc COMPONENT runtime)
add_subdirectory(programs/man)
install(FILES proto/abi.proto DESTINATION ${CMAKE_INSTALL_DATADIR}/weft COMPONENT development)

install(EXPORT weft FILE weftTargets.cmake NAMESPACE weft:: DESTINATION ${WEFT_PACKAGE_DIR}
    COMPONENT development)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/weftConfig.cmake.in
    ${CMAKE_BINARY_DIR}/weftConfig.cmake INSTALL_DESTINATION ${WEFT_PACKAGE_DIR}
    NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/weftConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/weftConfig.cmake ${CMAKE_BINARY_DIR}/weftConfigVersion.cmake
    DESTINATION ${WEFT_PACKAGE_DIR} COMPONENT development)
