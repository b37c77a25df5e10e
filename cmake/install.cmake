# SPDX-License-Identifier: MIT
# The libraries as others use them (shared and static, headers under weft/) and what `cmake --install`
# gives: those, pkg-config files, a CMake package, the programs. Everything that is public is named here
# and in cmake/exports/: a shared library exports the names of its list and nothing else.
include(CMakePackageConfigHelpers)

# The number in the sonames. A release that breaks programs linked to the one before raises it.
set(WEFT_ABI 0)

set(WEFT_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
file(RELATIVE_PATH WEFT_PC_TO_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)

# weft_public_header(HEADER): installs a header under weft/, without the first folder (core/, transports/,
# codecs/, services/) that it has in the tree.
function(weft_public_header header)
    string(REGEX REPLACE "^[a-z]+/(.*)" "\\1" installed ${header})
    get_filename_component(folder ${installed} DIRECTORY)
    string(REGEX REPLACE "[a-z]+/?" "../" up "${folder}")
    set(source ${PROJECT_SOURCE_DIR}/${header})
    set(made ${PROJECT_BINARY_DIR}/include/weft/${installed})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    file(READ ${source} text)

    # An include of a header below this one reads the same here and there. All others name a path in the
    # tree, which is made relative.
    string(REGEX REPLACE "#include \"(core|transports|codecs|services)/" "#include \"${up}" text "${text}")
    file(CONFIGURE OUTPUT ${made} CONTENT "${text}" @ONLY)
    install(FILES ${made} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/weft/${folder} COMPONENT development)
endfunction()

# weft_version_script(NAME OUT): the linker's version script from cmake/exports/NAME.txt.
function(weft_version_script name out)
    set(list ${PROJECT_SOURCE_DIR}/cmake/exports/${name}.txt)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${list})
    file(STRINGS ${list} names REGEX "^[a-z]")
    list(JOIN names ";\n    " globals)
    set(map ${PROJECT_BINARY_DIR}/weft_${name}.map)
    file(CONFIGURE OUTPUT ${map} @ONLY
        CONTENT "WEFT_${WEFT_ABI} {\nglobal:\n    ${globals};\nlocal:\n    *;\n};\n")
    set(${out} ${map} PARENT_SCOPE)
endfunction()

