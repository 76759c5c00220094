#!/usr/bin/env python3
"""Writes the JSON execution log of a Bazel that has no compact format as a compact log.

  transcode.py LOG.json OUT.zst {7.1|7.4}

Debian has no Bazel that writes compact logs. So the spawns of a real log are written again in
ExecLogEntry messages, by protoc --encode, in the encoding before or since Bazel 7.4, and packed by
zstd in two frames. Outputs that are listed and not made, where other files lie below, are
directories; so are inputs that an earlier spawn made as part of one.
"""
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROTO = "audit/cache/proto/spawn.proto"


def spawns_of(text):
    decoder, position = json.JSONDecoder(), 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        spawn, position = decoder.raw_decode(text, position)
        yield spawn


def quoted(text):
    return '"' + "".join(c if 32 <= ord(c) < 127 and c not in '"\\' else "".join(f"\\{b:03o}" for b in c.encode())
                         for c in text) + '"'


def digest(file):
    value = file.get("digest", {})
    size = int(value.get("sizeBytes", 0))
    return f"digest {{ hash: {quoted(value['hash'])} size_bytes: {size} }}" if size else ""


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


class Writer:
    def __init__(self, since_7_4):
        self.since_7_4, self.entries, self.known, self.trees = since_7_4, [], {}, {}

    def entry(self, text):
        if text not in self.known:
            self.known[text] = len(self.known) + 1
            self.entries.append(f"id: {self.known[text]} {text}")
        return self.known[text]

    def file(self, file):
        return self.entry(f"file {{ path: {quoted(file['path'])} {digest(file)} }}")

    def directory(self, path, files):
        below = " ".join(f"files {{ path: {quoted(file['path'][len(path) + 1:])} {digest(file)} }}" for file in files)
        return self.entry(f"directory {{ path: {quoted(path)} {below} }}")

    def input_set(self, files):
        ids, trees = [], {}
        for file in files:
            tree = next((tree for tree in self.trees if file["path"].startswith(tree + "/")), None)
            if tree is None:
                ids.append(("file", self.file(file)))
            else:
                trees.setdefault(tree, []).append(file)
        ids += [("directory", self.directory(tree, below)) for tree, below in trees.items()]
        if not ids:
            return 0
        name = (lambda kind: "input_ids") if self.since_7_4 else (lambda kind: kind + "_ids")
        # The first half is a set that others may share.
        half = len(ids) // 2
        first = " ".join(f"{name(kind)}: {number}" for kind, number in ids[:half])
        rest = " ".join(f"{name(kind)}: {number}" for kind, number in ids[half:])
        if first:
            rest += f" transitive_set_ids: {self.entry(f'input_set {{ {first} }}')}"
        return self.entry(f"input_set {{ {rest} }}")

    def output(self, path, made):
        file = next((file for file in made if file["path"] == path), None)
        below = [file for file in made if file["path"].startswith(path + "/")]
        if file is not None:
            return f"{'output_id' if self.since_7_4 else 'file_id'}: {self.file(file)}"
        if below:
            self.trees[path] = below
            return f"{'output_id' if self.since_7_4 else 'directory_id'}: {self.directory(path, below)}"
        return f"invalid_output_path: {quoted(path)}"

    def spawn(self, spawn):
        made = spawn.get("actualOutputs", [])
        fields = [f"args: {quoted(argument)}" for argument in spawn.get("commandArgs", [])]
        fields += [f"env_vars {{ name: {quoted(v['name'])} value: {quoted(v.get('value', ''))} }}"
                   for v in spawn.get("environmentVariables", [])]
        properties = " ".join(f"properties {{ name: {quoted(p['name'])} value: {quoted(p.get('value', ''))} }}"
                              for p in spawn.get("platform", {}).get("properties", []))
        if properties:
            fields.append(f"platform {{ {properties} }}")
        inputs = spawn.get("inputs", [])
        fields.append(f"input_set_id: {self.input_set(inputs)}")
        fields.append(f"tool_set_id: {self.input_set([file for file in inputs if file.get('isTool')])}")
        fields += [f"outputs {{ {self.output(path, made)} }}" for path in spawn.get("listedOutputs", [])]
        for name, field in ("targetLabel", "target_label"), ("mnemonic", "mnemonic"), ("status", "status"), (
                "runner", "runner"):
            fields.append(f"{field}: {quoted(spawn.get(name, ''))}")
        for name, field in ("remoteCacheHit", "cache_hit"), ("remotable", "remotable"), ("cacheable", "cacheable"), (
                "remoteCacheable", "remote_cacheable"):
            fields.append(f"{field}: {'true' if spawn.get(name) else 'false'}")
        fields.append(f"exit_code: {spawn.get('exitCode', 0)} timeout_millis: {spawn.get('timeoutMillis', 0)}")
        self.entries.append(f"spawn {{ {' '.join(fields)} }}")


def main():
    source, target, version = sys.argv[1:]
    writer = Writer(since_7_4=version == "7.4")
    writer.entries.append('invocation { hash_function_name: "SHA-256" workspace_runfiles_directory: "keys" }')
    for spawn in spawns_of(Path(source).read_text()):
        writer.spawn(spawn)
    messages = []
    for text in writer.entries:
        message = subprocess.run(["protoc", "--encode=tools.protos.ExecLogEntry", PROTO], check=True, cwd=ROOT,
                                 input=text.encode(), stdout=subprocess.PIPE).stdout
        messages.append(varint(len(message)) + message)
    half = len(messages) // 2
    Path(target).write_bytes(b"".join(
        subprocess.run(["zstd", "-qc"], check=True, input=b"".join(part), stdout=subprocess.PIPE).stdout
        for part in (messages[:half], messages[half:])))


if __name__ == "__main__":
    main()
