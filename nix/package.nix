# lre-audit as nixpkgs builds it; `callPackage ./package.nix { }`.
{ lib
, stdenv
, cmake
, ninja
, pkg-config
, abseil-cpp
, brotli
, bzip2
, cli11
, curl
, isa-l
, libarchive
, libffi
, libxml2
, llvmPackages
, ncurses
, nlohmann_json
, openssl
, protobuf
, re2
, sqlite
, xz
, yaml-cpp
, zlib
, zstd
}:

stdenv.mkDerivation {
  pname = "lre-audit";
  version = "0.1.0";

  # What the build reads, so that a change of documentation builds nothing anew.
  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../CMakeLists.txt
      ../audit
      ../base
      ../cmake
      ../elf
      ../reports
      ../rules
    ];
  };

  strictDeps = true;
  nativeBuildInputs = [ cmake ninja pkg-config protobuf ];
  buildInputs = [
    abseil-cpp
    brotli
    bzip2
    cli11
    curl
    isa-l
    libarchive
    libffi
    libxml2
    llvmPackages.libllvm
    ncurses
    nlohmann_json
    openssl
    protobuf
    re2
    sqlite
    xz
    yaml-cpp
    zlib
    zstd
  ];

  # Warnings concern those who change lre-audit, and its tests need a store to build in: ./dev test.
  cmakeFlags = [ "-DLRE_AUDIT_WERROR=OFF" "-DLRE_AUDIT_TESTS=OFF" ];

  meta = {
    description = "Proves that a Nix-built toolchain or container image is hermetic";
    license = lib.licenses.asl20;
    mainProgram = "lre-audit";
    platforms = lib.platforms.linux;
  };
}
