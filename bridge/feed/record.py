"""The text of one CEN record, and the few facts of it that the truth keeps.

What does not change from record to record is put together once, when this module
is loaded or a day begins: that makes tens of thousands of records a second.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from bridge.feed import catalogue as c
from bridge.feed.spoil import spoil
from bridge.feed.story import Event

_GROUPS: Final = ("DRG", "TOB", "IPR", "MED", "CIT", "ALC", "TAX", "WEA", "CUR", "PRE", "CUL", "ENV", "OTH", "STR")
_SHARES: Final = (60, 44, 40, 24, 16, 14, 14, 12, 10, 6, 5, 5, 4, 2)
_GROUP_OF: Final = tuple(group for group, share in zip(_GROUPS, _SHARES, strict=True) for _ in range(share))
_STATUSES: Final = ("SEIZED", "SEIZED", "SEIZED", "DETAINED", "CONFISCATED", "DESTROYED")
_FINER: Final = {"KGM": ("TNE", 5), "LTR": ("HLT", 4), "H87": ("CEN", 4)}
"""Unit in which one line in eight is written instead, and how many decimals its quantity then has."""
_WRITTEN: Final = {"GB": "UK", "GR": "EL", "CD": "ZR"}
"""How some administrations write a country."""
_AGES: Final = ("18_29", "30_44", "45_59", "UNKNOWN")
_LETTERS: Final = {letter: 10 + i + (i + 9) // 10 for i, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
"""Values of letters in ISO 6346: from 10 on, multiples of 11 left out."""


class Facts(NamedTuple):
    """What a partner must hold of a record: canonical text, quantity of the first goods line."""

    ref: str
    seizure_date: str
    seizure_country: str
    commodity_group: str
    goods: int
    quantity: str
    unit: str
    updated_at: str


class Day(NamedTuple):
    """Dates of the records born on one day, as text: entered the day before, seized up to six days earlier."""

    entered: str
    seized: tuple[str, ...]
    departed: tuple[str, ...]


def day_of(start: date, day: int) -> Day:
    """The dates of what is born on this day, counted from 0."""
    entered = start + timedelta(days=day - 1)
    return Day(
        f"{entered}T",
        tuple(str(entered - timedelta(days=back)) for back in range(7)),
        tuple(str(entered - timedelta(days=8 + back)) for back in range(40)),
    )


def version_time(day: Day, chance: bytes, version: int) -> str:
    """When a version was made: the first in the morning of the day before it is born, each later one two hours on."""
    seconds = (chance[52] << 16 | chance[53] << 8 | chance[54]) % 43200 + 7200 * (version - 1)
    return f"{day.entered}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}Z"


def decimal(hundredths: int) -> str:
    """Canonical text of a number given in hundredths."""
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02d}".rstrip("0") if rest else str(whole)


@cache
def container(owner: str, serial: int) -> str:
    """A container number with its check digit (ISO 6346)."""
    body = f"{owner}U{serial:06d}"
    total = sum((_LETTERS[char] if char.isalpha() else int(char)) * 2**place for place, char in enumerate(body))
    return f"{body}{total % 11 % 10}"


def quantity_of(kind: c.Kind, chance: int, version: int) -> int:
    """Hundredths of the kind's unit: many small, few large; each correction takes a tenth off."""
    hundredths = kind.low + (kind.high - kind.low) * chance**3 // 65535**3
    if kind.unit in ("H87", "PR"):
        hundredths = hundredths // 100 * 100
    if version > 1 and hundredths >= 1000:
        hundredths = hundredths * (11 - version) // 1000 * 100
    return hundredths


def _leaves(depth: int, **leaves: str) -> str:
    """Elements with text, one a line; those without text are left out."""
    return "".join(f"{'  ' * depth}<{name}>{escape(text)}</{name}>\n" for name, text in leaves.items() if text)


class _Where(NamedTuple):
    """What a place of seizure always brings into a record."""

    country: str
    kind: str
    mode: str
    french: bool
    office: str
    place: str
    arrival: str
    means: str

    @classmethod
    def of(cls, place: c.Place) -> _Where:
        inner = _leaves(3, Name=place.name, Code=place.locode, Latitude=place.latitude, Longitude=place.longitude)
        role = _leaves(4, Role="INTENDED_DESTINATION", Country=place.country, Place=place.locode)
        return cls(
            place.country, place.kind, place.mode, place.country in c.FRENCH,
            _leaves(2, Region=place.region, CustomsOffice=place.name),
            f"{_leaves(2, LocationType=place.kind)}    <Place>\n{inner}    </Place>\n",
            f"{role}      </Step>\n    </Route>\n",
            f"    <Conveyances>\n      <Conveyance>\n{_leaves(4, Mode=place.mode)}",
        )  # fmt: skip


