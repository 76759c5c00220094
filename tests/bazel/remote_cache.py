#!/usr/bin/python3
"""A remote cache that has nothing and takes nothing, so that Bazel logs what it asked it.

  remote_cache.py PORT_FILE [STATUS]

Serves Capabilities and ActionCache of the Remote Execution API on a free port of the loopback device,
which it writes to PORT_FILE, until it is killed. STATUS is what it answers who asks for a result:
NOT_FOUND, or UNAVAILABLE and the like. Messages are written by hand: there is next to
nothing in them.
"""
import os
import sys
from concurrent import futures

import grpc

API = "build.bazel.remote.execution.v2"
# ServerCapabilities {cache_capabilities {digest_functions: SHA256
#                     action_cache_update_capabilities {update_enabled: false}}
#                     low_api_version {major: 2} high_api_version {major: 2}}
CAPABILITIES = bytes([0x0A, 0x05, 0x0A, 0x01, 0x01, 0x12, 0x00, 0x22, 0x02, 0x08, 0x02, 0x2A, 0x02, 0x08, 0x02])


def unary(method):
    return grpc.unary_unary_rpc_method_handler(method, lambda data: data, lambda data: data)


def get_action_result(_, context):
    context.abort(grpc.StatusCode[sys.argv[2] if len(sys.argv) > 2 else "NOT_FOUND"], "there is nothing here")


def main():
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((
        grpc.method_handlers_generic_handler(f"{API}.Capabilities",
                                             {"GetCapabilities": unary(lambda request, context: CAPABILITIES)}),
        grpc.method_handlers_generic_handler(f"{API}.ActionCache", {"GetActionResult": unary(get_action_result)}),
    ))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with open(sys.argv[1] + ".new", "w", encoding="ascii") as file:
        file.write(str(port))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    server.wait_for_termination()


if __name__ == "__main__":
    main()
