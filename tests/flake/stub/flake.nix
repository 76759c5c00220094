{
  # A nixpkgs in miniature, with what flake.nix and nix/package.nix use and the names that nixpkgs
  # gives it, so that the flake can be evaluated where there is no network. As in nixpkgs, callPackage
  # fails on an argument that no package answers, and an attribute that is missing is an error.
  outputs = { self }:
    let
      lib = {
        genAttrs = names: make: builtins.listToAttrs (map (name: { inherit name; value = make name; }) names);
        licenses.asl20 = { spdxId = "Apache-2.0"; };
        platforms.linux = [ "x86_64-linux" "aarch64-linux" ];
        fileset = {
          # Refuses files that are not there, as nixpkgs does.
          unions = paths: map (path: if builtins.pathExists path then path else throw "no such file: ${toString path}") paths;
          toSource = { root, fileset }: builtins.deepSeq fileset (builtins.path { path = root; name = "source"; });
        };
      };
      derivationOf = system: name: builtins.derivation { inherit name system; builder = "/bin/sh"; };
      packagesFor = system:
        let
          package = name: derivationOf system name;
          mkDerivation = attributes:
            builtins.deepSeq [ attributes.nativeBuildInputs attributes.buildInputs attributes.cmakeFlags attributes.src ]
              (derivationOf system "${attributes.pname}-${attributes.version}" // { inherit (attributes) meta pname version; });
          self = {
            inherit lib system;
            stdenv = { inherit mkDerivation; };
            llvmPackages.libllvm = package "llvm";
            runCommand = name: environment: script: builtins.seq script (package name);
            mkShell = { inputsFrom, packages }: builtins.deepSeq (map (p: p.outPath) (inputsFrom ++ packages)) (package "nix-shell");
            callPackage = file: overrides:
              let
                function = import file;
                arguments = builtins.functionArgs function;
                missing = builtins.filter (name: !(self ? ${name})) (builtins.attrNames arguments);
              in
              if missing != [ ] then throw "nixpkgs has no ${builtins.head missing}"
              else function (builtins.intersectAttrs arguments self // overrides);
          } // lib.genAttrs [
            "abseil-cpp" "brotli" "bzip2" "clang-tools" "cli11" "cmake" "curl" "gtest" "isa-l" "libarchive" "libffi"
            "libxml2" "ncurses" "ninja" "nlohmann_json" "openssl" "patchelf" "pkg-config" "protobuf" "re2"
            "shellcheck" "skopeo" "sqlite" "umoci" "valgrind" "xz" "yaml-cpp" "zlib" "zstd"
          ] package;
        in self;
    in
    { inherit lib; legacyPackages = lib.genAttrs lib.platforms.linux packagesFor; };
}
