# The leaks that are planted by building them: each is a store path that Nix itself has built and
# registered, and that carries one leak. Image and closure then agree, and nothing but the leak is
# wrong. leaks.sh plants the others, in images and closures.
#   rule        what lre-audit has to report
#   file        where, inside the store path (or in another one: absolute)
#   referenced  what it leads to; "*" where the words are the rule's own
#   exit        the exit code: 1 for errors, 0 for warnings and notes
#   companions  rules of severity error that the same leak cannot but raise as well
{ run, packages, cc, spare, hello }:
let
  inherit (packages) bash glibc make musl sed zlib;
  leak = { rule, file, referenced ? "*", exit ? "1", companions ? "", build }: {
    inherit rule file referenced exit companions;
    package = run "leak-${rule}-1.0" ''
      mkdir -p $out/bin $out/lib
      compile() { cc "$@" -x c - -o $out/bin/hello < ${hello}; }
      # library NAME SONAME [FLAGS...]: an empty shared library.
      library() { local file=$1 soname=$2; shift 2; echo 'int lre_audit;' | cc -x c - -shared -fPIC -Wl,-soname,$soname -o $file "$@"; }
      # patch FILE OFFSET OCTAL...: overwrites bytes.
      patch() { local file=$1 at=$2; shift 2; printf "$@" | dd of=$file bs=1 seek=$at conv=notrunc status=none; }
      script() { printf '%s\n' "$@" > $out/bin/hello; chmod +x $out/bin/hello; }
      ${build}
      rmdir --ignore-fail-on-non-empty $out/bin $out/lib
    '' { };
  };
  # A library that needs zlib and does not say where it is.
  undeclared = run "inner-1.0" ''
    mkdir -p $out/lib
    echo 'int crc32(void); int inner(void) { return crc32(); }' | cc -x c - -c -fPIC -o inner.o
    ld -shared -soname libinner.so inner.o ${zlib}/lib/libz.so.1 -o $out/lib/libinner.so
  '' { };
  # A reference to a path that the closure lacks, since Nix does not see it: `pack` makes `file` of
  # the text on stdin.
  hidden = file: pack: {
    rule = "LRE306";
    exit = "0";
    inherit file;
    referenced = "${spare}";
    build = ''
      mkdir -p $out/share
      # Of shorter texts xz and zstd store the letters as they are, where Nix sees them.
      note() { seq 1000; echo "see ${spare}/share/note"; seq 1000 2000; }
      ${pack}
    '';
  };
  # An object with a note section: the name and type that identify it, and its text.
  note = section: owner: type: text: ''
    cat > note.s <<'S'
      .section ${section},"a",@note
      .balign 4
      .long 2f-1f, 4f-3f, ${type}
    1: .asciz "${owner}"
    2: .balign 4
    3: .asciz "${text}"
    4: .balign 4
      .section .note.GNU-stack,"",@progbits
    S
    cc -c note.s -o note.o
  '';
