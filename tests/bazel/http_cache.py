#!/usr/bin/python3
"""A remote cache of HTTP, as Bazel's --remote_cache=http://... knows them: GET and PUT of files.

  http_cache.py DIR PORT_FILE [--user USER:PASSWORD] [--log FILE]

Serves DIR on a free port of the loopback device, which it writes to PORT_FILE, until it is killed.
"""
import argparse
import base64
import http.server
import os


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    user = log = None

    def log_message(self, *_):
        if self.log:
            with open(self.log, "a", encoding="ascii") as file:
                file.write(f"{self.command} {self.path} {self.headers.get('Authorization')}\n")

    def _may(self):
        basic = self.user and "Basic " + base64.b64encode(self.user.encode()).decode()
        if not basic or self.headers.get("Authorization") == basic:
            return True
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def do_GET(self):
        if self._may():
            super().do_GET()

    def do_PUT(self):
        path = self.translate_path(self.path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "wb") as file:
            file.write(self.rfile.read(int(self.headers["Content-Length"])))
        os.rename(path + ".new", path)
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("port_file")
    parser.add_argument("--user")
    parser.add_argument("--log")
    arguments = parser.parse_args()
    Handler.user, Handler.log = arguments.user, arguments.log
    os.makedirs(arguments.directory, exist_ok=True)
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *a: Handler(*a, directory=arguments.directory))
    with open(arguments.port_file + ".new", "w", encoding="ascii") as file:
        file.write(str(server.server_port))
    os.rename(arguments.port_file + ".new", arguments.port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