class _What(NamedTuple):
    """What a kind of goods always brings into a goods line: its start in English, in French and short; its end."""

    kind: c.Kind
    starts: tuple[str, str, str]
    end: str

    @classmethod
    def of(cls, kind: c.Kind) -> _What:
        starts = tuple(
            f"{_leaves(4, Group=kind.group, Type=kind.code, Description=words, HS=kind.hs)}        <Quantity>"
            for words in (kind.english, kind.french, "")
        )
        genuine = "COUNTERFEIT" if kind.group in ("IPR", "MED") else ""
        special = {
            "ControlCode": kind.control,
            "Species": kind.species,
            "Specimen": kind.specimen,
            "Isotope": kind.isotope,
        }
        end = _leaves(4, Brand=kind.brand, Genuineness=genuine, **special)
        return cls(kind, (starts[0], starts[1], starts[2]), end)


_WHERE: Final = tuple(_Where.of(place) for place in c.PLACES)
_WHAT: Final = {group: tuple(_What.of(kind) for kind in c.KINDS if kind.group == group) for group in _GROUPS}
_TELL: Final = tuple(tuple(_leaves(2, Narrative=text) for text in c.NARRATIVES[language]) for language in ("en", "fr"))


def render(event: Event, chance: bytes, day: Day) -> tuple[str, Facts]:
    """The record as XML, and its facts; a faulty event's facts say what it would have been.

    Args:
        chance: the record's digest().
        day: day_of() the day on which the record was born, whichever version this is.
    """
    b = chance
    number, version = event.number, event.version
    where = _WHERE[b[0] % len(_WHERE)]
    country = where.country
    group = _GROUPS[number // 20 % 14] if number % 20 == 0 else _GROUP_OF[b[1]]
    kinds = _WHAT[group]
    seized = day.seized[b[2] % 7]
    simplified = b[3] < 38
    updated = version_time(day, b, version)
    entered = updated if version == 1 else version_time(day, b, 1)
    status = "CANCELLED" if event.cancelled else "NEW" if version == 1 else "CORRECTED" if b[4] < 96 else "UPDATED"
    lines = 1 if simplified or b[5] < 150 else 2 if b[5] < 215 else 3
    if version == 2 and lines > 1 and b[5] & 1:
        lines -= 1  # a correction that drops a goods line
    origin = c.ORIGINS[group][b[6] % len(c.ORIGINS[group])]
    first = kinds[b[7] % len(kinds)]
    quantity = quantity_of(first.kind, b[8] << 8 | b[9], version)
    goods = _item(first, quantity, 0, b, 2 if simplified else where.french)
    for line in range(1, lines):
        what = kinds[(b[7] + line) % len(kinds)]
        goods += _item(what, quantity_of(what.kind, b[10 + line] << 8 | b[9], 1), line, b, where.french)
    written = _WRITTEN.get(country, country) if b[13] < 90 else country
    ref = f"{country}-{number:09d}"
    start = (
        f'  <Seizure ref="{ref}" entered="{entered}" updated="{updated}">\n'
        f"    <Form>{'SIMPLIFIED' if simplified else 'LONG'}</Form>\n    <Status>{status}</Status>\n"
        f"    <ReportingCountry>{written}</ReportingCountry>\n"
    )
    found = (
        f"    <Transport>{where.mode}</Transport>\n    <DetectionMethods>{c.DETECTIONS[b[15] % 9]}</DetectionMethods>\n"
        f"    <Concealment>{c.CONCEALMENTS[b[16] % 9]}</Concealment>\n"
    )
    if simplified:
        text = (
            f"{start}    <SeizureDate>{seized}</SeizureDate>\n    <Country>{written}</Country>\n"
            f"    <LocationType>{where.kind}</LocationType>\n    <Direction>{c.DIRECTIONS[b[14] % 6]}</Direction>\n"
            f"{found}    <Departure>{origin}</Departure>\n    <Destination>{country}</Destination>\n"
            f"    <Goods>\n{goods}    </Goods>\n  </Seizure>\n"
        )
    else:
        operation = f"    <Operation>{c.OPERATIONS[b[17] % 4]}</Operation>\n" if b[17] < 16 else ""
        narrative = _TELL[where.french][b[21] % 4] if b[20] < 200 else ""
        text = (
            f"{start}{where.office}    <NationalReference>{country}/{number % 99991:05d}</NationalReference>\n"
            f"    <CaseNumber>CASE-{number // 3:09d}</CaseNumber>\n{operation}"
            f"    <Offence>{c.OFFENCES[group]}</Offence>\n"
            f"    <SeizureStatus>{_STATUSES[b[18] % 6]}</SeizureStatus>\n    <SeizureDate>{seized}</SeizureDate>\n"
            f"    <Country>{written}</Country>\n{where.place}    <Direction>{c.DIRECTIONS[b[14] % 6]}</Direction>\n"
            f"    <Procedure>4000</Procedure>\n{found}    <RiskIndicators>{c.INDICATORS[b[19] % 7]}</RiskIndicators>\n"
            f"{narrative}    <Goods>\n{goods}    </Goods>\n{_way(where, group, origin, day, b)}  </Seizure>\n"
        )
    facts = Facts(ref, seized, country, group, lines, decimal(quantity), first.kind.unit, updated)
    return (text if event.fault is None else spoil(text, event.fault.name)), facts


def _way(where: _Where, group: str, origin: str, day: Day, b: bytes) -> str:
    """Route, conveyance, offenders counted and cash of a long form."""
    written = _WRITTEN.get(origin, origin) if b[13] < 128 else origin
    route = (
        f'    <Route>\n      <Step no="1">\n        <Role>DEPARTURE</Role>\n        <Country>{written}</Country>\n'
        f"        <Date>{day.departed[b[23] % 40]}</Date>\n      </Step>\n"
    )
    transit = c.TRANSIT[b[22] % 10]
    if transit:
        route += (
            f'      <Step no="2">\n        <Role>TRANSIT</Role>\n        <Country>{transit}</Country>\n      </Step>\n'
            f'      <Step no="3">\n{where.arrival}'
        )
    else:
        route += f'      <Step no="2">\n{where.arrival}'
    serial = (b[24] << 8 | b[25]) % 4096
    means = ""
    if where.mode == "SEA_COMMERCIAL":
        boxes = container("EXA", serial) if b[27] < 200 else f"{container('EXA', serial)} {container('SPC', serial)}"
        means = (
            f"        <Reference>V{serial:04d}W</Reference>\n        <Containers>{boxes}</Containers>\n"
            f"        <VesselName>{c.VESSELS[b[28] % 5]}</VesselName>\n        <IMO>9074729</IMO>\n"
            f"        <Flag>{c.FLAGS[b[29] % 5]}</Flag>\n        <Carrier>Example Shipping Ltd</Carrier>\n"
        )
    elif where.mode in ("AIR", "COURIER"):
        means = f"        <Reference>EX{serial:04d}</Reference>\n        <Carrier>Example Air</Carrier>\n"
    rest = ""
    if b[30] < 110:
        rest = (
            "    <Offenders>\n      <Offender>\n"
            f"        <Nationality>{where.country if b[31] & 1 else origin}</Nationality>\n"
            f"        <Sex>{'FM'[b[32] > 60]}</Sex>\n        <AgeBand>{_AGES[b[33] % 4]}</AgeBand>\n"
            f"        <Number>{1 + b[34] % 3}</Number>\n      </Offender>\n    </Offenders>\n"
        )
    if group == "CUR":
        rest += (
            "    <Cash>\n      <Item>\n        <Type>CURRENCY</Type>\n"
            f"        <Amount>{10000 + (b[35] << 8 | b[36])}</Amount>\n"
            f"        <Currency>{c.CURRENCIES[b[37] % 8]}</Currency>\n        <Declared>false</Declared>\n"
            "      </Item>\n    </Cash>\n"
        )
    return f"{route}{where.means}{means}      </Conveyance>\n    </Conveyances>\n{rest}"


def _item(what: _What, quantity: int, line: int, b: bytes, form: int) -> str:
    """A goods line; ``form`` is the place in ``what.starts``."""
    kind = what.kind
    unit = kind.unit
    if b[38 + line] < 32 and unit in _FINER:
        unit, places = _FINER[unit]
        digits = f"{quantity:0{places + 1}d}"
        amount = f"{digits[:-places]}.{digits[-places:]}"
    else:
        amount = f"{quantity // 100}.{quantity % 100:02d}"
    start = f'      <Item no="{line + 1}">\n{what.starts[form]}{amount}</Quantity>\n        <Unit>{unit}</Unit>\n'
    if form == 2:
        return f"{start}      </Item>\n"
    packages = f"        <Packages>{1 + b[41] % 60}</Packages>\n" if b[42] < 180 else ""
    value = ""
    if kind.value and b[44] < 150:
        currency = c.CURRENCIES[b[43] % 8]
        worth = max(1, quantity * kind.value // 10000)
        value = f"        <Value>{worth}</Value>\n        <Currency>{currency}</Currency>\n"
    purity = f"        <Purity>{40 + b[45] % 59}.5</Purity>\n" if kind.group == "DRG" and b[45] < 120 else ""
    return f"{start}{packages}{value}{what.end}{purity}      </Item>\n"
