#!/usr/bin/env python3
"""Makes the corpora of tests/fuzz from what real programs write.

  seeds.py WORLD LRE_AUDIT LOGS

WORLD is what tests/world/build.sh makes, LOGS what tests/bazel/logs.sh does. The corpora are committed; this is for a new format, or a
new target. Inputs of crashes lie beside the seeds, named crash-*, and stay.
"""
import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
PATH = "/nix/store/0c7s4z8d4vrvqbbmsax9h8hqywmdvd2a-hello-2.12"


def seed(target, name, contents, prefix=b""):
    """`prefix` is the byte by which a target chooses among its readers."""
    directory = CORPUS / target
    directory.mkdir(parents=True, exist_ok=True)
    if isinstance(contents, str):
        contents = contents.encode()
    if len(contents) > 48 << 10:
        sys.exit(f"{target}/{name}: {len(contents)} bytes are no seed")
    (directory / name).write_bytes(prefix + contents)


def output(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, **options).stdout


def archives(scratch):
    tree = scratch / "tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "bin/hello").write_bytes(b"#!/nix/store/x/bin/sh\necho hello\n")
    (tree / ("long" * 40)).write_bytes(b"x" * 700)
    (tree / "link").symlink_to("bin/hello")
    os.link(tree / "bin/hello", tree / "hard")
    with open(tree / "sparse", "wb") as stream:
        stream.truncate(1 << 20)
        stream.seek(1 << 19)
        stream.write(b"data")
    for name, flags in {"gnu": ["--format=gnu", "-S"], "ustar": ["--format=ustar", "--exclude=long*"],
                        "v7": ["--format=v7", "--exclude=long*"],
                        "pax": ["--format=pax", "-S", "--xattrs"],
                        "pax-0.1": ["--format=pax", "-S", "--sparse-version=0.1"],
                        "old-sparse": ["--format=oldgnu", "-S"]}.items():
        data = output("tar", "-C", tree, "-b1", "--owner=0", "--group=0", "--mtime=@1", *flags, "-cf", "-",
                      ".", stderr=subprocess.DEVNULL)
        seed("tar", name, data[:40 << 10], bytes([len(name) & 7]))
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("etc/.wh.passwd", "usr/.wh..wh..opq", "dev/null"):
            entry = tarfile.TarInfo(name)
            if name == "dev/null":
                entry.type, entry.devmajor, entry.devminor = tarfile.CHRTYPE, 1, 3
            archive.addfile(entry)
    seed("tar", "whiteouts", layer.getvalue(), b"\1")

    text = b"".join(b"%d %s\n" % (i, PATH.encode()) for i in range(60))
    for name, command in {"gzip": ["gzip", "-nc"], "zstd": ["zstd", "-qc"], "xz": ["xz", "-c"],
                          "bzip2": ["bzip2", "-c"]}.items():
        packed = output(*command, input=text)
        seed("inflate", name, packed, b"\0")
        seed("inflate", name + "-twice", packed + packed, b"\7")
        seed("inflate", name + "-trailing", packed + b"\0" * 20 + b"x", b"\0")
    for name, method in {"stored": zipfile.ZIP_STORED, "deflated": zipfile.ZIP_DEFLATED,
                         "bzip2": zipfile.ZIP_BZIP2}.items():
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", method) as archive:
            archive.writestr(zipfile.ZipInfo("a/b"), text, method)
            archive.writestr(zipfile.ZipInfo("empty"), b"", method)
        seed("zip_stream", name, made.getvalue(), b"\7" if name == "stored" else b"\0")
        inner = made.getvalue()
        seed("hidden_references", name, output("gzip", "-nc", input=inner), b"\7" if name == "stored" else b"\0")
    shell = b"#!/bin/sh\nexec java -jar $0\n" + inner
    seed("hidden_references", "shebang", shell, b"\0")
    seed("hidden_references", "tar.zst", output("zstd", "-qc", input=layer.getvalue() + PATH.encode()), b"\0")
    seed("hidden_references", "utf-16", (PATH + "/bin").encode("utf-16-le"), b"\5")
    # As a pipe has it: sizes follow the contents.
    seed("zip_stream", "streamed", output("zip", "-q", "-fz", "-", "-", input=text), b"\0")
    return layer.getvalue()