in
{
  planted = builtins.mapAttrs (_: leak) {
    interpreter-outside-store = {
      rule = "LRE101";
      file = "bin/hello";
      referenced = "/lib64/ld-linux-x86-64.so.2";
      build = "compile -Wl,--dynamic-linker=/lib64/ld-linux-x86-64.so.2";
    };
    interpreter-missing = {
      rule = "LRE102";
      file = "bin/hello";
      referenced = "${glibc}/lib/ld-absent.so.2";
      build = "compile -Wl,--dynamic-linker=${glibc}/lib/ld-absent.so.2";
    };
    search-path-outside-store = {
      rule = "LRE103";
      file = "bin/hello";
      referenced = "/usr/lib/x86_64-linux-gnu";
      build = "compile -Wl,-rpath,/usr/lib/x86_64-linux-gnu";
    };
    search-path-relative = {
      rule = "LRE104";
      file = "bin/hello";
      referenced = "lib";
      build = "compile -Wl,-rpath,lib";
    };
    search-path-empty = {
      rule = "LRE104";
      file = "bin/hello";
      build = "compile -Wl,-rpath,${zlib}/lib:";
    };
    search-path-build-directory = {
      rule = "LRE105";
      file = "bin/hello";
      referenced = "/build/hello-1.0/lib";
      build = "compile -Wl,-rpath,/build/hello-1.0/lib";
    };
    search-path-escapes = {
      rule = "LRE106";
      file = "bin/hello";
      build = "compile '-Wl,-rpath,$ORIGIN/../../../../usr/lib'";
    };
    search-path-dangling = {
      rule = "LRE107";
      exit = "0";
      file = "bin/hello";
      referenced = "${glibc}/lib/absent";
      build = "compile -Wl,-rpath,${glibc}/lib/absent";
    };
    library-not-found = {
      rule = "LRE108";
      file = "bin/hello";
      referenced = "libabsent.so.1";
      build = ''
        library libabsent.so libabsent.so.1
        compile -Wl,--no-as-needed libabsent.so
      '';
    };
    library-outside-store = {
      rule = "LRE109";
      file = "bin/hello";
      referenced = "/usr/lib/libabsent.so.1";
      companions = "LRE108";
      build = ''
        library libabsent.so /usr/lib/libabsent.so.1
        compile -Wl,--no-as-needed libabsent.so
      '';
    };
    library-undeclared = {
      rule = "LRE110";
      file = "${undeclared}/lib/libinner.so";
      companions = "LRE108";
      # The library has no RUNPATH and its own package refers to nothing: only the program's RPATH,
      # which such libraries inherit, leads to zlib.
      build = ''
        compile -Wl,--disable-new-dtags -Wl,-rpath,${undeclared}/lib:${zlib}/lib -Wl,--no-as-needed ${undeclared}/lib/libinner.so
      '';
    };
    symbol-version-missing = {
      rule = "LRE111";
      file = "bin/hello";
      build = ''
        echo 'V1 { a; }; V2 { b; };' > both; echo 'V1 { a; };' > one
        echo 'int a; int b;' | cc -x c - -shared -fPIC -Wl,-soname,libv.so.1 -Wl,--version-script=both -o libv.so
        echo 'int a;' | cc -x c - -shared -fPIC -Wl,-soname,libv.so.1 -Wl,--version-script=one -o $out/lib/libv.so.1
        echo 'extern int b; int main(void) { return b; }' | cc -x c - -x none libv.so -Wl,-rpath,$out/lib -o $out/bin/hello
      '';
    };
    two-libcs = {
      rule = "LRE112";
      file = "bin/hello";
      build = ''
        echo 'int puts(const char*); int f(void) { return puts(""); }' | cc -x c - -c -fPIC -o f.o
        ld -shared -soname libf.so.1 -rpath ${musl}/lib f.o ${musl}/lib/libc.so -o $out/lib/libf.so.1
        compile -Wl,--no-as-needed -Wl,-rpath,$out/lib $out/lib/libf.so.1
      '';
    };
    views-disagree = {
      rule = "LRE113";
      file = "bin/hello";
      build = ''
        compile
        sections=$(readelf -hW $out/bin/hello | sed -n 's/.*Start of section headers: *\([0-9]*\).*/\1/p')
        dynamic=$(readelf -SW $out/bin/hello | sed -n 's/.*\[ *\([0-9]*\)\] \.dynamic .*/\1/p')
        # .dynamic's sh_offset now points at the start of the file; PT_DYNAMIC is untouched.
        patch $out/bin/hello $((sections + dynamic * 64 + 24)) '\0\0\0\0\0\0\0\0'
      '';
    };
    audit-module-outside-store = {
      rule = "LRE114";
      file = "bin/hello";
      referenced = "/usr/lib/libaudit-module.so.1";
      build = "compile -Wl,--audit=/usr/lib/libaudit-module.so.1";
    };
    loader-note-outside-store = {
      rule = "LRE115";
      file = "bin/hello";
      referenced = "/usr/lib/x86_64-linux-gnu/libc.so.6";
      companions = "LRE108 LRE109";
      build = note ".note.nixos.ldcache" "NixOS" "0x63a86cb6"
        ''libc.so.6\000=/usr/lib/x86_64-linux-gnu/libc.so.6\000''
      + "compile note.o";
    };
    dlopen-not-found = {
      rule = "LRE116";
      file = "bin/hello";
      build = note ".note.dlopen" "FDO" "0x407c0c0a"
        ''[{\"soname\":[\"libabsent.so.1\"],\"priority\":\"required\",\"feature\":\"absent\"}]''
      + "compile note.o";
    };
    malformed-object = {
      rule = "LRE117";
      exit = "0";
      file = "bin/hello";
      build = ''
        compile
        head -c 100 $out/bin/hello > cut; cat cut > $out/bin/hello
      '';
    };
    foreign-architecture = {
      rule = "LRE118";
      exit = "0";
      file = "bin/hello";
      build = ''
        compile
        patch $out/bin/hello 18 '\267\0'  # e_machine: EM_AARCH64
      '';
    };
    debug-path = {
      rule = "LRE119";
      exit = "0";
      file = "bin/hello";
      referenced = "/home/builder/hello";
      build = "compile -g -fdebug-prefix-map=$PWD=/home/builder/hello";
    };
    shebang-outside-store = {
      rule = "LRE201";
      file = "bin/hello";
      referenced = "/usr/bin/python3";
      build = "script '#!/usr/bin/python3' 'print(\"hello\")'";
    };
    shebang-missing = {
      rule = "LRE202";
      file = "bin/hello";
      referenced = "${bash}/bin/absent";
      build = "script '#!${bash}/bin/absent' 'echo hello'";
    };
    symlink-outside-store = {
      rule = "LRE203";
      file = "lib/libz.so";
      referenced = "/usr/lib/libz.so";
      build = "ln -s /usr/lib/libz.so $out/lib/libz.so";
    };
    symlink-dangling = {
      rule = "LRE204";
      file = "bin/hello";
      referenced = "${bash}/bin/absent";
      build = "ln -s ${bash}/bin/absent $out/bin/hello";
    };
    wrapper-outside-store = {
      rule = "LRE205";
      file = "bin/hello";
      referenced = "/usr/bin/ld";
      build = "script '#!${bash}/bin/bash' 'exec /usr/bin/ld \"$@\"'";
    };
    build-metadata-outside-store = {
      rule = "LRE206";
      exit = "0";
      file = "lib/pkgconfig/hello.pc";
      build = ''
        mkdir -p $out/lib/pkgconfig
        printf '%s\n' 'Name: hello' 'Description: hello' 'Version: 1' 'Libs: -L/usr/lib -lhello' > $out/lib/pkgconfig/hello.pc
      '';
    };
    embedded-path = {
      rule = "LRE207";
      exit = "0";
      file = "bin/hello";
      build = ''
        echo '#include <stdio.h>
        int main(void) { return puts("/usr/share/hello/data"); }' | cc -x c - -o $out/bin/hello
      '';
    };
    reference-hidden-gzip = hidden "share/note.gz" "note | /usr/bin/gzip -9n > $out/share/note.gz";
    reference-hidden-xz = hidden "share/note.xz" "note | /usr/bin/xz > $out/share/note.xz";
    reference-hidden-zstd = hidden "share/note.zst" "note | /usr/bin/zstd -q > $out/share/note.zst";
    reference-hidden-zip = hidden "share/note.whl" ''
      note > note
      /usr/bin/python3 -m zipfile -c $out/share/note.whl note
    '';
    # As Bazel is: a program, with the archive of what it runs appended.
    reference-hidden-appended = hidden "bin/hello" ''
      compile
      note > note
      /usr/bin/python3 -m zipfile -c note.zip note
      cat note.zip >> $out/bin/hello
    '';
    reference-hidden-nested = hidden "share/note.tar.gz" ''
      note | /usr/bin/xz > note.xz
      /usr/bin/tar --mtime=@1 -cf - note.xz | /usr/bin/gzip -9n > $out/share/note.tar.gz
    '';
    reference-hidden-utf16le = hidden "share/note" "note | /usr/bin/iconv -t UTF-16LE > $out/share/note";
    reference-hidden-utf16be = hidden "share/note" "note | /usr/bin/iconv -t UTF-16BE > $out/share/note";
  };

  # What ./dev demo shows: three packages as a careless build leaves them.
  demo = {
    make = run "make-4.3" ''
      cp -r ${make} $out; chmod -R u+w $out
      /usr/bin/patchelf --set-interpreter /lib64/ld-linux-x86-64.so.2 $out/bin/make
    '' { };
    sed = run "sed-4.9" ''
      cp -r ${sed} $out; chmod -R u+w $out
      /usr/bin/patchelf --set-rpath $(/usr/bin/patchelf --print-rpath $out/bin/sed):/usr/lib $out/bin/sed
    '' { };
    codegen = run "codegen-1.0" ''
      mkdir -p $out/bin
      printf '%s\n' '#!/usr/bin/python3' 'print("int answer = 42;")' > $out/bin/codegen
      chmod +x $out/bin/codegen
    '' { };
  };
}