# weft_install_library(NAME
#     OF targets...          whose objects it is made of
#     SHARED_OF targets...   objects of a library that it needs, which exports them to nobody; the archive finds them there
#     HEADERS headers...     public
#     NEEDS names...         libraries of the house, named as here
#     LINKS items...         other libraries: what the build links
#     ARCHIVE_LINKS names... the other libraries for a program that links the archive: -lNAME
#     PC name                its pkg-config file
#     DESCRIPTION text
#     SHARED_ALONE)          there is no archive of it, and what exports it is weftSuites.cmake, which may be left out
#
# Makes and installs libweft_NAME.so as weft::NAME and libweft_NAME.a as weft::NAME_static. Both targets
# also exist in the build, for a project that has weft as a subdirectory.
function(weft_install_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "SHARED_ALONE" "PC;DESCRIPTION"
        "OF;SHARED_OF;HEADERS;NEEDS;LINKS;ARCHIVE_LINKS")

    foreach(header ${arg_HEADERS})
        weft_public_header(${header})
    endforeach()
    weft_version_script(${name} map)

    list(TRANSFORM arg_OF REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)
    list(TRANSFORM arg_SHARED_OF REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE shared_objects)
    set(shared weft_${name}_shared)
    set(static weft_${name}_static)
    set(targets ${shared})
    set(kinds shared)
    set(export weft_suites)
    add_library(${shared} SHARED ${objects} ${shared_objects})
    add_library(weft::${name} ALIAS ${shared})
    # A program's RUNPATH does not hold for what its libraries need, so each of them brings its own.
    set_target_properties(${shared} PROPERTIES
        EXPORT_NAME ${name} SOVERSION ${WEFT_ABI} LINK_DEPENDS ${map} INSTALL_RPATH "$ORIGIN")
    target_link_options(${shared} PRIVATE LINKER:-z,defs LINKER:--version-script=${map})
    target_link_libraries(${shared} PRIVATE ${arg_LINKS})
    if(NOT arg_SHARED_ALONE)
        set(export weft)
        list(APPEND targets ${static})
        list(APPEND kinds static)
        add_library(${static} STATIC ${objects})
        add_library(weft::${name}_static ALIAS ${static})
        set_target_properties(${static} PROPERTIES EXPORT_NAME ${name}_static)
        target_link_libraries(${static} INTERFACE ${arg_ARCHIVE_LINKS})
    endif()
    set_target_properties(${targets} PROPERTIES
        LINKER_LANGUAGE C OUTPUT_NAME weft_${name}
        ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib
        LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
    foreach(kind ${kinds})
        target_include_directories(weft_${name}_${kind} INTERFACE
            $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
        list(TRANSFORM arg_NEEDS REPLACE "(.+)" "weft_\\1_${kind}" OUTPUT_VARIABLE needs)
        target_link_libraries(weft_${name}_${kind} PUBLIC ${needs})
    endforeach()

    # The runtime component has the shared library alone, the development component all else.
    install(TARGETS ${targets} EXPORT ${export}
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
    configure_file(${PROJECT_SOURCE_DIR}/cmake/library.pc.in ${PROJECT_BINARY_DIR}/${arg_PC}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${arg_PC}.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
    set(WEFT_PC_OF_${name} ${arg_PC} PARENT_SCOPE)
endfunction()

weft_install_library(base
    PC weft-base
    DESCRIPTION "bytes, buffers, memory, options and limits of weft"
    OF weft_base
    HEADERS
        core/base/blob.h core/base/body.h core/base/buf.h core/base/bytes.h core/base/chain.h
        core/base/compiler.h core/base/err.h core/base/frame_cache.h core/base/histogram.h core/base/log.h core/base/log_limiter.h
        core/base/mem.h core/base/metadata.h
        core/base/reason.h core/base/samples.h core/base/settings.h core/base/slow_log.h core/base/units.h core/base/url.h core/codec.h)

weft_install_library(core
    PC weft
    DESCRIPTION "message servers whose framing is a plugin: loop, server, client"
    OF weft_core weft_transports weft_yamux
    HEADERS
        core/client.h core/connections.h core/dialer.h core/endpoints.h core/filter.h core/inspect.h core/layer.h core/loop.h core/peer.h core/plugin.h core/registry.h core/reject.h core/serve.h core/server.h
        core/service.h core/task.h core/transport.h
        transports/transports.h
    NEEDS base
    LINKS ${LIBEV_LIBRARY} Threads::Threads ${CMAKE_DL_LIBS}
    ARCHIVE_LINKS ev pthread ${CMAKE_DL_LIBS})

weft_install_library(codecs
    PC weft-codecs
    DESCRIPTION "the codecs of weft, for use with or without its event loop"
    OF ${WEFT_CODECS_OBJECTS}
    HEADERS codecs/codecs.h codecs/length_prefix.h
    NEEDS base
    LINKS ${WEFT_CODECS_LINKS}
    ARCHIVE_LINKS ${WEFT_CODECS_ARCHIVE_LINKS})

# The service and its client are one library because they share the code of their messages. The service
# is written against core/service.h alone, but libweft_core defines what that declares.
weft_install_library(kv
    PC weft-kv
    DESCRIPTION "the key-value service of weft and its client"
    OF weft_kv weft_kv_update weft_kv_faces weft_kv_trail weft_kv_memory weft_kv_abi weft_payload weft_kv_client
    HEADERS services/kv/client.h services/kv/client_topics.h services/kv/client_types.h services/kv/client_watch.h services/kv/messages.h services/kv/service.h services/kv/store.h
        services/kv/stores/stores.h services/kv/update.h services/kv/value.h
    NEEDS core
    LINKS PkgConfig::PROTOBUF_C PkgConfig::SODIUM Threads::Threads m
    ARCHIVE_LINKS protobuf-c sodium pthread m)

# A program with a service of its own need not have kv, so the readers and writers of payloads are in both.
weft_install_library(rpc
    PC weft-rpc
    DESCRIPTION "serves what protoc-c generates of a service"
    OF weft_rpc weft_payload
    HEADERS services/rpc/call.h services/rpc/metadata.h services/rpc/rpc.h
    NEEDS core
    LINKS PkgConfig::PROTOBUF_C m
    ARCHIVE_LINKS protobuf-c m)

get_property(WEFT_KV_DISK_LINKS GLOBAL PROPERTY WEFT_KV_DISK_LINKS)
get_property(WEFT_KV_DISK_ARCHIVE_LINKS GLOBAL PROPERTY WEFT_KV_DISK_ARCHIVE_LINKS)
# The stores on disk bring libraries that a program with the memory store alone does not want.
weft_install_library(kv_disk
    PC weft-kv-disk
    DESCRIPTION "the stores of weft's key-value service that keep everything on disk"
    OF weft_kv_journal weft_kv_records weft_kv_lmdb weft_kv_rocksdb weft_kv_parts
    SHARED_OF weft_kv_memory weft_kv_trail
    HEADERS services/kv/stores/on_disk.h
    NEEDS kv codecs
    LINKS ${WEFT_KV_DISK_LINKS} Threads::Threads
    ARCHIVE_LINKS ${WEFT_KV_DISK_ARCHIVE_LINKS} pthread)

# The store on Redis brings libhiredis, where the build found it.
if(WEFT_KV_REDIS)
    weft_install_library(kv_redis
        PC weft-kv-redis
        DESCRIPTION "the stores of weft's key-value service that keep everything in Redis"
        OF weft_kv_redis weft_kv_redis_store
        SHARED_OF weft_kv_update
        HEADERS services/kv/stores/on_redis.h
        NEEDS kv
        LINKS PkgConfig::HIREDIS PkgConfig::SODIUM
        ARCHIVE_LINKS hiredis sodium)
endif()

# The contract suites. What they drive a service with defines the functions of core/service.h and
# core/task.h, so a program links this library or weft::core, not both.
if(TARGET weft_suites)
    weft_install_library(suites
        PC weft-suites
        DESCRIPTION "the contracts of weft's seams as cmocka tests that a plugin joins"
        OF weft_suites
        HEADERS tests/suites/codec_suite.h tests/suites/layer_suite.h tests/suites/service_suite.h
            tests/suites/store_suite.h
        NEEDS base
        LINKS PkgConfig::CMOCKA PkgConfig::SODIUM Threads::Threads
        SHARED_ALONE)
    install(TARGETS weft-selftest COMPONENT development)
    # A file of its own, so that a system may have weft without the suites.
    install(EXPORT weft_suites FILE weftSuites.cmake NAMESPACE weft:: DESTINATION ${WEFT_PACKAGE_DIR}
        COMPONENT development)
endif()

# A plugin needs the headers alone: the program that loads it has the functions.
add_library(weft_plugin INTERFACE)
add_library(weft::plugin ALIAS weft_plugin)
set_target_properties(weft_plugin PROPERTIES EXPORT_NAME plugin)
target_include_directories(weft_plugin INTERFACE
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(TARGETS weft_plugin EXPORT weft)

if(WEFT_PROGRAMS)
    install(TARGETS kvs kvc COMPONENT runtime)
    if(WEFT_MANUAL)
        add_subdirectory(programs/man)
    endif()
endif()
install(FILES proto/abi.proto proto/kv.proto proto/rpc.proto DESTINATION ${CMAKE_INSTALL_DATADIR}/weft COMPONENT development)

install(EXPORT weft FILE weftTargets.cmake NAMESPACE weft:: DESTINATION ${WEFT_PACKAGE_DIR}
    COMPONENT development)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/weftConfig.cmake.in
    ${PROJECT_BINARY_DIR}/weftConfig.cmake INSTALL_DESTINATION ${WEFT_PACKAGE_DIR}
    NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/weftConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/weftConfig.cmake ${PROJECT_BINARY_DIR}/weftConfigVersion.cmake
    DESTINATION ${WEFT_PACKAGE_DIR} COMPONENT development)
