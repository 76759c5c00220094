# Builds the wrapper of compiler and preprocessor: gcc, told where the store's libc, headers and
# binutils are.
set -eu
export PATH=$coreutils/bin
mkdir -p $out/bin $out/nix-support
include=$gcc/lib/gcc/x86_64-linux-gnu/12/include

echo "-nostdinc -isystem $include -isystem $glibc/include" > $out/nix-support/cc-cflags
echo "-B$binutils/bin -B$glibc/lib" > $out/nix-support/cc-path-flags
echo "-L$glibc/lib -L$libgcc/lib -Wl,--dynamic-linker=$glibc/lib/ld-linux-x86-64.so.2 -Wl,-rpath,$glibc/lib" \
  > $out/nix-support/cc-ldflags
echo "$glibc/lib/ld-linux-x86-64.so.2" > $out/nix-support/dynamic-linker

cat > $out/bin/cc <<WRAPPER
#!$bash/bin/bash
read -r cflags < $out/nix-support/cc-cflags
read -r path_flags < $out/nix-support/cc-path-flags
read -r ldflags < $out/nix-support/cc-ldflags
for argument; do
  case \$argument in -c | -S | -E) ldflags= ;; esac
done
exec $gcc/bin/gcc-12 \$path_flags \$cflags \$ldflags "\$@"
WRAPPER
ln -s cc $out/bin/gcc

cat > $out/bin/cpp <<WRAPPER
#!$bash/bin/bash
read -r cflags < $out/nix-support/cc-cflags
exec $gcc/bin/cpp-12 \$cflags "\$@"
WRAPPER
chmod +x $out/bin/cc $out/bin/cpp
