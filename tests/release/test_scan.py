"""What the scan of free text finds, and what it lets pass."""

from __future__ import annotations

import unicodedata

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bridge.scan import SUSPECT, Kind, Known, fold, forms

FOUND = {
    "contact j.exemple@customs.example for details": Kind.EMAIL,
    "écrire à j.exemple [at] customs.example": Kind.EMAIL,
    "he called +33 6 12 34 56 78 twice": Kind.PHONE,
    "00 (32) 470/12.34.56": Kind.PHONE,
    "tél. : 01 23 45 67 89": Kind.PHONE,
    "WhatsApp number: 612-345-678": Kind.PHONE,
    "paid to FR76 3000 6000 0112 3456 7890 189": Kind.IBAN,
    "compte BE71096123456769": Kind.IBAN,
    "carried passport no. 12AB34567": Kind.DOCUMENT,
    "passport X1234567": Kind.DOCUMENT,
    "document 12345678Z was shown": Kind.DOCUMENT,
    "carte d'identité n° 880692310285": Kind.DOCUMENT,
    "NIR 1 85 05 78 006 084 36": Kind.DOCUMENT,
    "lorry AB-123-CD": Kind.PLATE,
    "van AB12 CDE seen twice": Kind.PLATE,
    "véhicule immatriculé 34 ABC 123": Kind.PLATE,
    "plate: B 1234 XY": Kind.PLATE,
    "born on 9 March 1980": Kind.BIRTH_DATE,
    "né le 09/03/1980 à Exempleville": Kind.BIRTH_DATE,
    "DOB 1980-03-09": Kind.BIRTH_DATE,
    "Mr Exemple denied it": Kind.TITLED_NAME,
    "M. Exemple a nié les faits": Kind.TITLED_NAME,
    "Mme EXEMPLE": Kind.TITLED_NAME,
    "le nommé Exemple": Kind.TITLED_NAME,
    "alias Primo": Kind.TITLED_NAME,
    "Herr Beispiel": Kind.TITLED_NAME,
    "Sr. Ejemplo": Kind.TITLED_NAME,
    "a Muslim association": Kind.SPECIAL,
    "personne diabétique": Kind.SPECIAL,
}
PASSED = [
    "Cigarettes found behind a cover load of wooden pallets, 12 500 000 pieces in container MSKU1234565, HS 2402 20.",
    "2 kg de cocaïne dissimulés dans le double fond du conteneur MSCU 123456 7 arrivé de Santos le 04/01/2026.",
    "Goods declared as tiles; the X-ray image showed an anomaly. Flight AF1234, air waybill 057-12345678.",
    "Seized 14.3.2025 at 10:45 hours; value EUR 1 250 000, IMO 9074729.",
    "Master cases behind three rows of pallets. Case PV 2026/0147, operation COSMO.",
    "Saisie de 340,5 g de résine de cannabis; 2 colis postaux en provenance du Maroc.",
    "Gross weight 24 960 kg, net 23 400 kg, seal 0012345, B/L MEDUXY1234.",
]


@pytest.mark.parametrize("text", FOUND)
def test_forms_of_personal_data_are_found(text: str) -> None:
    assert FOUND[text] in forms(text)


@pytest.mark.parametrize("text", PASSED)
def test_ordinary_words_of_the_trade_pass(text: str) -> None:
    assert forms(text) == frozenset()


PIECES = st.lists(st.sampled_from([*FOUND, *PASSED, *" -./+0123456789aAéMr"]), max_size=6).map("".join)


@settings(deadline=None)
@given(PIECES)
def test_whatever_the_scan_finds_the_quick_look_suspects(text: str) -> None:
    suspected = any(pl.Series([text]).str.contains(pattern).item() for pattern in SUSPECT)
    assert suspected or not forms(text)


