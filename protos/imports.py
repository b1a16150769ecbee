"""Lays the protos that ours import out of the installed wheels into `.venv/protos`, the second
module of buf.yaml.

protobuf's own (`google/protobuf/…`) are not among them: buf and protoc have them built in.
protovalidate ships its proto as a descriptor alone, so that one is printed.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import protovalidate
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from printer import proto_text

IMPORTS = Path(__file__).resolve().parent.parent / ".venv" / "protos"
# Python packages that hold .proto files beside their code, under the path by which they are
# imported.
PACKAGES = ("google.api", "google.rpc")


def main() -> None:
    """Replaces what was laid out before."""
    shutil.rmtree(IMPORTS, ignore_errors=True)
    for package in PACKAGES:
        target = IMPORTS.joinpath(*package.split("."))
        target.mkdir(parents=True)
        for source in _home(package).glob("*.proto"):
            shutil.copyfile(source, target / source.name)
    rules = rules_of_fields()
    target = IMPORTS / rules.name
    target.parent.mkdir(parents=True)
    target.write_text(proto_text(rules), "utf-8")


def rules_of_fields() -> FileDescriptorProto:
    """`buf/validate/validate.proto`: the options by which a proto states the rules of its
    fields."""
    return FileDescriptorProto.FromString(protovalidate.ViolationPb.desc().file.proto.to_binary())


def _home(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{package} is not installed; run `make install`")
    return Path(spec.submodule_search_locations[0])


if __name__ == "__main__":
    main()
