"""What is seized, where and on which routes: the tables from which records are invented.

Quantities, routes and shares are plausible, not statistics. Goods codes are those of
HS 2022, places those of UN/LOCODE, units those of UNECE Recommendation 20.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of goods within a commodity group.

    Args:
        low, high: quantity in hundredths of ``unit``.
        value: euro a unit, in cents.
        english, french: the goods in words.
    """

    group: str
    code: str
    hs: str
    unit: str
    low: int
    high: int
    value: int
    english: str
    french: str
    brand: str = ""
    species: str = ""
    specimen: str = ""
    control: str = ""
    isotope: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A place of seizure.

    Args:
        mode: how goods mostly come there.
        region: the reporting country's liaison office, as we assign it.
    """

    country: str
    name: str
    locode: str
    kind: str
    mode: str
    latitude: str
    longitude: str
    region: str


def _rows(file: str) -> list[dict[str, str]]:
    with files(__package__).joinpath(file).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _kind(row: dict[str, str]) -> Kind:
    low, high, value = int(row.pop("low")), int(row.pop("high")), int(row.pop("value"))
    return Kind(low=low, high=high, value=value, **row)


KINDS: Final = tuple(_kind(row) for row in _rows("goods.csv"))
PLACES: Final = tuple(Place(**row) for row in _rows("places.csv"))

ORIGINS: Final = {
    "DRG": ("MA", "CO", "EC", "BR", "NL", "AF", "MM", "KE"),
    "PRE": ("CN", "IN", "NL", "PL", "DE"),
    "TOB": ("AE", "BY", "UA", "CN", "ME", "TR", "BG"),
    "ALC": ("UA", "PL", "GB", "RU", "DE"),
    "TAX": ("CN", "TR", "AE", "VN", "DE"),
    "CIT": ("CD", "TZ", "MG", "ID", "MA", "FR"),
    "ENV": ("CN", "TR", "GB", "DE", "JP"),
    "IPR": ("CN", "HK", "TR", "MA", "TH"),
    "MED": ("IN", "SG", "CN", "HK"),
    "WEA": ("TR", "BG", "SK", "CZ", "BA"),
    "STR": ("DE", "JP", "IT", "CH"),
    "CUR": ("BE", "NL", "GB", "CI"),
    "CUL": ("EG", "SY", "IQ", "MX", "UA"),
    "OTH": ("CN", "CZ", "CI", "PL"),
}
"""Where goods of a group set out from."""

TRANSIT: Final = ("", "", "", "SG", "MA", "AE", "BE", "PA", "TR", "PL")
"""Countries passed through; most consignments pass through none."""

EU: Final = ("FR", "BE", "NL", "DE", "ES", "IT", "PL", "RO", "GR", "SE", "PT", "FI")

FRENCH: Final = ("FR", "BE", "CH", "MA", "SN", "CI", "CA")
"""Countries whose texts are written in French."""

OFFENCES: Final = {
    "DRG": "PROHIBITED_GOODS",
    "PRE": "LICENCE_BREACH",
    "TOB": "EXCISE_EVASION",
    "ALC": "EXCISE_EVASION",
    "TAX": "UNDERVALUATION",
    "CIT": "LICENCE_BREACH",
    "ENV": "FALSE_DECLARATION",
    "IPR": "COUNTERFEITING",
    "MED": "PROHIBITED_GOODS",
    "WEA": "SMUGGLING",
    "STR": "LICENCE_BREACH",
    "CUR": "UNDECLARED_CASH",
    "CUL": "SMUGGLING",
    "OTH": "PROHIBITED_GOODS",
}

DETECTIONS: Final = (
    "RISK_PROFILE XRAY",
    "RISK_PROFILE PHYSICAL_SEARCH",
    "DOG",
    "ROUTINE_CONTROL",
    "INTELLIGENCE",
    "PARTNER_WARNING XRAY",
    "RANDOM PHYSICAL_SEARCH",
    "DOCUMENT_CHECK",
    "RADIATION_PORTAL",
)
CONCEALMENTS: Final = (
    "IN_LOAD",
    "IN_CARGO_COVER_LOAD",
    "CONTAINER_STRUCTURE",
    "VEHICLE_STRUCTURE",
    "LUGGAGE",
    "IN_MAIL_ITEM",
    "MISDECLARED",
    "RIP_ON_RIP_OFF",
    "NOT_CONCEALED",
)
INDICATORS: Final = (
    "FIRST_TIME_IMPORTER",
    "UNUSUAL_ROUTE FIRST_TIME_IMPORTER",
    "WEIGHT_MISMATCH",
    "LATE_CHANGE_OF_CONSIGNEE",
    "HIGH_RISK_ORIGIN",
    "CASH_PAID_FREIGHT UNUSUAL_ROUTE",
    "VALUE_TOO_LOW",
)
DIRECTIONS: Final = ("IMPORT", "IMPORT", "IMPORT", "TRANSIT", "EXPORT", "TRANSHIPMENT")
VESSELS: Final = ("EXAMPLE STAR", "SPECIMEN BAY", "ÉCHANTILLON", "OCEAN SAMPLE", "NORDIC MUSTER")
FLAGS: Final = ("LR", "PA", "MT", "MH", "CY")
CURRENCIES: Final = ("EUR", "EUR", "EUR", "USD", "GBP", "CHF", "XOF", "MAD")
OPERATIONS: Final = ("COSMO", "STOP II", "PANDORA", "THUNDER 2020")
NARRATIVES: Final = {
    "en": (
        "Goods found behind a cover load of wooden pallets & empty boxes.",
        "The declaration did not match the scanned image.",
        "Second consignment for the same importer within a month.",
        "Inspection followed a warning by a partner administration.",
    ),
    "fr": (
        "Marchandises découvertes derrière un chargement de couverture, à côté de palettes vides.",
        "La déclaration ne correspondait pas à l'image du scanner.",
        "Deuxième envoi au même importateur en un mois.",
        "Contrôle effectué à la suite d'une alerte d'une administration partenaire ; pièces < 2 kg écartées.",
    ),
}
