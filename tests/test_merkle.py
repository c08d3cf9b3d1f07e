"""Merkle trees: the vectors that Certificate Transparency's own tests use, and the laws of paths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import merkle

ENTRIES = [
    bytes.fromhex(one)
    for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_rfc_6962(size: int) -> None:
    assert merkle.root([merkle.leaf(one) for one in ENTRIES[:size]]).hex() == ROOTS[size]


@given(st.integers(1, 200), st.data())
def test_a_path_leads_from_its_leaf_to_the_root_and_from_no_other(size: int, data: st.DataObject) -> None:
    leaves = [merkle.leaf(str(n).encode()) for n in range(size)]
    place = data.draw(st.integers(0, size - 1))
    way = merkle.path(leaves, place)
    assert merkle.leads(leaves[place], place, size, way, merkle.root(leaves))
    assert not merkle.leads(merkle.leaf(b"forged"), place, size, way, merkle.root(leaves))
    assert not merkle.leads(leaves[place], place, size, [*way, bytes(32)], merkle.root(leaves))
    assert not merkle.leads(leaves[place], size, size, way, merkle.root(leaves))
    if way:
        assert not merkle.leads(leaves[place], place ^ 1, size, way, merkle.root(leaves))
        assert not merkle.leads(leaves[place], place, size, way[1:], merkle.root(leaves))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 2**14 - 1, 2**14, 2**14 + 1, 3 * 2**14, 5 * 2**14 + 7])
def test_a_tree_hashed_in_blocks_is_the_same_tree(size: int) -> None:
    leaves = [merkle.leaf(str(n).encode()) for n in range(size)]
    assert merkle.root_of(b"".join(leaves)) == merkle.root(leaves)


def test_leaves_are_32_bytes_each() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        merkle.split(bytes(33))
    with pytest.raises(ValueError, match="32 bytes"):
        merkle.root_of(bytes(33))
    with pytest.raises(IndexError, match="no leaf 1 of 1"):
        merkle.path([bytes(32)], 1)
