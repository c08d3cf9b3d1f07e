"""Cases that a partner's own services enter in CIS: tobacco seizures of EU customs, some with persons and businesses.

They are rows for the tables of schemas/cis/cis.sql. Every name of a person or business, every plate and number of a
paper is invented and holds CANARY, so that one search proves that none of them ever left for CEN.
"""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import blake2b
from typing import Final, NamedTuple

from bridge.feed import catalogue as c
from bridge.feed.record import Facts, container, decimal, quantity_of

CANARY: Final = "anarinho"
"""Part of every invented personal value, written so in any case of its first letter."""
_FILLED: Final = {
    "case": "document_reference national_reference_number summary service date_of_case type_of_fraud report_type "
    "means_of_transport information_quality created_at updated_at",
    "entry": "category",
    "person": "entry_no category involvement first_name surname sex date_of_birth date_of_birth_precision nationality "
    "street house_number city country fax_email identity_document_type identity_document_number "
    "identity_document_country warning",
    "business": "entry_no category involvement name registration_type registration_number city country",
    "transport_container": "entry_no category transport_type container_number",
    "transport_road": "entry_no category transport_type nationality brand license_plate colour",
    "routing": "entry_no category step date_of_step country place location_type",
    "commodity": "entry_no category commodity_status commodity_type description commodity_category hs_cn_taric_code "
    "brand quantity unit tobacco_product_type labels_warnings",
    "seizure": "entry_no category status date_of_seizure country location_type place_of_seizure latitude longitude "
    "concealment_type service",
    "action": "entry_no category requested_action date_of_action",
    "risk_indicator": "entry_no category risk_indicator",
    "comment": "entry_no category comment",
}
COLUMNS: Final = {table: ("case_reference", *columns.split()) for table, columns in _FILLED.items()}
"""Columns filled, by table, in the order in which the tables are loaded: the case, its entries, their sections."""
Row = dict[str, str | int | None]
_PLACES: Final = tuple(place for place in c.PLACES if place.country in c.EU)
_TOBACCO: Final = tuple(kind for kind in c.KINDS if kind.group == "TOB")
_ALCOHOL: Final = tuple(kind for kind in c.KINDS if kind.group == "ALC")
_CODES: Final = {"GR": "EL", "GB": "UK"}
_FIRST_NAMES: Final = ("Camille", "Anja", "Søren", "Łucja", "Iñaki", "Zoé", "Dimitra", "Ştefan")
_BRANDS: Final = ("Example Trucks", "Exemple Utilitaires")
_MODES: Final = {"ROAD": "ROAD", "SEA_COMMERCIAL": "CONTAINER", "AIR": "AIR", "COURIER": "COURIER_POST", "RAIL": "RAIL"}


class Case(NamedTuple):
    """One case: its rows by table, what a partner must hold of it, and the values that must never leave for CEN."""

    rows: dict[str, list[Row]]
    facts: Facts
    canaries: tuple[str, ...]


def case(seed: int, number: int, start: date, day: int) -> Case:
    """The case of this number, entered during this day of the feed."""
    b = blake2b(b"cis" + number.to_bytes(8, "big"), digest_size=64, key=seed.to_bytes(8, "big", signed=True)).digest()
    place = _PLACES[b[0] % len(_PLACES)]
    country = _CODES.get(place.country, place.country)
    today = start + timedelta(days=day)
    seconds = (b[1] << 8 | b[2]) % 80000
    moment = f"{today}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}Z"
    seized = str(today - timedelta(days=b[3] % 5))
    reference = f"CIS-{country}-{today.year}-{number:07d}"
    kinds = _ALCOHOL if number % 8 == 7 else _TOBACCO
    rows: dict[str, list[Row]] = {table: [] for table in COLUMNS}
    canaries: list[str] = []
    persons = 1 + b[4] % 2 if b[5] < 128 else 0
    businesses = 1 if b[6] < 90 else 0
    names = [_person(rows, b, number, at, country, canaries) for at in range(persons)]
    if businesses:
        _business(rows, number, country, canaries)
    lines = 1 + (b[7] < 100)
    quantities = [_goods(rows, kinds[(b[8] + at) % len(kinds)], b, at) for at in range(lines)]
    transport = _transport(rows, place, b, number, canaries)
    _route(rows, kinds[0].group, country, place, b, today)
    told = f" Driver: {names[0]}." if names else ""
    french = place.country in c.FRENCH
    rows["case"].append(
        {
            "document_reference": f"{country}/{today.year}/{number}",
            "national_reference_number": f"{country}-N-{number:06d}",
            "summary": ("Saisie de marchandises soumises à accise." if french else "Seizure of excise goods.") + told,
            "service": place.name,
            "date_of_case": str(today),
            "type_of_fraud": "EXCISE_EVASION",
            "report_type": "NEW",
            "means_of_transport": transport,
            "information_quality": ("A1", "B2", "X4")[b[9] % 3],
            "created_at": moment,
            "updated_at": moment,
        }
    )
    rows["seizure"].append(
        {
            "category": "g",
            "status": ("SEIZED", "DETAINED", "CONFISCATED")[b[10] % 3],
            "date_of_seizure": seized,
            "country": country,
            "location_type": place.kind,
            "place_of_seizure": place.name,
            "latitude": place.latitude,
            "longitude": place.longitude,
            "concealment_type": ("IN_LOAD", "COVER_LOAD", "VEHICLE_STRUCTURE", "MISDECLARED")[b[11] % 4],
            "service": place.name,
        }
    )
    if names:
        rows["comment"].append({"category": "d", "comment": f"{names[0]} was known from an earlier case."})
        rows["action"].append({"category": "d", "requested_action": "SIGHTING_REPORTING", "date_of_action": str(today)})
    rows["risk_indicator"].append({"category": "g", "risk_indicator": ("UNUSUAL_ROUTE", "WEIGHT_MISMATCH")[b[12] % 2]})
    used = {str(row["category"]) for table in COLUMNS for row in rows[table] if "category" in row}
    rows["entry"] = [{"category": category} for category in sorted(used)]
    for table in COLUMNS:
        for at, row in enumerate(rows[table], 1):
            row["case_reference"] = reference
            if table not in ("case", "entry"):
                row["entry_no"] = at
    first = kinds[b[8] % len(kinds)]
    facts = Facts(reference, seized, place.country, first.group, lines, quantities[0], first.unit, moment)
    return Case(rows, facts, tuple(canaries))


