# A small, clean, working Nix store of relocated Debian packages, and the leaks planted beside it.
#   debs   a directory of NAME.deb and versions.json, as build.sh downloads them
{ debs }:
let
  versions = builtins.fromJSON (builtins.readFile (debs + "/versions.json"));

  # One builder for all packages: relocate.sh, with the host's dpkg-deb and patchelf.
  package = { name, debs, libraries ? [ ], drop ? "", finish ? "" }:
    derivation {
      name = "${name}-${versions.${builtins.head debs}}";
      system = "x86_64-linux";
      builder = "/bin/bash";
      args = [ ./relocate.sh ];
      debs = map (deb: sources.${deb}) debs;
      glibc = if name == "glibc" then "" else packages.glibc;
      shell = if name == "glibc" || name == "bash" || name == "tinfo" then "" else packages.bash;
      inherit libraries drop finish;
    };
  sources = builtins.mapAttrs (deb: version: debs + "/${deb}.deb") versions;
  packages = import ./packages.nix { inherit package; };

  # A script run by the world's own shell with the world's own tools, and nothing of the host's.
  # It ends in the shell itself: Nix kills a builder that has closed its output, as the coreutils
  # do a moment before they exit.
  run = name: script: environment: derivation ({
    inherit name;
    system = "x86_64-linux";
    builder = "${packages.bash}/bin/bash";
    args = [ "-euc" "${script}\n:" ];
    PATH = builtins.concatStringsSep ":" (map (p: "${p}/bin") ([ cc ] ++ (with packages; [ binutils coreutils grep sed bash ])));
  } // environment);

  # The compiler as nixpkgs wraps it: every default that leads outside the store is replaced.
  cc = derivation {
    name = "cc-wrapper-${versions.gcc-12}";
    system = "x86_64-linux";
    builder = "${packages.bash}/bin/bash";
    args = [ ./cc-wrapper.sh ];
    inherit (packages) bash binutils coreutils gcc glibc libgcc;
  };

  hello = run "hello-1.0" ''
    mkdir -p $out/bin
    cc -x c - -o $out/bin/hello < ${./hello.c}
  '' { };
  # A path that the clean image lacks, for leaks.sh to plant leaks around.
  spare = run "spare-1.0" ''
    mkdir -p $out/bin $out/share
    cp ${hello}/bin/hello $out/bin/spare
    echo "a file that nothing needs" > $out/share/note
  '' { };
  # What the image holds: programs that work, with all that they need.
  clean = { inherit (packages) bash binutils coreutils grep make sed zlib; inherit cc hello; };
  leaks = import ./leaks.nix { inherit run packages cc; hello = ./hello.c; };
in
{
  inherit clean spare;
  # A path that needs the spare one.
  referrer = run "referrer-1.0" ''
    mkdir -p $out/share
    echo "see ${spare}/share/note" > $out/share/note
  '' { };
  inherit (leaks) demo;
  leaks = builtins.mapAttrs (tag: leak: leak.package) leaks.planted;
  # One line per leak: tag, rule, path, referenced, exit code, companions, store path.
  table = builtins.concatStringsSep "" (builtins.attrValues (builtins.mapAttrs
    (tag: leak: builtins.concatStringsSep "\t" [
      tag leak.rule (if builtins.substring 0 1 leak.file == "/" then leak.file else "${leak.package}/${leak.file}") leak.referenced leak.exit leak.companions "${leak.package}"
    ] + "\n")
    leaks.planted));
}
