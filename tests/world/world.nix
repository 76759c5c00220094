# A small, clean, working Nix store of relocated Debian packages, the repository of a project that
# builds with its compiler, and the leaks planted beside it.
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
  # A further revision is the same with another hash, as it is after an update of nixpkgs.
  wrapper = revision: derivation {
    name = "cc-wrapper-${versions.gcc-12}";
    system = "x86_64-linux";
    builder = "${packages.bash}/bin/bash";
    args = [ ./cc-wrapper.sh ];
    inherit (packages) bash binutils coreutils gcc glibc libgcc;
    inherit revision;
  };
  cc = wrapper 1;

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

  # The image's environment, as LRE sets it: what the toolchain is generated under, and what
  # developers have locally.
  environment = cc: {
    PATH = builtins.concatStringsSep ":" (map (p: "${p}/bin") ([ packages.binutils cc ] ++ (with packages; [ bash coreutils grep make sed ])));
    CC = "${cc}/bin/cc";
  };
  lines = environment: "PATH=${environment.PATH}\nCC=${environment.CC}\n";
  # The image's tag is the hash of its description, as of nix2container's images.
  description = builtins.toFile "image-lre-cc.json"
    (builtins.unsafeDiscardStringContext (builtins.toJSON { name = "lre-cc"; config.Env = lines (environment cc); }));
  tag = builtins.unsafeDiscardStringContext
    (builtins.substring (builtins.stringLength "${builtins.storeDir}/") 32 description);

  leaks = import ./leaks.nix { inherit run packages cc spare; hello = ./hello.c; };
in
{
  inherit clean spare tag;
  env = lines (environment cc);
  # The generated toolchain and what pins and deploys it.
  repository = run "repository" (builtins.readFile ./toolchain.sh) (environment cc // {
    inherit (packages) bash;
    inherit tag;
    env = lines (environment cc);
    glibc_version = versions.libc6;
    revision = "5d1f0c6b9a3e8472d05c1b7fe96a4830c2d7b815";
    template = ./repository;
  });

  # After an update: another build of the compiler's wrapper, and a tool that the image lacks.
  next_cc = wrapper 2;
  next_env = lines (environment (wrapper 2));
  gcov = package {
    name = "gcov";
    debs = [ "gcc-12" ];
    libraries = [ packages.zlib packages.zstd ];
    drop = "lib bin/*gcc* bin/*lto* bin/*gcov-[dt]*";
    finish = "ln -s gcov-12 bin/gcov";
  };
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