SYLLABLES = [
    *"aeiou",
    "an",
    "ber",
    "dé",
    "ëm",
    "gün",
    "hø",
    "ja",
    "łu",
    "mar",
    "ña",
    "os",
    "pré",
    "qui",
    "şen",
    "wen",
    "xi",
]
NAMES = st.lists(st.sampled_from(SYLLABLES), min_size=1, max_size=4).map("".join).map(str.capitalize)
FILLER = st.sampled_from(["", "12 boxes of ", "saisie: ", "hidden by ", "(", "the "])


@st.composite
def disguised(draw: st.DrawFn, name: str) -> str:
    """The name as somebody may write it: other case, without accents, letters apart, hyphens for spaces."""
    if draw(st.booleans()):
        name = "".join(char for char in unicodedata.normalize("NFD", name) if not unicodedata.combining(char))
    if draw(st.booleans()):
        name = unicodedata.normalize("NFD", name)
    case = draw(st.sampled_from(["upper", "lower", "title", "swapcase"]))
    name = {"upper": name.upper(), "lower": name.lower(), "title": name.title(), "swapcase": name.swapcase()}[case]
    gap = draw(st.sampled_from(["", " ", "  ", "-", ".", "\n"]))
    if gap and draw(st.booleans()):
        name = gap.join(unicodedata.normalize("NFC", name))
    return name.replace(" ", draw(st.sampled_from(["", " ", "   ", "-", "\u00a0", "_"])))


@settings(deadline=None, max_examples=300)
@given(st.data(), NAMES, NAMES, FILLER, st.sampled_from(["", " was there", ", 2 kg", ")", "."]))
def test_a_name_of_the_record_is_found_however_it_is_written(
    data: st.DataObject, first: str, last: str, before: str, after: str
) -> None:
    known = Known()
    known.add_person(last, first)
    assume(len(fold(last)) > 1)
    assume(len(fold(first)) > 1)  # an initial stuck to a name makes another word of it
    written = data.draw(st.sampled_from([last, f"{first} {last}", f"{last} {first}"]).flatmap(disguised))
    assert Kind.NAME in known.find(f"{before}{written}{after}")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Müller", "MUELLER was paid"),
        ("Mueller", "Müller was paid"),
        ("Jørgensen", "jorgensen"),
        ("Łukaszewski", "Lukaszewski"),
        ("Groß", "GROSS"),
        ("de la Cruz", "cruz"),
        ("Li", "found with li in the car"),
        ("Van Den Berg", "vandenberg"),
        ("O'Exemple", "O Exemple"),
    ],
)
def test_names_are_found_across_spellings(name: str, text: str) -> None:
    known = Known()
    known.add_person(name)
    assert known.find(text) == {Kind.NAME}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Li", "cigarettes in the lining"),
        ("de la Cruz", "de la marchandise"),
        ("Cole", "colerate tiles"),
        ("X", "5 x 100"),
    ],
)
def test_names_are_not_found_inside_other_words(name: str, text: str) -> None:
    known = Known()
    known.add_person(name)
    assert known.find(text) == frozenset()


def test_businesses_numbers_and_birth_dates_of_the_record_are_found() -> None:
    known = Known()
    known.add_business("Exemple Import-Export Trading Ltd")
    known.add_identifier("AB-123-CD")
    known.add_identifier("12")
    known.add_birth_date("1980-03-09")
    known.add_birth_date("1980")
    assert known.find("bought from EXEMPLE") == {Kind.NAME}
    assert known.find("an import-export company, 12 boxes, in 1980") == frozenset()
    assert known.find("in ab 123 cd") == {Kind.IDENTIFIER}
    for written in ("9 March 1980", "le 9 mars 1980", "09.03.80", "March 9, 1980", "1980/03/09", "9/3/1980"):
        assert known.find(f"({written})") == {Kind.BIRTH_DATE}, written


def test_a_record_that_names_nobody_gives_nothing_away() -> None:
    assert Known().find("Mr Exemple") == frozenset()
