# How a folder becomes a target, and a test a test.
set(LRE_AUDIT_WARNINGS -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wno-sign-compare)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms on std::string at -O2 (gcc.gnu.org/PR105651), which GCC no longer knows to come from a
  # system header once that is precompiled. The sanitizers and clang watch over the same mistakes.
  list(APPEND LRE_AUDIT_WARNINGS -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
endif()
if(LRE_AUDIT_WERROR)
  list(APPEND LRE_AUDIT_WARNINGS -Werror)
endif()

# Parsing the standard library, Abseil and protobuf takes longer than most files of our own, so it is
# done once. Never a header of ours: what a floor may include must stay visible. The preset clang does
# without, so that lint finds the include that a file forgot.
set(LRE_AUDIT_PRECOMPILED
  <algorithm> <array> <deque> <filesystem> <functional> <map> <memory> <optional> <ostream> <set>
  <string> <string_view> <utility> <vector>
  <absl/container/flat_hash_map.h> <absl/container/flat_hash_set.h>
  <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/strings/str_join.h> <absl/strings/str_split.h>
  <google/protobuf/generated_message_reflection.h> <google/protobuf/message.h>)
# All must be compiled with the same options that define macros: some libraries ask for -pthread. ccache
# needs -fpch-preprocess (and pch_defines in its sloppiness).
set(LRE_AUDIT_PRECOMPILED_OPTIONS -pthread $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)

# lre_precompile(NAME KIND HEADERS...): a target whose precompiled headers others REUSE_FROM.
function(lre_precompile name kind)
  file(WRITE ${PROJECT_BINARY_DIR}/${name}.cc "int main() {}\n")
  if(kind STREQUAL "EXECUTABLE")
    add_executable(${name} ${PROJECT_BINARY_DIR}/${name}.cc)
  else()
    add_library(${name} ${kind} ${PROJECT_BINARY_DIR}/${name}.cc)
  endif()
  target_compile_options(${name} PRIVATE ${LRE_AUDIT_WARNINGS} ${LRE_AUDIT_PRECOMPILED_OPTIONS})
  target_precompile_headers(${name} PRIVATE ${ARGN})
endfunction()

lre_precompile(lre_headers OBJECT ${LRE_AUDIT_PRECOMPILED})
target_link_libraries(lre_headers PRIVATE
  protobuf::libprotobuf absl::flat_hash_map absl::statusor)

# With LRE_AUDIT_UNITY a folder is compiled in one piece, which takes a quarter of the time and hides
# the include that a file forgot: for lint, and for a build that nobody works in. These files name
# something of their own as another one of the folder does.
set(LRE_AUDIT_COMPILED_APART
  audit/claims/metadata.cc audit/claims/shebang.cc audit/claims/shell_words.cc audit/claims/wrapper.cc
  audit/explain/blob_causes.cc audit/explain/content_difference.cc audit/explain/store_places.cc
  audit/link/view_closure.cc
  audit/nix/cache_directory.cc audit/nix/database.cc audit/nix/nar_info.cc audit/nix/nix_conf.cc
  audit/nix/references.cc
  audit/trees/docker_archive.cc audit/trees/json.cc audit/trees/nix2container.cc
  audit/trees/nix2container_layer.cc audit/trees/nix2container_tree.cc audit/trees/open_image.cc
  audit/trees/store_files.cc audit/trees/tar_header.cc
  elf/ld_cache.cc elf/macho.cc
  rules/platform_rules.cc rules/toolchain_rules.cc)
set(LRE_AUDIT_FOLDERS_APART toolchain why)

# lre_library(NAME SOURCES... [LIBS ...]): the library of one folder.
function(lre_library name)
  cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  if(LRE_AUDIT_UNITY AND NOT name IN_LIST LRE_AUDIT_FOLDERS_APART)
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
    foreach(source ${ARG_UNPARSED_ARGUMENTS})
      file(RELATIVE_PATH relative ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/${source})
      if(relative IN_LIST LRE_AUDIT_COMPILED_APART)
        set_source_files_properties(${source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
      endif()
    endforeach()
  endif()
  target_compile_options(${name} PRIVATE ${LRE_AUDIT_WARNINGS} ${LRE_AUDIT_PRECOMPILED_OPTIONS})
  target_precompile_headers(${name} REUSE_FROM lre_headers)
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR} PRIVATE ${PROJECT_BINARY_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_LIBS})
endfunction()

# lre_proto(NAME FILES... [LIBS ...]): generated C++ of .proto files, included as "folder/x.pb.h".
function(lre_proto name)
  cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
  set(outputs)
  foreach(proto ${ARG_UNPARSED_ARGUMENTS})
    file(RELATIVE_PATH relative ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/${proto})
    string(REGEX REPLACE "\\.proto$" "" stem ${relative})
    add_custom_command(
      OUTPUT ${PROJECT_BINARY_DIR}/${stem}.pb.cc ${PROJECT_BINARY_DIR}/${stem}.pb.h
      COMMAND protobuf::protoc --proto_path=${PROJECT_SOURCE_DIR} --cpp_out=${PROJECT_BINARY_DIR} ${relative}
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${proto}
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
      COMMENT "protoc ${relative}")
    list(APPEND outputs ${PROJECT_BINARY_DIR}/${stem}.pb.cc)
  endforeach()
  # What clang-tidy needs of a build, and no more.
  add_custom_target(${name}_generated DEPENDS ${outputs})
  if(NOT TARGET generated)
    add_custom_target(generated)
  endif()
  add_dependencies(generated ${name}_generated)
  add_library(${name} STATIC ${outputs})
  target_include_directories(${name} SYSTEM PUBLIC ${PROJECT_BINARY_DIR})
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf ${ARG_LIBS})
endfunction()

# lre_test(NAME SOURCES... [LIBS ...]): one GoogleTest program, run by ctest under its own name. Tests
# are not optimized, nor instrumented by UBSan, whatever they test is: that halves what they take to
# compile.
set(LRE_AUDIT_TEST_OPTIONS -O0 -fno-sanitize=undefined)
function(lre_test name)
  cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_compile_options(${name} PRIVATE ${LRE_AUDIT_WARNINGS} ${LRE_AUDIT_PRECOMPILED_OPTIONS}
    ${LRE_AUDIT_TEST_OPTIONS})
  target_precompile_headers(${name} REUSE_FROM lre_test_headers)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
endfunction()
