#!/bin/bash
# A binary cache on a server says what the same cache in a directory says, and can lead nowhere else.
source "$(dirname "$0")/common.sh"
export NIX_CONFIG=$'build-users-group =\nexperimental-features = nix-command\nsubstituters =' HOME=$work
hello=$(grep -- -hello- "$world/closure.txt") glibc=$(grep -- '-glibc-[0-9.]*$' "$world/closure.txt")
# A store of two paths, and one whose database knows more: copied, for the world is not written to.
mkdir -p larger/nix/store larger/nix/var/nix
cp -r "$world/root/nix/var/nix/db" larger/nix/var/nix/
for path in "$hello" "$glibc"; do cp -a "$world/root$path" larger/nix/store/; done
nix copy --from "local?root=$work/larger" --to "local?root=$work/root" --no-check-sigs "$hello" 2> nix.log
nix copy --from "local?root=$work/root" --to "file://$work/cache?compression=zstd" --no-check-sigs "$hello" 2> nix.log
narinfo=cache/$(basename "$hello" | cut -c1-32).narinfo

# Serves the working directory, and says where on its first line.
cat > serve.py <<'END'
import http.server
class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *arguments): pass
    def do_GET(self):
        # What an S3 bucket says of what is not there.
        if self.path.startswith("/s3/"):
            self.path = self.path[3:]
            import os
            if not os.path.exists("." + self.path): return self.send_error(403)
        # As a bucket does whose narinfos were uploaded packed (narinfo-compression): unasked.
        if self.path.startswith("/as-"):
            import gzip, lzma
            encoding, self.path = self.path[4:].split("/", 1)
            self.path = "/cache/" + self.path
            # So may be a NAR, by a proxy that packs what it passes on.
            if encoding.startswith("nar-"): packed, encoding = "/cache/nar/", encoding[4:]
            else: packed = "/cache/"
            if self.path.startswith(packed) and (packed != "/cache/" or self.path.endswith(".narinfo")):
                body = open("." + self.path, "rb").read()
                name, body = {"gzip": ("gzip", gzip.compress(body)), "xz": ("xz", lzma.compress(body)),
                              "identity": ("identity", body), "lie": ("gzip", body),
                              "half": ("gzip", gzip.compress(body)[:-9]), "deflate": ("deflate", body),
                              "bomb": ("gzip", gzip.compress(bytes(1 << 26)))}[encoding]
                self.send_response(200)
                self.send_header("Content-Encoding", name)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return
        if self.path.startswith("/large/") and self.path.endswith(".narinfo"):
            self.send_response(200)
            self.send_header("Content-Length", str(1 << 40))
            self.end_headers()
            try:
                while True: self.wfile.write(b"x" * 65536)
            except OSError: return
        if self.path.startswith("/endless/nar/"):
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            try:
                # Frames of zstd that hold nothing.
                while True: self.wfile.write((b"\x50\x2a\x4d\x18\x00\x10\x00\x00" + bytes(4096)) * 16)
            except OSError: return
        super().do_GET()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("http://127.0.0.1:%d" % server.server_port, flush=True)
server.serve_forever()
END
python3 serve.py > port &
server=$!
trap 'kill $server; chmod -R u+w "$work" && rm -rf "$work"' EXIT
until [ -s port ]; do sleep 0.05; done
url=$(cat port)

# report_of WHERE: the report without where the cache is.
report_of() {
  exits 0 store --from "$1" "$hello" --format json
  python3 -c 'import json, sys
report = json.load(open("out"))
print(json.dumps([report["findings"], report["verdict"]], indent=1).replace(sys.argv[1], "CACHE"))' "$1"
}
mkdir rootfs && cp -r root/nix rootfs/ && chmod -R u+w rootfs && rm -r rootfs/nix/var
report_of "file://$work/cache" > expected
grep -q LRE expected || fail "no finding to compare"
for where in "$url/cache" "$url/cache/?priority=10" "$url/s3/cache" "$url/as-gzip" \
  "$url/as-xz" "$url/as-identity"; do
  report_of "$where" > actual
  cmp expected actual || fail "$where says something else than the directory"
done
exits 0 image "rootfs:$work/rootfs" --closure "$url/cache" --format json
holds 'not errors'
exits 1 image "oci:$world/oci:clean" --closure "$url/cache" --format json
holds 'set(f["rule"] for f in errors) == {"LRE301"} and "'"$hello"'" not in [f["path"] for f in errors]'
exits 0 diff "$url/cache" "store:$work/root"
exits 0 diff "$url/cache" "file://$work/cache"
exits 0 diff "rootfs:$work/rootfs" "$url/cache"
printf x >> "rootfs$hello/bin/hello"
exits 1 diff "$url/cache" "rootfs:$work/rootfs"
says bin/hello

# A server cannot be listed; what is none says so.
exits 2 store --from "$url/cache"
says 'cannot be listed' err
exits 2 diff "$url/cache" "$url/cache"
says 'cannot be listed' err
exits 2 store --from "$url/rootfs" "$hello"
says 'has no nix-cache-info' err
exits 2 store --from "$url/cache" /nix/store/8nri6bp3l4wf5fkrxwj4r1dxbh5ng1gn-nobody
says 'is not in' err

# A narinfo leads nowhere but to its own server.
echo 'not to be read' > secret
cp -r cache bad
set_url() { sed -i "s|^URL: .*|URL: $1|" "bad/${narinfo#cache/}"; }
nar=$(sed -n 's/^URL: //p' "$narinfo")
set_url "$url/bad/$nar"; exits 0 store --from "$url/bad" "$hello"
for away in "file://$work/secret" "../secret" "//127.0.0.1:1/x" "/secret" "ftp://127.0.0.1/x"; do
  set_url "$away"
  exits 3 store --from "$url/bad" "$hello"
  says 'expected a path in the cache'
done
set_url "http://localhost:1/$nar"
exits 3 store --from "$url/bad" "$hello"
says 'is of another server'
set_url "nar/missing.nar"
exits 3 store --from "$url/bad" "$hello"
says '404'

# Packed narinfos that are none, or are bombs.
not_decoded() { exits 3 store --from "$url/as-$1" "$hello"; says "$2"; }
not_decoded lie 'Content-Encoding is gzip, but the body is not: invalid gzip header'
not_decoded half 'Content-Encoding is gzip, but the body is not: truncated'
not_decoded deflate 'Content-Encoding is deflate, which is not supported; expected xz'
not_decoded bomb 'more than'

# Packed NARs.
exits 0 store --from "$url/as-nar-gzip" "$hello"
exits 0 store --from "$url/as-nar-xz" "$hello"
exits 3 store --from "$url/as-nar-lie" "$hello"
says 'Content-Encoding is gzip, but the body is not: invalid gzip header'
exits 3 store --from "$url/as-nar-bomb" "$hello"

# One that never ends.
cp -r cache large
exits 3 image "rootfs:$work/rootfs" --closure "$url/large"
cp -r cache endless
exits 3 store --from "$url/endless" "$hello"
says 'LRE901'