def images(scratch, layer):
    layout = scratch / "layout"
    output("umoci", "init", "--layout", layout)
    output("umoci", "new", "--image", f"{layout}:latest")
    (scratch / "layer.tar").write_bytes(layer)
    output("umoci", "raw", "add-layer", "--image", f"{layout}:latest", scratch / "layer.tar")

    def blob(digest):
        return (layout / "blobs" / digest.replace(":", "/")).read_text()
    index = (layout / "index.json").read_text()
    manifest = blob(json.loads(index)["manifests"][0]["digest"])
    config = blob(json.loads(manifest)["config"]["digest"])
    seed("oci", "layout", "\n%%\n".join((index, manifest, config)), b"\2")
    seed("oci", "manifest", "\n%%\n".join((manifest, config)), b"\0")
    nested = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
        {"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": len(manifest),
         "digest": json.loads(index)["manifests"][0]["digest"],
         "platform": {"architecture": "amd64", "os": "linux", "variant": "v1"}}]}
    seed("oci", "nested", "\n%%\n".join((index, json.dumps(nested), manifest, config)), b"\7")
    for choice, form in ((1, "oci-archive"), (0, "docker-archive")):
        file = scratch / form
        output("skopeo", "--insecure-policy", "copy", f"oci:{layout}:latest",
               f"{form}:{file}" + ("" if choice else ":hello:latest"))
        seed("image_archive", form, file.read_bytes(), bytes([choice]))
        if choice:
            seed("image_archive", form + ".gz", output("gzip", "-nc", file), bytes([choice]))
    layers = [{"digest": "sha256:" + "0" * 64, "diff_ids": "sha256:" + "0" * 64, "size": 1,
               "mediaType": "application/vnd.oci.image.layer.v1.tar",
               "paths": [{"path": PATH, "options": {
                   "rewrite": {"regex": "^" + PATH + "/(bin)", "repl": "/${1}"},
                   "perms": [{"regex": ".*", "mode": "0755", "uid": 1, "gid": 1, "uname": "u",
                              "gname": "g"}]}}]}]
    seed("nix2container", "image", json.dumps({
        "version": 1, "arch": "amd64", "image-config": {"Env": ["A=B"], "Cmd": [PATH + "/bin/hello"]},
        "layers": layers}))
    seed("nix2container", "layers", json.dumps(layers))


