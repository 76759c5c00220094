#!/usr/bin/python3
"""A remote cache that keeps what Bazel gives it: BuildStream's CAS, and an ActionCache beside it.

  grpc_cache.py DIR PORT_FILE [OPTION...]

DIR holds the blobs and action results. Serves Capabilities, ContentAddressableStorage and ByteStream
(BuildStream's), and ActionCache (below), on a free port of the loopback device, which it writes to
PORT_FILE, until it is killed.

  --instance NAME   the instance whose action results these are; others have none
  --other NAME DIR  another instance, and the directory of its action results
  --tls CERT KEY    speaks TLS
  --client-ca FILE  wants a certificate of the client, signed by one of these
  --header N=V      answers UNAUTHENTICATED to whoever does not send this
  --log FILE        appends a line for each call: its method
  --slow SECONDS    before each action result
  --no-action-cache BuildStream's services alone
  --function NUMBER the digest function that it says it has, of remote_execution.proto
"""
import argparse
import os
import time
from concurrent import futures

import grpc
from buildstream._artifactcache import casserver
from buildstream._artifactcache.cascache import CASCache
from buildstream._protos.build.bazel.remote.execution.v2 import remote_execution_pb2 as reapi
from buildstream._protos.build.bazel.remote.execution.v2 import remote_execution_pb2_grpc as services
from buildstream._protos.google.bytestream import bytestream_pb2_grpc


class Capabilities(casserver._CapabilitiesServicer):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def GetCapabilities(self, request, context):
        answer = super().GetCapabilities(request, context)
        if self.function:  # newer ones than BuildStream's enumeration has
            answer.cache_capabilities.ClearField("digest_function")
            answer.cache_capabilities.MergeFromString(bytes([0x0A, 0x01, self.function]))
        answer.cache_capabilities.action_cache_update_capabilities.update_enabled = True
        answer.low_api_version.major = answer.high_api_version.major = 2
        return answer


class ByteStream(casserver._ByteStreamServicer):
    """BuildStream's knows no instances."""

    def __init__(self, instance, *arguments, **options):
        super().__init__(*arguments, **options)
        self.instance = instance

    def _without_instance(self, name):
        return name[len(self.instance) + 1:] if self.instance and name.startswith(self.instance + "/") else name

    def Read(self, request, context):
        request.resource_name = self._without_instance(request.resource_name)
        return super().Read(request, context)

    def Write(self, requests, context):
        def stripped():
            for request in requests:
                request.resource_name = self._without_instance(request.resource_name)
                yield request

        return super().Write(stripped(), context)


class ActionCache(services.ActionCacheServicer):
    def __init__(self, directories, slow):
        self.directories, self.slow = directories, slow
        for directory in directories.values():
            os.makedirs(directory, exist_ok=True)

    def _path(self, request):
        assert all(c in "0123456789abcdef" for c in request.action_digest.hash)
        return os.path.join(self.directories[request.instance_name], request.action_digest.hash)

    def GetActionResult(self, request, context):
        time.sleep(self.slow)
        if request.instance_name not in self.directories or not os.path.exists(self._path(request)):
            context.abort(grpc.StatusCode.NOT_FOUND, f"{request.action_digest.hash} is not here")
        with open(self._path(request), "rb") as file:
            return reapi.ActionResult.FromString(file.read())

    def UpdateActionResult(self, request, context):
        if request.instance_name not in self.directories:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"no instance {request.instance_name}")
        with open(self._path(request) + ".new", "wb") as file:
            file.write(request.action_result.SerializeToString())
        os.rename(self._path(request) + ".new", self._path(request))
        return request.action_result


class Watch(grpc.ServerInterceptor):
    """Says what is asked, and refuses who does not say who they are."""

    def __init__(self, log, header):
        self.log, self.header = log, header

    def intercept_service(self, continuation, details):
        if self.log:
            with open(self.log, "a", encoding="ascii") as file:
                file.write(details.method + "\n")
        metadata = dict(details.invocation_metadata)
        if self.header and metadata.get(self.header[0]) != self.header[1]:
            return grpc.unary_unary_rpc_method_handler(
                lambda _, context: context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you?"))
        return continuation(details)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("port_file")
    parser.add_argument("--instance", default="")
    parser.add_argument("--other", nargs=2)
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--client-ca")
    parser.add_argument("--header")
    parser.add_argument("--log")
    parser.add_argument("--slow", type=float, default=0)
    parser.add_argument("--no-action-cache", action="store_true")
    parser.add_argument("--function", type=int)
    arguments = parser.parse_args()

    header = arguments.header.split("=", 1) if arguments.header else None
    server = grpc.server(futures.ThreadPoolExecutor(8), interceptors=[Watch(arguments.log, header)])
    os.makedirs(arguments.directory, exist_ok=True)
    cas = CASCache(os.path.join(arguments.directory, "cas"))
    cleaner = casserver._CacheCleaner(cas, 2 << 20, 1 << 20)
    bytestream_pb2_grpc.add_ByteStreamServicer_to_server(
        ByteStream(arguments.instance, cas, cleaner, enable_push=True), server)
    services.add_ContentAddressableStorageServicer_to_server(
        casserver._ContentAddressableStorageServicer(cas, cleaner, enable_push=True), server)
    services.add_CapabilitiesServicer_to_server(Capabilities(arguments.function), server)
    if not arguments.no_action_cache:
        directories = {arguments.instance: os.path.join(arguments.directory, "ac")}
        if arguments.other:
            directories[arguments.other[0]] = arguments.other[1]
        services.add_ActionCacheServicer_to_server(ActionCache(directories, arguments.slow), server)

    if arguments.tls:
        def read(name):
            with open(name, "rb") as file:
                return file.read()

        credentials = grpc.ssl_server_credentials(
            [(read(arguments.tls[1]), read(arguments.tls[0]))],
            root_certificates=read(arguments.client_ca) if arguments.client_ca else None,
            require_client_auth=bool(arguments.client_ca))
        port = server.add_secure_port("localhost:0", credentials)
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with open(arguments.port_file + ".new", "w", encoding="ascii") as file:
        file.write(str(port))
    os.rename(arguments.port_file + ".new", arguments.port_file)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
