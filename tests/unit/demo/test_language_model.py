"""The model and the text of the demo: small, offline, the same each time."""

from __future__ import annotations

import math

import pytest
import torch

from lrwatch.demo.language_model import CharacterModel, Text, standard_library_text


@pytest.fixture(scope="module")
def text() -> Text:
    return standard_library_text()


def test_the_text_is_long_and_of_few_characters(text: Text) -> None:
    assert len(text.codes) > 100_000
    assert 0 <= int(text.codes.min()) < int(text.codes.max()) < text.n_codes


def test_batches_are_pieces_of_the_text_and_what_follows(text: Text) -> None:
    pieces, following = next(text.batches(batch_size=3, length=8, seed=0))
    assert pieces.shape == following.shape == (3, 8)
    assert torch.equal(pieces[:, 1:], following[:, :-1])
    windows = text.codes.unfold(0, 8, 1)  # (n_places, 8)
    assert all(bool((windows == piece).all(1).any()) for piece in pieces)


def test_the_seed_decides_the_batches(text: Text) -> None:
    first, again, other = (
        next(text.batches(batch_size=4, length=8, seed=seed))[0] for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_last_characters_can_be_drawn() -> None:
    short = Text(torch.arange(9), 9)
    pieces, following = next(short.batches(batch_size=5, length=8, seed=0))
    assert pieces.tolist() == [list(range(8))] * 5
    assert following[:, -1].tolist() == [8] * 5


def test_a_new_model_knows_nothing(text: Text) -> None:
    torch.manual_seed(0)
    model = CharacterModel(text.n_codes, length=8)
    loss = model.loss(*next(text.batches(batch_size=32, length=8, seed=0))).item()
    assert abs(loss - math.log(text.n_codes)) < 0.5


def test_no_character_sees_those_that_follow() -> None:
    torch.manual_seed(0)
    model = CharacterModel(10, length=6).eval()
    one, other = torch.tensor([[1, 2, 3, 4, 5, 6]]), torch.tensor([[1, 2, 3, 4, 9, 9]])
    with torch.no_grad():
        seen, changed = model(one), model(other)
    torch.testing.assert_close(seen[:, :4], changed[:, :4])
    assert not torch.allclose(seen[:, 4:], changed[:, 4:])
