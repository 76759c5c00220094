# Builds the world's repository: what rbe_configs_gen does in a container, done in the world. Asks
# the compiler and PATH that the image's Env sets, fills repository/*.in with the answers, and then
# compiles with what it wrote.
#   env tag     of the image, that the toolchain is generated for
#   revision    the commit of the project that the toolchain is pinned to
set -euo pipefail
shopt -s globstar dotglob
export LC_ALL=C

# The directories in which the compiler looks for headers.
include_directories() {
  "$CC" -E -xc -v - < /dev/null 2>&1 > /dev/null |
    sed -n '/^#include <...> search starts here/,/^End of search list/ s/^ //p'
}
headers() { while read -r directory; do printf '%s\n' "$directory"/**/*.h; done; }
# in_lines FORMAT: each line of standard input in that format, for a file to be filled with.
in_lines() { while IFS= read -r line; do printf "$1\n" "$line"; done; }

include_directories > include_directories
headers < include_directories | in_lines '  textual header "%s"' > headers
in_lines '        "%s",' < include_directories > quoted
in_lines '# %s' < <(printf '%s' "$env") > commented_env

# The commands of sed that fill a file: a line of its own is for a list, the rest for words.
{
  printf '/^@%s@$/ { r %s\nd; }\n' include_directories quoted include_paths include_directories \
    headers headers env commented_env
  for tool in $(cat "$template"/generated-cc/cc/*.in | sed -n 's/.*@which \([^@]*\)@.*/\1/p'); do
    echo "s|@which $tool@|$(type -P "$tool" || echo None)|"
  done
  echo "s|@CC@|$CC|; s|@bin@|${CC%/*}|; s|@bash@|$bash|; s|@glibc_version@|$glibc_version|"
  echo "s|@tag@|$tag|; s|@nativelink@|$revision|"
} > fill

for file in "$template"/**/*.in; do
  filled=$out${file#"$template"}
  mkdir -p "${filled%/*}"
  sed -f fill "$file" > "${filled%.in}"
  [ ! -x "$file" ] || chmod +x "${filled%.in}"
done

if grep -rn '@[a-z_]*@' "$out"; then echo "toolchain.sh: left to fill" >&2; exit 1; fi
echo 'int world(void) { return 0; }' > world.c
"$out/generated-cc/cc/cc_wrapper.sh" -c world.c -o world.o
ar rc libworld.a world.o
"$out/generated-cc/cc/validate_static_library.sh" libworld.a validated
