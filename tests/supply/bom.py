"""The bill of materials of all that is locked, in CycloneDX 1.6: the same lock gives the same bytes.

Names, versions and hashes are those of the lock. Licences are what the installed packages say of themselves; of a
package that this system does not install they are not known here, and none are written.
"""

from __future__ import annotations

import hashlib
import uuid
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from tests.supply.lock import LOCK, TOP, Locked, read

OUT: Final = TOP / "dist" / "enforcement-bridge.cdx.json"
_SPACE: Final = uuid.UUID("6f0f8a52-0a55-5b3c-9d1e-5a6a2b1c7e11")
_LONGEST: Final = 80
"""A longer licence field is the licence's text, which is left out."""


def write(out: Path = OUT, lock: Path = LOCK) -> int:
    """Write the bill; gives the number of its components."""
    packages = read(lock)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text(packages, lock.read_bytes()), encoding="utf-8")
    return len(packages)


def text(packages: list[Locked], lock: bytes) -> str:
    """The bill as JSON."""
    serial = uuid.uuid5(_SPACE, hashlib.sha256(lock).hexdigest())
    bom = Bom(components=[_component(one) for one in packages], serial_number=serial)
    name, version = "enforcement-bridge", metadata.version("enforcement-bridge")
    root = Component(name=name, version=version, type=ComponentType.APPLICATION, bom_ref=f"{name}=={version}")
    bom.metadata.component = root
    bom.register_dependency(root, bom.components)
    bom.metadata.timestamp = None  # type: ignore[assignment]  # the same lock gives the same bytes
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _component(one: Locked) -> Component:
    url = PackageURL("pypi", None, one.name, one.version)
    files = [
        ExternalReference(
            type=ExternalReferenceType.DISTRIBUTION,
            url=XsUri(url.to_string()),
            comment=f"sha256 {digest}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        )
        for digest in one.hashes
    ]
    return Component(
        name=one.name,
        version=one.version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{one.name}=={one.version}",
        purl=url,
        external_references=files,
        licenses=_licences(one),
        properties=[Property(name="enforcement-bridge:marker", value=one.marker)] if one.marker else (),
    )


def _licences(one: Locked) -> list[License]:
    """What the installed package says: an SPDX expression, its classifiers, or a short name."""
    try:
        said: Any = metadata.metadata(one.name)
    except metadata.PackageNotFoundError:
        return []
    made = LicenseFactory()
    if expression := said.get("License-Expression"):
        return [made.make_from_string(expression)]
    classified = [
        line.rpartition(" :: ")[2] for line in said.get_all("Classifier") or [] if line.startswith("License :: ")
    ]
    names = [name for name in classified if name != "OSI Approved"]
    plain = (said.get("License") or "").strip()
    if not names and plain and len(plain) <= _LONGEST and "\n" not in plain:
        names = [plain]
    return [made.make_with_name(name) for name in sorted(set(names))]