def objects(scratch):
    source = scratch / "a.c"
    source.write_text("#include <stdio.h>\nint f(void) { return puts(\"x\"); }\n")
    main = scratch / "m.c"
    main.write_text("int f(void); int main(void) { return f(); }\n")
    run = lambda *words: output(*map(str, words), cwd=scratch)
    run("gcc", "-g", "-gdwarf-5", "-Os", "-fPIC", "-shared", "-Wl,-soname,liba.so.1", "-o", "liba.so", source)
    run("gcc", "-s", "-Os", "-o", "main", main, "liba.so", "-Wl,-rpath,$ORIGIN:/nix/store/lib", "-Wl,-z,noseparate-code")
    run("gcc", "-g", "-gdwarf-4", "-Os", "-c", "-o", "a.o", source)
    run("gcc", "-g", "-gdwarf-4", "-Os", "-static", "-nostdlib", "-fno-builtin", "-o", "d4", "-x", "c", "/dev/null",
        "-Wl,--entry=0")
    run("gcc", "-m32", "-Os", "-c", "-x", "c", "-o", "a32.o", "/dev/null")
    for name in ("liba.so", "main", "a32.o"):
        seed("elf", name, (scratch / name).read_bytes())
    for name in ("liba.so", "a.o"):
        seed("dwarf", name, (scratch / name).read_bytes())
    run("ar", "rcs", "liba.a", "a.o", "a32.o")
    run("ar", "rcsT", "thin.a", "a.o", "a32.o")
    for name in ("liba.a", "thin.a"):
        seed("ar", name, (scratch / name).read_bytes())
    long = scratch / "an-object-of-a-rather-long-name.o"
    long.write_bytes((scratch / "a32.o").read_bytes())
    run("ar", "rcs", "long.a", long)
    seed("ar", "long.a", (scratch / "long.a").read_bytes())
    (scratch / "ldconf").write_text(f"{scratch}\n")
    run("/sbin/ldconfig", "-X", "-N", "-C", scratch / "none", "-f", scratch / "ldconf")
    run("/sbin/ldconfig", "-X", "-C", scratch / "cache", "-f", scratch / "ldconf")
    run("/sbin/ldconfig", "-X", "-c", "old", "-C", scratch / "compat", "-f", scratch / "ldconf")
    seed("ld_cache", "new", (scratch / "cache").read_bytes())
    seed("ld_cache", "old", (scratch / "compat").read_bytes())
    for name, triple in (("arm64", "arm64-apple-macos11"), ("x86_64", "x86_64-apple-macos11")):
        output("clang", "-target", triple, "-g", "-c", "-o", scratch / name, main, cwd=scratch)
        seed("macho", name, (scratch / name).read_bytes())
    yaml = """--- !mach-o
FileHeader: {magic: 0xFEEDFACF, cputype: 0x01000007, cpusubtype: 3, filetype: 6, ncmds: 3, sizeofcmds: 152, flags: 0, reserved: 0}
LoadCommands:
  - {cmd: LC_ID_DYLIB, cmdsize: 48, dylib: {name: 24, timestamp: 1, current_version: 65536, compatibility_version: 65536}, Content: '/nix/store/libx.dylib', ZeroPadBytes: 3}
  - {cmd: LC_LOAD_DYLIB, cmdsize: 56, dylib: {name: 24, timestamp: 2, current_version: 65536, compatibility_version: 65536}, Content: '/usr/lib/libSystem.B.dylib', ZeroPadBytes: 6}
  - {cmd: LC_RPATH, cmdsize: 48, path: 12, Content: '@loader_path/../lib/and/more', ZeroPadBytes: 8}
...
"""
    seed("macho", "dylib", output("yaml2obj-14", "-o", "-", "-", input=yaml.encode()))


def nix(world):
    store = {**os.environ, "NIX_REMOTE": f"local?root={world}/root",
             "NIX_CONFIG": "experimental-features = nix-command\nsubstituters ="}
    paths = json.loads((world / "closures/small.json").read_text())
    names = sorted((entry["path"] for entry in paths) if isinstance(paths, list) else paths)[:6]
    run = lambda *words: output(*words, env=store)
    seed("closure", "path-info.json", run("nix", "path-info", "--json", *names))
    seed("closure", "small.json", (world / "closures/small.json").read_bytes())
    seed("closure", "registration", run("nix-store", "--dump-db", *names))
    seed("closure", "list", "\n".join(names) + "\n")
    size = lambda name: sum(f.lstat().st_size for f in [*(world / "root" / name[1:]).rglob("*"), world / "root" / name[1:]])
    small = min(names, key=size)
    seed("closure", "derivations", json.dumps({small + ".drv": {
        "outputs": {"out": {"path": small}}, "inputSrcs": [], "inputDrvs": {}, "system": "x86_64-linux",
        "builder": "/bin/sh", "args": [], "env": {"out": small}}}))
    graph = "".join(f"{name}\n\n0\n" for name in names)
    seed("closure", "graph", graph)
    if size(small) < 40 << 10:
        seed("closure", "export", run("nix-store", "--export", small))
        seed("export", "path", run("nix-store", "--export", small))
    narinfo = f"""StorePath: {small}
URL: nar/1w1fff338fvdw53sqgamddn1b2xgds473pv6y13gizdbqjv4i5p3.nar.xz
Compression: xz
FileHash: sha256:1w1fff338fvdw53sqgamddn1b2xgds473pv6y13gizdbqjv4i5p3
FileSize: 4029176
NarHash: sha256:1impfw8zdgisxkghq9a3q7cn7jb9zyzgxdydiamp8z2nlyyl0h5h
NarSize: 18735072
References: {small[11:]} {names[0][11:]}
Deriver: {small[11:]}.drv
Sig: cache.nixos.org-1:GrGV/Ls10TzoOaCnrcAqmPbKXFLLSBDeGNh5EQGKyuGA4K1wv1LcRVb6/sU+NAPK8lDiam8XcdJzUngmdhfTBQ==
CA: fixed:r:sha256:1impfw8zdgisxkghq9a3q7cn7jb9zyzgxdydiamp8z2nlyyl0h5h
"""
    seed("nar_info", "narinfo", narinfo)
    seed("closure", "narinfo", narinfo)
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "tree"
        (tree / "bin").mkdir(parents=True)
        (tree / "bin/hello").write_text("#!/bin/sh\n")
        (tree / "bin/hello").chmod(0o755)
        (tree / "link").symlink_to("bin/hello")
        seed("nar", "directory", output("nix-store", "--dump", tree))
        seed("nar", "file", output("nix-store", "--dump", tree / "bin/hello"))
        seed("nar", "link", output("nix-store", "--dump", tree / "link"))
        # Two paths as a store exports them; one of them is signed as Nix 1 did.
        def string(text):
            return struct.pack("<Q", len(text)) + text + bytes(-len(text) % 8)
        def exported(name, signature):
            return (struct.pack("<Q", 1) + output("nix-store", "--dump", tree / name) + struct.pack("<Q", 0x4558494e)
                    + string(PATH.encode()) + struct.pack("<Q", 1) + string(small.encode()) + string(b"") + signature)
        seed("export", "two", exported("link", bytes(8)) + exported("bin/hello", struct.pack("<Q", 1) + string(b"signature"))
             + bytes(8))


