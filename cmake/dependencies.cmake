# Everything the program stands on, in one place. docs/decisions.md says what each is for.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# A program that starts in milliseconds has no time to find, map and relocate forty shared libraries.
# So what has an archive beside the shared library (Debian: all but ISA-L) is linked from that; what
# has none (nixpkgs) stays shared. Program and tests alike: a process has one copy of each.
list(PREPEND CMAKE_FIND_LIBRARY_SUFFIXES ${CMAKE_STATIC_LIBRARY_SUFFIX})

find_package(absl REQUIRED)
# Its targets name files, and each other, so that only the files' names have to be exchanged.
get_property(LRE_AUDIT_IMPORTED DIRECTORY PROPERTY IMPORTED_TARGETS)
foreach(target IN LISTS LRE_AUDIT_IMPORTED)
  get_target_property(configuration ${target} IMPORTED_CONFIGURATIONS)
  if(NOT target MATCHES "^absl::" OR NOT configuration)
    continue()
  endif()
  get_target_property(location ${target} IMPORTED_LOCATION_${configuration})
  string(REGEX REPLACE "\\${CMAKE_SHARED_LIBRARY_SUFFIX}[.0-9]*$" ${CMAKE_STATIC_LIBRARY_SUFFIX} archive "${location}")
  if(EXISTS "${archive}")
    set_target_properties(${target} PROPERTIES IMPORTED_LOCATION_${configuration} "${archive}")
    # No C++ library is left that would bring a C++ runtime of its own.
    set(LRE_AUDIT_STATIC_RUNTIME ON)
  endif()
endforeach()

find_package(Protobuf REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(LZMA REQUIRED IMPORTED_TARGET liblzma)
find_package(BZip2 REQUIRED)
pkg_check_modules(BROTLI REQUIRED IMPORTED_TARGET libbrotlidec libbrotlicommon)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
# What their archives need in turn.
find_package(ZLIB REQUIRED)
target_link_libraries(protobuf::libprotobuf INTERFACE ZLIB::ZLIB)
target_link_libraries(PkgConfig::SQLITE INTERFACE ZLIB::ZLIB m)
target_link_libraries(OpenSSL::Crypto INTERFACE Threads::Threads ${CMAKE_DL_LIBS})

find_package(nlohmann_json 3.9 REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(YAML_CPP REQUIRED IMPORTED_TARGET yaml-cpp)

# libcurl is loaded at first use rather than linked, so only its headers and its name are taken. Where
# the loader does not look by itself, as on Nix, the name is a path.
find_package(CURL 7.77 REQUIRED)
list(GET CURL_LIBRARIES 0 LRE_AUDIT_LIBCURL_FILE)
if(TARGET ${LRE_AUDIT_LIBCURL_FILE})
  get_target_property(LRE_AUDIT_LIBCURL_FILE CURL::libcurl LOCATION)
endif()
get_filename_component(LRE_AUDIT_LIBCURL_DIRECTORY ${LRE_AUDIT_LIBCURL_FILE} DIRECTORY)
set(LRE_AUDIT_LIBCURL libcurl.so.4)
if(NOT LRE_AUDIT_LIBCURL_DIRECTORY MATCHES "^(/usr)?/lib(32|64)?(/[^/]+-linux-gnu[^/]*)?$")
  string(PREPEND LRE_AUDIT_LIBCURL "${LRE_AUDIT_LIBCURL_DIRECTORY}/")
endif()

# LLVM's static libraries, component by component: the one big shared library costs tens of
# milliseconds at every start.
find_package(LLVM REQUIRED CONFIG)
llvm_map_components_to_libnames(LRE_AUDIT_LLVM_LIBS object debuginfodwarf binaryformat support)
add_library(lre_llvm INTERFACE)
target_include_directories(lre_llvm SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS})
target_link_libraries(lre_llvm INTERFACE ${LRE_AUDIT_LLVM_LIBS})
