{
  description = "lre-audit: proves that a Nix-built Bazel toolchain or container image is hermetic";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      forEachSystem = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
    in
    {
      overlays.default = final: prev: { lre-audit = final.callPackage ./nix/package.nix { }; };

      packages = forEachSystem (pkgs: {
        default = pkgs.callPackage ./nix/package.nix { };
      });

      apps = forEachSystem (pkgs: {
        default = {
          type = "app";
          program = "${self.packages.${pkgs.system}.default}/bin/lre-audit";
        };
      });

      devShells = forEachSystem (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ self.packages.${pkgs.system}.default ];
          packages = with pkgs; [ gtest patchelf skopeo umoci valgrind clang-tools shellcheck ];
        };
      });

      checks = forEachSystem (pkgs: {
        package = self.packages.${pkgs.system}.default;
        # The program on its own closure: a build by nixpkgs has to be clean.
        self-audit = pkgs.runCommand "lre-audit-self-audit" { } ''
          ${self.packages.${pkgs.system}.default}/bin/lre-audit elf \
            ${self.packages.${pkgs.system}.default}/bin/lre-audit --format json > $out
          ! grep -q NOT_FOUND $out
        '';
      });
    };
}