def text(world):
    repository = world / "repository"
    kinds = ["BUILD", "cc_toolchain_config.bzl", "cross.cmake", "builtin_include_directory_paths",
             ".sh", "module.modulemap", "BUCK"]
    for file in sorted((repository / "generated-cc").rglob("*")):
        if file.is_file() and file.stat().st_size < 24 << 10:
            for number, kind in enumerate(kinds):
                if file.name.startswith(kind) or file.name.endswith(kind):
                    seed("toolchain", "-".join(file.relative_to(repository).parts), file.read_bytes(), bytes([number]))
    seed("toolchain", "cmake", f'set(CMAKE_C_COMPILER "{PATH}/bin/cc")\nset(CMAKE_SYSROOT {PATH})\n'
         f'string(APPEND CMAKE_C_FLAGS " -isystem {PATH}/include")\ninclude(${{CMAKE_CURRENT_LIST_DIR}}/x.cmake)\n', b"\2")
    seed("toolchain", "list", f"This file is generated by cc_configure\n{PATH}/bin/gcc reported:\n{PATH}/include\n", b"\3")
    seed("toolchain", "script", f'#!/usr/bin/env bash\nexec {PATH}/bin/cc "$@" -B{PATH}/lib <<EOF\n$(echo x)\nEOF\n', b"\4")
    seed("toolchain", "modulemap", f'module "crosstool" [system] {{\n  textual header "{PATH}/include/a.h"\n}}\n', b"\5")
    seed("bazelrc", "lre", (repository / "lre.bazelrc").read_bytes())
    seed("bazelrc", "words", "build --action_env='A b' \\\n  --repo_env=C=\"d\" # no\ntry-import %workspace%/x\n"
         "build:lre --platforms=@x//y\n")
    seed("module_bazel", "module", (repository / "MODULE.bazel").read_bytes())
    seed("flake_lock", "lock", (repository / "flake.lock").read_bytes())
    for file in sorted((repository / "kubernetes").iterdir()):
        seed("json5" if file.suffix == ".json5" else "manifest", file.name, file.read_bytes())
    seed("policy", "policy", (repository / "lre-audit.textproto").read_bytes())
    seed("policy", "all", 'allow { rule: "LRE301" path: "/nix/store/.*-x/.*" reason: "because" }\n'
         'suppress { rule: "LRE104" path: "a" reason: "b" owner: "c" expires: "2030-01-31" }\n')

    shell = f'#! {PATH}/bin/bash -e\nif [ "$1" ]; then exec -a "$0" "{PATH}/bin/x" ${{extra+"$@"}}; fi\nexport PATH={PATH}/bin${{PATH:+:}}$PATH\n'
    pieces = {1: shell, 2: shell, 3: f"{PATH} -L{PATH}/lib -isystem {PATH}/include",
              4: f"prefix={PATH}\nlibdir=${{prefix}}/lib\nLibs: -L${{libdir}} -lx\nCflags: -I${{prefix}}/include\n",
              5: f"dependency_libs=' -L{PATH}/lib {PATH}/lib/libx.la'\nlibdir='{PATH}/lib'\n",
              6: f'set_target_properties(x PROPERTIES IMPORTED_LOCATION "{PATH}/lib/libx.so" INTERFACE_LINK_LIBRARIES "\\$<LINK_ONLY:{PATH}/lib/y.so>")\n',
              7: f"QMAKE_PRL_LIBS = -L{PATH}/lib -lx\n", 8: f'#!/bin/sh\nprefix={PATH}\necho "-I$prefix/include"\n',
              9: f"*link:\n%{{shared:-shared}} -dynamic-linker {PATH}/lib/ld.so -rpath {PATH}/lib\n\n",
              10: f"build_time_vars = {{'CC': '{PATH}/bin/gcc -pthread',\n 'LIBDIR': '{PATH}/lib'}}\n",
              11: f"    cc => '{PATH}/bin/cc',\nlibpth='{PATH}/lib'\n",
              12: f"/* GNU ld script */\nOUTPUT_FORMAT(elf64-x86-64)\nGROUP ( {PATH}/lib/libc.so.6 AS_NEEDED ( {PATH}/lib/ld.so ) )\n"}
    for kind, contents in pieces.items():
        seed("claims", f"kind-{kind}", contents, bytes([kind]))


