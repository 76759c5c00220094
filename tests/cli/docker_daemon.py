#!/usr/bin/env python3
"""What dockerd does with GET /images/get?names=NAME, on a unix socket: sends the docker-archive of
that name in chunks, or a 404 with the words of dockerd's. No engine runs where tests do.

docker_daemon.py SOCKET NAME=ARCHIVE...; of a NAME that begins with "broken", half is sent; behind
one that begins with "endless", zeros without end; one that begins with "hangup" gets no answer."""
import http.server
import json
import socketserver
import sys
import urllib.parse

archives = dict(argument.split("=", 1) for argument in sys.argv[2:])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        names = urllib.parse.parse_qs(url.query).get("names", [])
        if url.path != "/images/get" or len(names) != 1 or names[0] not in archives:
            text = json.dumps({"message": f"reference does not exist: {names[0] if names else url.path}"}).encode()
            self.send_response(404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
            return
        if names[0].startswith("hangup"):
            self.close_connection = True
            return
        with open(archives[names[0]], "rb") as archive:
            data = archive.read()
        broken = names[0].startswith("broken")
        self.send_response(200)
        self.send_header("Content-Type", "application/x-tar")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            self.send_chunks(data, broken)
            while names[0].startswith("endless"):
                self.wfile.write(b"%x\r\n%s\r\n" % (1 << 20, bytes(1 << 20)))
        except (BrokenPipeError, ConnectionResetError):  # the client has seen enough
            self.close_connection = True

    def send_chunks(self, data, broken):
        for start in range(0, len(data) // 2 if broken else len(data), 32768):
            piece = data[start:start + 32768]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if broken:
            self.close_connection = True
        elif "endless" not in self.path:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *arguments):
        pass

    def address_string(self):
        return "unix"


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def get_request(self):
        request, _ = super().get_request()
        return request, ("unix", 0)


with Server(sys.argv[1], Handler) as server:
    print("listening", flush=True)
    server.serve_forever()
