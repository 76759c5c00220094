#!/usr/bin/env python3
"""The token server of a registry: signs tokens as docker-registry wants them.

  token_server.py CERTIFICATE KEY USER PASSWORD LOG

Serves https with the certificate, by whose key tokens are signed as well, and prints its port. Who
asks with no or another password gets a 401. What is asked for is written to LOG.
"""
import base64
import http.server
import json
import ssl
import subprocess
import sys
import time
import urllib.parse

certificate, key, user, password, log = sys.argv[1:]


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(service, scopes):
    pem = open(certificate).read()
    der = "".join(pem.split("-----")[2].split())
    now = int(time.time())
    access = []
    for scope in scopes:
        kind, name, actions = scope.split(":")
        access.append({"type": kind, "name": name, "actions": actions.split(",")})
    parts = [encoded(json.dumps(part).encode()) for part in (
        {"typ": "JWT", "alg": "RS256", "x5c": [der]},
        {"iss": "test", "sub": user, "aud": service, "exp": now + 600, "nbf": now - 60, "iat": now,
         "jti": str(now), "access": access})]
    signed = b".".join(parts)
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=signed,
                               capture_output=True, check=True).stdout
    return (signed + b"." + encoded(signature)).decode()


class Tokens(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        with open(log, "a") as file:
            file.write(json.dumps(query) + "\n")
        wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        known = self.headers.get("Authorization") == wanted
        body = json.dumps({"token": token(query["service"][0], query.get("scope", []))} if known else {}).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tokens)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
