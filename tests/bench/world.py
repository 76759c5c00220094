"""What is measured: a store, an image of it, and forms of both that peers can read. What is made here
is made before anything is timed."""
import hashlib
import functools
import json
import os
import struct
import subprocess
from pathlib import Path


def output(*words, environment=None):
    return subprocess.run([str(word) for word in words], env=environment, check=True,
                          stdout=subprocess.PIPE).stdout


class Image:
    """One image of an OCI layout."""

    def __init__(self, layout, tag):
        self.layout, self.tag = Path(layout), tag
        manifests = json.loads((self.layout / "index.json").read_text())["manifests"]
        name = "org.opencontainers.image.ref.name"
        chosen = next(m for m in manifests if m.get("annotations", {}).get(name) == tag)
        self.manifest = json.loads(self.blob(chosen).read_text())
        self.layers = [self.blob(layer) for layer in self.manifest["layers"]]

    @property
    def reference(self):
        return f"oci:{self.layout}:{self.tag}"

    @property
    def bytes(self):
        return sum(layer.stat().st_size for layer in self.layers)

    def blob(self, descriptor):
        return self.layout / "blobs" / descriptor["digest"].replace(":", "/")


class World:
    """`directory` is what tests/world/build.sh makes, or holds closure.txt and roots.txt (paths of the
    machine's own store) and an OCI layout img/oci, tag lre-cc."""

    def __init__(self, directory, scratch):
        self.scratch = scratch
        self.closure = (directory / "closure.txt").read_text().split()
        self.roots = (directory / "roots.txt").read_text().split()
        if (directory / "img/oci").is_dir():
            self.image, self.root = Image(directory / "img/oci", "lre-cc"), Path("/")
        else:
            self.image, self.root = Image(directory / "oci", "clean"), directory / "root"
        private = self.root.resolve() != Path("/")
        self.nix = self.nix_for(self.root if private else None)
        described = json.loads(output("nix", "path-info", "--json", *self.closure,
                                      environment=self.nix))
        self.closure_json = scratch / "closure.json"
        self.closure_json.write_text(json.dumps(described))
        self.nar_bytes = sum(path["narSize"] for path in described)
        # libtree knows no other root: programs of a private store would find nothing.
        places = [Path("/usr/bin")] if private else [Path(path) for path in self.closure]
        self.programs = [str(file) for place in places for file in sorted(place.rglob("*"))
                         if is_program(file)]

    @staticmethod
    def nix_for(root):
        return {**os.environ, "NIX_REMOTE": f"local?root={root}" if root else "local",
                "NIX_CONFIG": "experimental-features = nix-command\nsubstituters ="}

    def copy_store(self):
        """A store of the closure alone: `nix-store --verify` knows no smaller unit than a store."""
        root = self.scratch / "store"
        subprocess.run(["nix", "copy", "--no-check-sigs", "--to", f"local?root={root}", *self.closure],
                       env=self.nix, check=True, stderr=subprocess.DEVNULL)
        return root

    def zstd_image(self):
        layout = self.scratch / "zstd"
        output("skopeo", "copy", "--quiet", "--insecure-policy", "--dest-compress-format", "zstd",
               "--dest-compress", self.image.reference, f"oci:{layout}:zstd")
        return Image(layout, "zstd")

    @functools.cache
    def tar_bytes(self):
        """Of all layers, uncompressed."""
        return sum(int(output("bash", "-c", 'gzip -dc "$0" | wc -c', layer)) for layer in self.image.layers)

    def single_layer_image(self):
        """The closure in one layer, in the order and with the metadata of image builders."""
        layout = self.scratch / "single"
        (layout / "blobs/sha256").mkdir(parents=True)

        def add(data):
            digest = hashlib.sha256(data).hexdigest()
            (layout / "blobs/sha256" / digest).write_bytes(data)
            return {"digest": f"sha256:{digest}", "size": len(data)}

        tar = layout / "layer.tar"
        subprocess.run(
            ["tar", "--sort=name", "--mtime=@1", "--owner=0", "--group=0", "--numeric-owner", "-C",
             self.root, "-cf", tar, *[path.lstrip("/") for path in sorted(self.closure)]], check=True)
        diff_id = output("sha256sum", tar).split()[0].decode()
        subprocess.run(["gzip", "-6", "-n", tar], check=True)
        packed = layout / "layer.tar.gz"
        digest = output("sha256sum", packed).split()[0].decode()
        size = packed.stat().st_size
        packed.rename(layout / "blobs/sha256" / digest)
        config = add(json.dumps({
            "architecture": "amd64", "os": "linux", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]}}).encode())
        manifest = add(json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                        "digest": f"sha256:{digest}", "size": size}]}).encode())
        (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json", **manifest,
            "annotations": {"org.opencontainers.image.ref.name": "single"}}]}))
        return Image(layout, "single")


    def nix2container_image(self):
        """nix2container's description of the closure, completed by what the tests hold us against."""
        described, completed = self.scratch / "described.json", self.scratch / "nix2container.json"
        eighth = -(-len(self.closure) // 8)
        layers = [self.closure[at:at + eighth] for at in range(0, len(self.closure), eighth)]
        described.write_text(json.dumps({
            "image-config": {},
            "layers": [{"paths": [{"path": path} for path in layer]} for layer in layers]}))
        tars = self.scratch / "tars"
        tars.mkdir()
        environment = {**os.environ, "GO111MODULE": "off", "GOCACHE": str(self.scratch / "go")}
        program = Path(__file__).resolve().parent.parent / "cli/nix2container.go"
        output("go", "run", program, self.root, described, completed, tars, environment=environment)
        subprocess.run(["rm", "-r", tars], check=True)
        return f"nix:{completed}"


def is_program(file):
    """A dynamically linked ELF executable: it has an interpreter."""
    if file.is_symlink() or not file.is_file() or not os.access(file, os.X_OK | os.R_OK):
        return False
    with file.open("rb") as stream:
        header = stream.read(64)
        if header[:5] != b"\x7fELF\x02":
            return False
        (offset,), (size, count) = struct.unpack_from("<Q", header, 32), struct.unpack_from("<HH", header, 54)
        stream.seek(offset)
        table = stream.read(size * count)
    pt_interp = 3
    return any(struct.unpack_from("<I", table, at)[0] == pt_interp for at in range(0, len(table), size))
