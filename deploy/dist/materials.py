"""What is in a build: a bill of materials (CycloneDX 1.6) and the licences of every crate, from what cargo resolved.

Nothing in either depends on the machine or the time: a second build of a revision makes the same bytes.
"""

import argparse
import collections
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import tomllib
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = "x86_64-unknown-linux-gnu"
# files of a crate that have to go along with its code
TERMS = re.compile(r"(?i)^(licen[cs]e|copying|copyright|notice|unlicense)([-._].*)?$")


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def linked(features):
    """Names and versions of the crates that the binary is made of, macros and build scripts included."""
    tree = cargo("tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--format", "{p}",
                 "--no-default-features", "--features", features, "--target", TARGET)
    return {tuple(line.split()[:2]) for line in tree.splitlines()}


def resolved(features):
    """The crates in the build, with what cargo knows of them and the crates each needs, by name and version."""
    wanted = linked(features)
    metadata = json.loads(cargo("metadata", "--locked", "--format-version", "1", "--filter-platform", TARGET,
                                "--no-default-features", "--features", features))
    key = lambda package: (package["name"], f"v{package['version']}")
    crates = {package["id"]: package for package in metadata["packages"] if key(package) in wanted}
    assert len(crates) == len(wanted), f"{wanted - {key(package) for package in crates.values()}} are missing"
    edges = {node["id"]: sorted({dep["pkg"] for dep in node["deps"] if any(kind["kind"] != "dev" for kind in dep["dep_kinds"])}
                                & set(crates)) for node in metadata["resolve"]["nodes"]}
    return [(package, [crates[id] for id in edges[package["id"]]])
            for package in sorted(crates.values(), key=lambda package: (package["name"], package["version"]))]


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, checksums):
    made = {"type": "library", "bom-ref": purl(package), "name": package["name"], "version": package["version"],
            "purl": purl(package), "scope": "required"}
    if package["description"]:
        made["description"] = " ".join(package["description"].split())
    if package["license"]:
        # `MIT/Apache-2.0` is how it was written before SPDX expressions
        made["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    if checksum := checksums.get((package["name"], package["version"])):
        made["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        made["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return made


def bill(crates, binary):
    """The bill of materials of a binary."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    checksums = {(one["name"], one["version"]): one.get("checksum") for one in lock}
    subject = next(package for package, _ in crates if package["name"] == "presign-gate")
    own = component(subject, checksums) | {"type": "application"}
    own.pop("scope")
    own["hashes"] = [{"alg": "SHA-256", "content": hashlib.sha256(binary.read_bytes()).hexdigest()}]
    time = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.UTC)
    content = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ"), "component": own,
                     "properties": [{"name": "presign-gate:revision", "value": os.environ["PRESIGN_GATE_REVISION"]}]},
        "components": [component(package, checksums) for package, _ in crates if package is not subject],
        "dependencies": [{"ref": purl(package), "dependsOn": [purl(one) for one in needs]} for package, needs in crates],
    }
    number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(content, sort_keys=True))
    return {"$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "serialNumber": f"urn:uuid:{number}", **content}


def licences(crates):
    """Every crate with its licence, and each text once with the crates that come with it."""
    lines = ["The binary presign-gate contains the following software, under the licences named.", ""]
    texts = collections.defaultdict(list)
    for package, _ in crates:
        name = f"{package['name']} {package['version']}"
        folder = pathlib.Path(package["manifest_path"]).parent
        paths = [path for path in sorted(folder.iterdir()) if path.is_file() and TERMS.match(path.name)]
        for path in paths:
            texts["\n".join(line.rstrip() for line in path.read_text(errors="replace").strip().splitlines())].append(name)
        lines.append(f"{name}: {package['license']}{'' if paths else ' (its package holds no text)'}")
    for text, users in sorted(texts.items(), key=lambda item: item[1]):
        lines += ["", "-" * 80, *dict.fromkeys(users), "-" * 80, "", text]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", required=True, help="the features of the build, comma-separated")
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--sbom", type=pathlib.Path, required=True, help="where to write the bill of materials")
    parser.add_argument("--licences", type=pathlib.Path, required=True, help="where to write the licences")
    args = parser.parse_args()
    crates = resolved(args.features)
    args.sbom.write_text(json.dumps(bill(crates, args.binary), indent=1, ensure_ascii=False) + "\n")
    args.licences.write_text(licences(crates))


if __name__ == "__main__":
    main()
