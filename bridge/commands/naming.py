"""Names that people type, refused where nothing is called so: a slip of the pen would pass for nothing found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bridge.content import COLLECT, Content
from bridge.errors import Misconfigured
from bridge.exchange import Exchange
from bridge.mapping import load_versions
from bridge.mapping.code_sets import codes_of
from bridge.mapping.identify import system_of
from bridge.shapes import read_shape

COMMON = "common/seizure.json"


def require_known(
    exchange: Exchange, *, source: str | None = None, partner: str | None = None, code: str | None = None
) -> None:
    """Make sure that what is asked about is, or ever was: a system by its mapping or its runs, a code by a problem.

    Where nothing was ever held no code is refused: that nothing is held is then true of every one.

    Raises:
        Misconfigured: NO_SOURCE, NO_PARTNER or NO_CODE.
    """
    if source is not None:
        known = {*Content.find().sources(), *exchange.collected_from()}
        if source not in known:
            raise Misconfigured("NO_SOURCE", source, "there is no such source", f"Name one of: {_names(known)}")
    if partner is not None:
        known = {*Content.find().partners(), *exchange.shared_with()}
        if partner not in known:
            raise Misconfigured("NO_PARTNER", partner, "there is no such partner", f"Name one of: {_names(known)}")
    if code is not None:
        known = exchange.problem_codes()
        if known and code not in known:
            raise Misconfigured("NO_CODE", code, "no problem ever had this code", f"Name one of: {_names(known)}")


def _names(known: Iterable[str]) -> str:
    return ", ".join(sorted(known)) or "none yet"


def require_partner(content: Content, name: str | None) -> None:
    """Make sure that there is a mapping for this partner, if one is named.

    Raises:
        Misconfigured: NO_PARTNER.
    """
    partners = content.partners()
    if name is not None and name not in partners:
        raise Misconfigured("NO_PARTNER", name, "there is no such partner", f"Name one of: {_names(partners)}")


def supplier(content: Content, said: str) -> str:
    """A country or a system of origin as records name it, from however it is written.

    Raises:
        Misconfigured: NO_SUCH_SUPPLIER.
    """
    name = said.strip().upper()
    if name in _codes(content, "supplier_country"):
        return name
    systems = {
        system_of(version) for source in content.sources() for version in load_versions(content, source, COLLECT).all
    } - {""}
    if name not in systems:
        what = "records are supplied by no country and come from no system of this name"
        fix = f"Write a country's ISO 3166-1 code of two letters, or one of: {', '.join(sorted(systems))}"
        raise Misconfigured("NO_SUCH_SUPPLIER", name, what, fix)
    return name


def groups(content: Content, said: Sequence[str]) -> tuple[str, ...]:
    """Commodity groups as records name them.

    Raises:
        Misconfigured: NO_SUCH_GROUP.
    """
    known = _codes(content, "goods.commodity_group")
    names = tuple(one.strip().upper() for one in said)
    for name in names:
        if name not in known:
            fix = f"Name some of: {', '.join(known)}"
            raise Misconfigured("NO_SUCH_GROUP", name, "there is no such commodity group", fix)
    return names


def _codes(content: Content, path: str) -> tuple[str, ...]:
    field = read_shape(content, COMMON).find(path)
    return () if field is None else codes_of(content, COMMON, field)
