#!/usr/bin/env python3
"""Writes a container image as an OCI archive, with nothing but Python: one binary, certificates, nobody's user.

    image.py make --binary FILE --certificates FILE --version V --commit C --epoch SECONDS --arch amd64 --name N OUT.tar
    image.py check OUT.tar      follows every digest, as a registry or containerd would

The same input gives the same bytes.
"""

import argparse
import gzip
import hashlib
import io
import json
import sys
import tarfile
from datetime import datetime, timezone

USER = 65532
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest(blob):
    return "sha256:" + hashlib.sha256(blob).hexdigest()


def tar(entries, epoch):
    """entries: (name, mode, content), where content None is a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, mode, content in entries:
            info = tarfile.TarInfo(name)
            info.mode, info.mtime = mode, epoch
            if content is None:
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def read(path):
    with open(path, "rb") as file:
        return file.read()


def make(options):
    epoch = options.epoch
    layer = tar(
        [
            ("etc", 0o755, None),
            ("etc/passwd", 0o644, b"root:x:0:0::/:/none\nfleetdeck:x:%d:%d::/tmp:/none\n" % (USER, USER)),
            ("etc/group", 0o644, b"root:x:0:\nfleetdeck:x:%d:\n" % USER),
            ("etc/ssl", 0o755, None),
            ("etc/ssl/certs", 0o755, None),
            ("etc/ssl/certs/ca-certificates.crt", 0o644, read(options.certificates)),
            ("tmp", 0o1777, None),
            ("fleetdeck", 0o755, read(options.binary)),
        ],
        epoch,
    )
    packed = gzip.compress(layer, compresslevel=9, mtime=0)
    created = datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    labels = {
        "org.opencontainers.image.title": "fleetdeck",
        "org.opencontainers.image.version": options.version,
        "org.opencontainers.image.revision": options.commit,
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.source": "https://github.com/fleetdeck/fleetdeck",
    }
    config = {
        "created": created,
        "architecture": options.arch,
        "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "Entrypoint": ["/fleetdeck"],
            "WorkingDir": "/tmp",
            "Env": ["PATH=/", "HOME=/tmp", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
            "Labels": labels,
        },
        "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
        "history": [{"created": created, "created_by": "fleetdeck's .ci/delivery/image.py"}],
    }
    blobs = {}

    def keep(media, blob):
        blobs[digest(blob)] = blob
        return {"mediaType": media, "digest": digest(blob), "size": len(blob)}

    def text(value):
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": keep(CONFIG, text(config)),
        "layers": [keep(LAYER, packed)],
        "annotations": labels,
    }
    entry = keep(MANIFEST, text(manifest))
    entry["platform"] = {"os": "linux", "architecture": options.arch}
    entry["annotations"] = {
        "org.opencontainers.image.ref.name": options.version,
        "io.containerd.image.name": f"{options.name}:{options.version}",
    }
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}
    files = [("oci-layout", 0o644, text({"imageLayoutVersion": "1.0.0"})), ("index.json", 0o644, text(index))]
    files += [("blobs", 0o755, None), ("blobs/sha256", 0o755, None)]
    files += [("blobs/sha256/" + name.split(":")[1], 0o644, blob) for name, blob in sorted(blobs.items())]
    with open(options.out, "wb") as out:
        out.write(tar(files, epoch))


def check(options):
    def fail(words):
        sys.exit(f"{options.out}: {words}")

    with tarfile.open(options.out) as archive:
        files = {m.name: archive.extractfile(m).read() for m in archive.getmembers() if m.isfile()}
    if json.loads(files["oci-layout"]) != {"imageLayoutVersion": "1.0.0"}:
        fail("not an OCI layout")
    seen = set()

    def blob(descriptor, media):
        if descriptor["mediaType"] != media:
            fail(f"{descriptor['mediaType']} where {media} belongs")
        name = "blobs/" + descriptor["digest"].replace(":", "/")
        found = files.get(name) or fail(f"no {name}")
        if len(found) != descriptor["size"] or digest(found) != descriptor["digest"]:
            fail(f"{name} is not what its digest and size say")
        seen.add(name)
        return found

    for entry in json.loads(files["index.json"])["manifests"]:
        manifest = json.loads(blob(entry, MANIFEST))
        config = json.loads(blob(manifest["config"], CONFIG))
        layers = [gzip.decompress(blob(layer, LAYER)) for layer in manifest["layers"]]
        if [digest(layer) for layer in layers] != config["rootfs"]["diff_ids"]:
            fail("the layers are not those of the configuration")
        if config["config"]["User"].split(":")[0] in ("", "0", "root"):
            fail("it runs as root")
        with tarfile.open(fileobj=io.BytesIO(layers[0])) as layer:
            program = layer.getmember(config["config"]["Entrypoint"][0].lstrip("/"))
            if not program.mode & 0o001:
                fail("its program can't be run by its user")
    stray = {name for name in files if name.startswith("blobs/")} - seen
    if stray:
        fail(f"blobs that nothing names: {sorted(stray)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    making = verbs.add_parser("make")
    for name in ("binary", "certificates", "version", "commit", "arch", "name"):
        making.add_argument(f"--{name}", required=True)
    making.add_argument("--epoch", type=int, required=True)
    making.set_defaults(run=make)
    checking = verbs.add_parser("check")
    checking.set_defaults(run=check)
    for verb in (making, checking):
        verb.add_argument("out")
    options = parser.parse_args()
    options.run(options)


main()