def hello_layer():
    """An archive of bin/hello, data and large, which tar_split_fuzz and containers_storage_fuzz know."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        def add(name, kind=tarfile.REGTYPE, data=b"", **rest):
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.mode = kind, len(data), 0o755
            for key, value in rest.items():
                setattr(entry, key, value)
            archive.addfile(entry, io.BytesIO(data))
        add("bin", tarfile.DIRTYPE)
        add("bin/hello", data=b"hello\n")
        add("bin/second", tarfile.LNKTYPE, linkname="bin/hello")
        add("link", tarfile.SYMTYPE, linkname="bin/hello")
        add("data", data=b"x" * 700, pax_headers={"SCHILY.xattr.user.a": "b"})
        add("large", data=bytes(2000))
    return stream.getvalue()


def documents(*parts):
    return b"\n%%\n".join(part.encode() if isinstance(part, str) else part for part in parts)


def layers(scratch):
    layer = hello_layer()
    layout, chunked, storage = scratch / "hello", scratch / "chunked", scratch / "storage"
    output("umoci", "init", "--layout", layout)
    output("umoci", "new", "--image", f"{layout}:latest")
    (scratch / "hello.tar").write_bytes(layer)
    output("umoci", "raw", "add-layer", "--image", f"{layout}:latest", scratch / "hello.tar")
    copy = ("skopeo", "--insecure-policy", "copy", "-q")

    # What skopeo writes as a table, and the same layer packed as it packs it.
    output(*copy, "--dest-compress-format", "zstd:chunked", f"oci:{layout}:latest", f"oci:{chunked}:latest")
    blob = lambda digest: (chunked / "blobs" / digest.replace(":", "/")).read_bytes()
    manifest = json.loads(blob(json.loads((chunked / "index.json").read_text())["manifests"][0]["digest"]))
    packed = blob(manifest["layers"][0]["digest"])
    notes = {name.rsplit("-", 1)[-1]: value for name, value in manifest["layers"][0]["annotations"].items()}
    offset, size = map(int, notes["position"].split(":")[:2])
    table = output("zstd", "-dqc", input=packed[offset:offset + size])
    annotations = "\n".join(("", notes["checksum"], notes["position"]))
    seed("toc", "chunked", documents(annotations, table, layer), b"\0")
    seed("toc", "stargz", documents("sha256:0\n\n", table, layer), bytes([1 | 4 | 16]))
    seed("toc", "annotations", documents(f"\nsha256:0\n0:{len(table)}:1:1", table, layer), bytes([4 | 8 | 16]))
    seed("toc", "blob", packed, b"\2")
    split = json.dumps({"version": 1, "entries": [
        {"type": "dir", "name": "bin/", "mode": 493}, {"type": "hardlink", "name": "bin/second", "linkName": "bin/hello"},
        {"type": "reg", "name": "data", "size": 700, "chunkSize": 512, "chunkDigest": "sha256:0", "xattrs": {"user.a": "Yg=="}},
        {"type": "chunk", "name": "data", "chunkOffset": 512}, {"type": "reg", "name": "large", "size": 2000, "chunkType": "zeros"}]})
    seed("toc", "chunks", documents("", split, layer), bytes([1 | 16]))

    # What skopeo unpacks, under the names that the target knows.
    output("unshare", "-m" if os.geteuid() == 0 else "-Urm", *copy, f"oci:{layout}:latest",
           f"containers-storage:[overlay@{storage}+{scratch}/run]hello:latest")
    images = (storage / "overlay-images/images.json").read_text()
    image, bottom = json.loads(images)[0]["id"], json.loads(images)[0]["layer"]
    own = lambda text: text.replace(image, "0" * 64).replace(bottom, "a" * 64)
    read = lambda name: own((storage / name).read_text())
    tables = (read("overlay-images/images.json"), read("overlay-layers/layers.json"))
    manifest = read(f"overlay-images/{image}/manifest")
    for file in (storage / f"overlay-images/{image}").glob("=*"):
        if "diff_ids" in file.read_text():
            config = own(file.read_text())
    split = output("gzip", "-dc", storage / f"overlay-layers/{bottom}.tar-split.gz")
    seed("containers_storage", "image", documents(*tables, manifest, config, split))
    chain = [{**json.loads(tables[1])[0]}, {"id": "b" * 64, "parent": "a" * 64}]
    seed("containers_storage", "chain", documents(tables[0].replace("a" * 64, "b" * 64), json.dumps(chain),
                                                  manifest, config, split))
    seed("tar_split", "layer", split)
    seed("tar_split", "raw", json.dumps({"type": 1, "name_raw": "ZGF0YQ==", "size": 700}) + "\n"
         + json.dumps({"type": 2, "payload": "AAAA"}) + "\n")


def registries():
    encoded = "dXNlcjpwYXNzd29yZA=="
    seed("auth_files", "podman", json.dumps({"auths": {"ghcr.io/o": {"auth": encoded}, "localhost:5000": {
        "username": "a", "password": "b"}, "https://index.docker.io/v1/": {"identitytoken": "t"}}}), b"\0")
    seed("auth_files", "helpers", json.dumps({"credHelpers": {"ghcr.io": "x", "docker.io": "y"}, "credsStore": "z"}), b"\0")
    seed("auth_files", "dockercfg", json.dumps({"https://localhost:5000/v1/": {"auth": encoded, "email": "e"}}), b"\1")
    for name, header in {"token": 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="a:b:pull,push"',
                         "basic": 'Basic realm="a \\"b\\""', "both": "Negotiate, Digest a=b , c = d, BASIC realm=x",
                         "none": 'a="", =b,, "c'}.items():
        seed("challenge", name, header)
    digest = "sha256:" + "0" * 64
    for number, name in enumerate(("debian", "localhost/a", "[::1]:5000/a/b__c-d.e:t_A-1", f"ghcr.io/o/n:t@{digest}",
                                   f"index.docker.io/n@{digest}", "Host/n", "registry-1.docker.io/library/n")):
        seed("image_name", f"name-{number}", name)
    for number, url in enumerate(("https://Registry.Example:443/v2/?a=b#c", "http://[::1]:80/..//a", "//other/x",
                                  "../../blobs/uploads?x", "https://user:password@host/", "http://127.1/%2e%2e/")):
        seed("url", f"url-{number}", url, bytes([number % 2]))


def kept(text=b"facts " * 100):
    packed = output("zstd", "-qc", f"--stream-size={len(text)}", input=text)
    header = b"LREFACTS" + struct.pack("<IIQQ", 1, 0, len(text), len(packed)) + bytes(64)
    whole = hashlib.sha256(header + packed).digest()
    seed("kept_file", "kept", header + whole + packed)
    seed("kept_file", "empty", header + whole)


def expressions():
    for name, parts in {"path": ("^" + PATH + "/(bin)/.*$", "/usr/${1}", PATH + "/bin/hello"),
                        "groups": (r"(?P<first>\w+)-(\d*)|(?i)x+?", "$first-$2$$ ${10} $0x ${", "ab-12 XX é-7 \udcff"),
                        "empty": ("a*", "-", "baaac"), "runes": (r"[\pL\x{fffd}]|\b", "<$0>", "\udcffé\udce2\udc82")}.items():
        seed("go_regexp", name, documents(*(part.encode(errors="surrogateescape") for part in parts)))


def report(world, program):
    made = subprocess.run([program, "image", f"oci:{world}/oci:leaky", "--closure",
                           f"{world}/closures/leaky.json", "--format", "json"], stdout=subprocess.PIPE).stdout
    whole = json.loads(made)
    for value in whole.values():
        if isinstance(value, list):
            del value[6:]
    seed("saved_report", "leaky", json.dumps(whole, indent=1))


def delimited(data, count):
    """The first `count` messages of `data`, each behind its length."""
    end = 0
    for _ in range(count):
        length = shift = 0
        while True:
            byte, end = data[end], end + 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        end += length
    return data[:end]


def logs(directory):
    local = directory / "local"
    seed("execution_log", "binary", delimited((local / "log.binary").read_bytes(), 4))
    objects = (local / "log.json").read_text()
    seed("execution_log", "json", "}{".join(objects.split("}{")[:2]) + "}")
    for version in "7.1", "7.4":
        packed = (local / f"compact-{version}.zst").read_bytes()
        seed("execution_log", f"compact-{version}.zst", packed)
        seed("execution_log", f"compact-{version}", output("zstd", "-dqc", input=packed))
    # Where this machine keeps them is nobody's business; lengths stay.
    here = str(local).encode()
    events = {form: (local / f"bep.{form}").read_bytes().replace(here, b"/" + b"l" * (len(here) - 1))
              for form in ("json", "binary")}
    seed("build_events", "json", b"".join(events["json"].splitlines(True)[:12]))
    seed("build_events", "binary", delimited(events["binary"], 12))
    seed("grpc_log", "misses", delimited((directory / "remote/grpc.log").read_bytes(), 5))


def build_outputs(directory, scratch):
    """Pairs of what two builds make of the same."""
    seed("build_outputs", "dep_file", (directory / "local/bazel-bin/lib/_objs/lib/lib.pic.d").read_bytes())
    seed("build_outputs", "times", documents(b"built Nov 25 2026 10:41:07", b"built Nov 25 2026 10:41:09"))
    seed("build_outputs", "paths", documents(b"\0/home/jane/a.cc\0", b"\0/home/ci/a.cc\0"))
    member = scratch / "member-of-a-long-name.txt"
    for kind, command in {"ar": ["ar", "qcU"], "tar": ["tar", "--format=ustar", "-cf"],
                          "zip": ["python3", "-m", "zipfile", "-c"]}.items():
        sides = []
        for time in 1700000000, 1700000100:
            member.write_text("contents\n")
            os.utime(member, (time, time))
            archive = scratch / f"{time}.{kind}"
            subprocess.run([*command, archive, member.name], cwd=scratch, check=True)
            sides.append(archive.read_bytes())
        seed("build_outputs", kind, documents(*sides))


def main(world, program, bazel_logs):
    world = Path(world).resolve()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        images(scratch, archives(scratch))
        objects(scratch)
        layers(scratch)
        kept()
        build_outputs(Path(bazel_logs), scratch)
    nix(world)
    text(world)
    registries()
    expressions()
    report(world, program)
    logs(Path(bazel_logs))


main(*sys.argv[1:])
