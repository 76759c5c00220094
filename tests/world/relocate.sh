# Builder of one package: unpacks Debian packages and moves them into the store, as if they had been
# built for it. Run by nix-build; its environment comes from world.nix.
set -eu
export PATH=/usr/bin:/bin LC_ALL=C

unpack() {
  local deb
  tree=$(mktemp -d)
  for deb in $debs; do dpkg-deb -x "$deb" "$tree"; done
  mkdir "$out"
  # One prefix: /usr and / become the store path, and the multiarch directories their parents.
  local from
  for from in "$tree/usr" "$tree"; do
    [ -d "$from" ] || continue
    rm -rf "$from/share" "$from/local"
    (cd "$from" && tar cf - --exclude=./usr .) | (cd "$out" && tar xf - --no-same-permissions)
  done
  rm -rf "$tree"
  chmod -R u+w "$out"
  cd "$out"
  rm -rf share sbin
  local parent
  for parent in lib include; do
    [ -d $parent/x86_64-linux-gnu ] || continue
    cp -a $parent/x86_64-linux-gnu/. $parent/
    rm -rf $parent/x86_64-linux-gnu
  done
}

# Prints where a path of the Debian system lies in the store, or fails.
in_store() {
  local prefix path=$1
  path=${path#/usr}
  path=${path/\/x86_64-linux-gnu\//\/}
  for prefix in "$out" $glibc $libraries; do
    if [ -e "$prefix$path" ]; then echo "$prefix$path"; return; fi
  done
  return 1
}

move_symlinks() {
  local link target
  find . -type l | while IFS= read -r link; do
    target=$(readlink "$link")
    case $target in
      /*) target=$(in_store "$target") && ln -sfn "$target" "$link" || rm "$link" ;;
      */x86_64-linux-gnu/*) ln -sfn "${target/\/x86_64-linux-gnu\//\/}" "$link" ;;
    esac
    [ -e "$link" ] || rm -f "$link"
  done
}

# $1: a file that starts with the ELF magic.
move_elf() {
  if readelf -lW "$1" 2>/dev/null | grep -q 'INTERP'; then
    patchelf --set-interpreter "$glibc/lib/ld-linux-x86-64.so.2" "$1"
  fi
  if readelf -dW "$1" 2>/dev/null | grep -q '(NEEDED)'; then
    patchelf --set-rpath "$library_path" "$1"
    patchelf --shrink-rpath "$1"
  fi
}

# $1: a text file that may name directories of the Debian system.
move_text() {
  case $1 in
    *.pc | *.la) sed -i "s|/lib/x86_64-linux-gnu|/lib|g; s|/usr|$out|g" "$1" ;;
    *.so) sed -i "s|\(/usr\)\?/lib/x86_64-linux-gnu/|$out/lib/|g; s|/lib64/|$out/lib/|g" "$1" ;;
    *) [ -z "$shell" ] || sed -i "1s|^#! */\(usr/\)\?bin/\([a-z]*sh\)|#!$shell/bin/\2|" "$1" ;;
  esac
}

move_files() {
  local file library
  library_path=$out/lib
  for library in $glibc $libraries; do library_path=$library_path:$library/lib; done
  find . -type f ! -name '*.[aoh]' | while IFS= read -r file; do
    case $(head -c 4 "$file" | tr -d '\0') in
      $'\x7fELF') move_elf "$file" ;;
      '#!'* | '/* G' | pref* | '') move_text "$file" ;;
      *) case $file in *.pc | *.la) move_text "$file" ;; esac ;;
    esac
  done
}

unpack
rm -rf $drop  # a list of globs
[ -n "$glibc" ] || glibc=$out
move_symlinks
move_files
eval "$finish"