def _person(rows: dict[str, list[Row]], b: bytes, number: int, at: int, country: str, canaries: list[str]) -> str:
    tail = f"{number:x}".translate(str.maketrans("0123456789", "ghijklmnop"))
    surname = f"C{CANARY}-{'Dupond' if at else 'Schmid'}{tail}"
    first = f"{_FIRST_NAMES[b[16 + at] % 8]} C{CANARY[:4]}"
    paper = f"C{CANARY.upper()}{number:07d}{at}"
    street = f"Rue {surname}"
    phone = f"c{CANARY}{number}.{at}@example.org"
    canaries += [surname, paper, street, phone]
    rows["person"].append(
        {
            "category": "d",
            "involvement": "DRIVER" if at == 0 else "PASSENGER",
            "first_name": first,
            "surname": surname,
            "sex": "FMU"[b[18 + at] % 3],
            "date_of_birth": f"19{60 + b[20 + at] % 40}-{1 + b[22 + at] % 12:02d}-01",
            "date_of_birth_precision": "M",
            "nationality": country,
            "street": street,
            "house_number": str(1 + at),
            "city": "Exampleville",
            "country": country,
            "fax_email": phone,
            "identity_document_type": "PASSPORT",
            "identity_document_number": paper,
            "identity_document_country": country,
            "warning": "VIOLENT" if b[24 + at] < 10 else None,
        }
    )
    return f"{first} {surname}"


def _business(rows: dict[str, list[Row]], number: int, country: str, canaries: list[str]) -> None:
    name, register = f"C{CANARY} Trading {number} SARL", f"C{CANARY.upper()}-R{number}"
    canaries += [name, register]
    rows["business"].append(
        {
            "category": "c",
            "involvement": "CONSIGNEE",
            "name": name,
            "registration_type": "VAT",
            "registration_number": register,
            "city": "Exampleville",
            "country": country,
        }
    )


def _goods(rows: dict[str, list[Row]], kind: c.Kind, b: bytes, at: int) -> str:
    quantity = decimal(quantity_of(kind, b[26 + 2 * at] << 8 | b[27 + 2 * at], 1))
    tobacco = kind.group == "TOB"
    rows["commodity"].append(
        {
            "category": "a",
            "commodity_status": "SEIZED",
            "commodity_type": kind.code,
            "description": kind.french,
            "commodity_category": "TOBACCO" if tobacco else "ALCOHOL",
            "hs_cn_taric_code": kind.hs,
            "brand": kind.brand or None,
            "quantity": quantity,
            "unit": kind.unit,
            "tobacco_product_type": kind.code if tobacco else None,
            "labels_warnings": "no tax stamp",
        }
    )
    return quantity


def _transport(rows: dict[str, list[Row]], place: c.Place, b: bytes, number: int, canaries: list[str]) -> str:
    """The means of transport, and its code in the basic information."""
    if place.mode == "SEA_COMMERCIAL":
        serial = (b[32] << 8 | b[33]) % 4096
        rows["transport_container"].append(
            {"category": "b", "transport_type": "dry van", "container_number": container("EXA", serial)}
        )
    elif place.mode == "ROAD":
        plate = f"C{CANARY.upper()}-{number:05d}"
        canaries.append(plate)
        rows["transport_road"].append(
            {
                "category": "b",
                "transport_type": "lorry",
                "nationality": "PL",
                "brand": _BRANDS[b[34] % 2],
                "license_plate": plate,
                "colour": "white",
            }
        )
    return _MODES.get(place.mode, "OTHER")


def _route(rows: dict[str, list[Row]], group: str, country: str, place: c.Place, b: bytes, today: date) -> None:
    origin = c.ORIGINS[group][b[36] % len(c.ORIGINS[group])]
    origin = _CODES.get(origin, origin)
    left = str(today - timedelta(days=3 + b[37] % 20))
    rows["routing"] += [
        {"category": "b", "step": 1, "date_of_step": left, "country": origin},
        {"category": "b", "step": 2, "country": country, "place": place.name, "location_type": place.kind},
    ]
