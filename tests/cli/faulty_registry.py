#!/usr/bin/env python3
"""A registry that serves an OCI layout with one fault, for what no real registry can be made to do.

  faulty_registry.py LAYOUT LOG

Prints its port. The repository's name is the fault: docker://127.0.0.1:PORT/short-once:TAG. Each
request is written to LOG, with the Authorization header that came with it.
"""
import hashlib
import http.server
import json
import os
import sys
import threading

layout, log = sys.argv[1:]
seen = {}  # requests by fault and path
lock = threading.Lock()


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.do_GET()

    def do_GET(self):
        self.close_connection = True
        with lock:
            with open(log, "a") as file:
                file.write(f"{self.server.name} {self.path} {self.headers.get('Authorization', 'nobody')}\n")
            number = seen[self.path] = seen.get(self.path, 0) + 1
        if self.server.name == "other":
            return self.blob(self.path.partition("?")[0].rsplit("/", 1)[1])
        if self.path == "/v2/":
            return self.reply(200, b"{}")
        _, _, fault, kind, name = self.path.split("/", 4)
        getattr(self, fault.replace("-", "_"))(kind, name, number)

    def reply(self, status, body, *headers, length=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for header in headers:
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(body)

    def contents(self, digest):
        with open(os.path.join(layout, "blobs", *digest.split(":")), "rb") as file:
            return file.read()

    def manifest(self, name, change=lambda body: body, content_type=None, digest=None):
        if not name.startswith("sha256:"):
            index = json.load(open(os.path.join(layout, "index.json")))
            key = "org.opencontainers.image.ref.name"
            found = [m["digest"] for m in index["manifests"] if m["annotations"][key] == name]
            if not found:
                return self.reply(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
            name = found[0]
        body = change(self.contents(name))
        self.reply(200, body,
                   ("Content-Type", content_type or "application/vnd.oci.image.manifest.v1+json"),
                   ("Docker-Content-Digest", digest or "sha256:" + hashlib.sha256(body).hexdigest()))

    def blob(self, digest, length=None, most=None, ranges=True):
        body = self.contents(digest)
        start = 0
        wanted = self.headers.get("Range", "") if ranges else ""
        if wanted.startswith("bytes=") and wanted.endswith("-"):
            start = int(wanted[6:-1])
        headers = [("ETag", f'"{digest}"')]
        if start:
            headers.append(("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}"))
        rest = body[start:]
        self.reply(206 if start else 200, rest[:most], *headers, length=len(rest) if length is None else length)

    # Faults. Each is given "manifests" or "blobs", the tag or digest, and how often it was asked for.

    def none(self, kind, name, _):
        self.manifest(name) if kind == "manifests" else self.blob(name)

    def short_once(self, kind, name, number):
        half = len(self.contents(name)) // 2 if kind == "blobs" and number == 1 else None
        self.manifest(name) if kind == "manifests" else self.blob(name, most=half)

    def short_once_without_range(self, kind, name, number):
        half = len(self.contents(name)) // 2 if kind == "blobs" and number == 1 else None
        self.manifest(name) if kind == "manifests" else self.blob(name, most=half, ranges=False)

    def busy_once(self, kind, name, number):
        if number == 1:
            return self.reply(429 if kind == "manifests" else 503, b"", ("Retry-After", "1"))
        self.none(kind, name, number)

    def busy_for_a_day(self, *_):
        self.reply(429, b"", ("Retry-After", "86400"))

    def redirects(self, kind, name, number):
        if kind == "manifests":
            return self.manifest(name)
        self.reply(307, b"", ("Location", f"http://127.0.0.1:{other.server_port}/{name}?signature=x"))

    def redirects_forever(self, *_):
        self.reply(302, b"", ("Location", self.path))

    def asks_who(self, kind, name, number):
        if not self.headers.get("Authorization"):
            return self.reply(401, b"", ("WWW-Authenticate", 'Basic realm="x"'))
        self.redirects(kind, name, number)

    def token_of_garbage(self, kind, name, number):
        if kind == "token":
            return self.reply(200, b"<html>welcome</html>")
        port = self.server.server_port
        self.reply(401, b"", ("WWW-Authenticate", f'Bearer realm="http://127.0.0.1:{port}/v2/token-of-garbage/token/x"'))

    def page(self, *_):
        self.reply(200, b"<html>Welcome to the hotel</html>", ("Content-Type", "text/html"))

    def no_json(self, kind, name, _):
        self.manifest(name, change=lambda body: b"{" + body)

    def another_type(self, kind, name, number):
        if kind == "blobs":
            return self.blob(name)
        self.manifest(name, change=lambda body: body.replace(
            b"{", b'{"mediaType":"application/vnd.oci.image.manifest.v1+json",', 1),
            content_type="application/vnd.oci.image.index.v1+json")

    def another_digest(self, kind, name, number):
        if kind == "blobs":
            return self.blob(name)
        self.manifest(name, digest="sha256:" + "0" * 64)

    def schema1(self, kind, name, number):
        self.reply(200, b'{"schemaVersion":1,"name":"x","tag":"t","fsLayers":[],"history":[]}',
                   ("Content-Type", "application/vnd.docker.distribution.manifest.v1+prettyjws"))

    def is_large(self, kind, name):
        return kind == "blobs" and len(self.contents(name)) > 100_000

    def another_blob(self, kind, name, number):
        if not self.is_large(kind, name):
            return self.none(kind, name, number)
        body = bytearray(self.contents(name))
        body[len(body) // 2] ^= 1
        self.reply(200, bytes(body))

    def too_long(self, kind, name, number):
        if not self.is_large(kind, name):
            return self.none(kind, name, number)
        self.reply(200, self.contents(name) + b"x")

    def too_short(self, kind, name, number):
        if not self.is_large(kind, name):
            return self.none(kind, name, number)
        self.reply(200, self.contents(name)[:-100])

    def endless(self, kind, name, number):
        if not self.is_large(kind, name):
            return self.none(kind, name, number)
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 65536)
        except OSError:
            pass

    def endless_headers(self, *_):
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                self.wfile.write(b"X-Y: " + b"z" * 1000 + b"\r\n")
        except OSError:
            pass

    def oops(self, *_):
        self.reply(500, b"")


def serve(name):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # clients hang up on these answers
    server.name = name
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


other = serve("other")
print(serve("registry").server_port, flush=True)
threading.Event().wait()
