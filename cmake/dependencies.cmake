# Everything the program stands on, in one place. docs/decisions.md says what each is for.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(Protobuf REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(LZMA REQUIRED IMPORTED_TARGET liblzma)
find_package(BZip2 REQUIRED)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
find_package(nlohmann_json 3.9 REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(YAML_CPP REQUIRED IMPORTED_TARGET yaml-cpp)

# LLVM's static libraries, component by component: the one big shared library costs tens of
# milliseconds at every start.
find_package(LLVM REQUIRED CONFIG)
llvm_map_components_to_libnames(LRE_AUDIT_LLVM_LIBS object debuginfodwarf binaryformat support)
add_library(lre_llvm INTERFACE)
target_include_directories(lre_llvm SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS})
target_link_libraries(lre_llvm INTERFACE ${LRE_AUDIT_LLVM_LIBS})
