# What the world is made of. Each package is one store path, made of Debian packages as they are
# but moved: `package` (world.nix) gives it the store's interpreter, RUNPATHs, shebangs and symlinks.
#   debs       the Debian packages that are unpacked into it
#   libraries  packages whose lib/ its objects may need; unneeded ones are left out of RUNPATHs
#   drop       globs of what to leave out: what the world does not need, or what could only leak
#   finish     shell, run in the finished tree
{ package }:
rec {
  glibc = package {
    name = "glibc";
    debs = [ "libc6" "libc6-dev" "linux-libc-dev" ];
    # No static libc: what is left are the startup objects and scripts that any link needs.
    drop = "etc lib64 lib/gconv lib/audit lib/lib[cgm].a lib/libm-*.a lib/libmvec.a lib/libresolv.a lib/libmcheck.a";
  };

  tinfo = package { name = "tinfo"; debs = [ "libtinfo6" ]; };
  bash = package {
    name = "bash";
    debs = [ "bash" ];
    libraries = [ tinfo ];
    drop = "etc bin/bashbug bin/clear_console";
    finish = "ln -s bash bin/sh";
  };

  attr = package { name = "attr"; debs = [ "libattr1" ]; drop = "etc"; };
  acl = package { name = "acl"; debs = [ "libacl1" ]; };
  pcre2 = package { name = "pcre2"; debs = [ "libpcre2-8-0" ]; };
  selinux = package { name = "selinux"; debs = [ "libselinux1" ]; libraries = [ pcre2 ]; };
  gmp = package { name = "gmp"; debs = [ "libgmp10" ]; };
  coreutils = package {
    name = "coreutils";
    debs = [ "coreutils" ];
    libraries = [ acl attr gmp selinux ];
    drop = "libexec";
  };
  grep = package { name = "grep"; debs = [ "grep" ]; libraries = [ pcre2 ]; };
  sed = package { name = "sed"; debs = [ "sed" ]; libraries = [ acl selinux ]; };
  make = package { name = "make"; debs = [ "make" ]; drop = "bin/make-first-existing-target"; };

  zlib = package { name = "zlib"; debs = [ "zlib1g" "zlib1g-dev" ]; drop = "lib/libz.a"; };
  zstd = package { name = "zstd"; debs = [ "libzstd1" ]; };
  jansson = package { name = "jansson"; debs = [ "libjansson4" ]; };
  binutils = package {
    name = "binutils";
    debs = [ "binutils-x86-64-linux-gnu" "libbinutils" "libctf-nobfd0" "libctf0" ];
    libraries = [ zlib zstd jansson ];
    drop = "etc bin/*gold bin/*dwp bin/*gp-* bin/*gprof* lib/gprofng lib/ldscripts/i386* lib/ldscripts/elf32* lib/ldscripts/elf_i* lib/bfd-plugins/liblto*";
    finish = "cd bin; for f in x86_64-linux-gnu-*; do ln -s $f \${f#x86_64-linux-gnu-}; done; ln -sf ld.bfd ld";
  };

  mpfr = package { name = "mpfr"; debs = [ "libmpfr6" ]; libraries = [ gmp ]; };
  mpc = package { name = "mpc"; debs = [ "libmpc3" ]; libraries = [ gmp mpfr ]; };
  isl = package { name = "isl"; debs = [ "libisl23" ]; libraries = [ gmp ]; };
  libgcc = package { name = "libgcc"; debs = [ "libgcc-s1" ]; };
  gcc = package {
    name = "gcc";
    debs = [ "cpp-12" "gcc-12" "libgcc-12-dev" ];
    libraries = [ gmp isl libgcc mpc mpfr zlib zstd ];
    # No link-time optimisation, sanitizers or plugins: half the size, and C still compiles.
    drop = "bin/*lto* bin/*gcov* lib/gcc/*/*/lto1 lib/gcc/*/*/plugin lib/gcc/*/*/*.spec lib/gcc/*/*/*san*"
      + " lib/gcc/*/*/libgomp* lib/gcc/*/*/libitm* lib/gcc/*/*/libquadmath* lib/gcc/*/*/libatomic*"
      + " lib/gcc/*/*/libcc1* lib/gcc/*/*/libbacktrace.a";
  };

  musl = package {
    name = "musl";
    debs = [ "musl" ];
    drop = "etc bin";
    finish = "mv lib/x86_64-linux-musl/libc.so lib/; rmdir lib/x86_64-linux-musl; ln -sf libc.so lib/ld-musl-x86_64.so.1";
  };
}
