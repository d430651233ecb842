from __future__ import annotations

import math

import pytest
import torch
from torch_models import global_norm

from lrwatch.capture.norms import length, subtract, tensor_norms, total_norm


def test_norms_of_dense_tensors() -> None:
    tensors = [torch.randn(5, 3), torch.randn(7), torch.randn(())]
    assert tensor_norms(tensors) == pytest.approx([global_norm([t]) for t in tensors])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_half_precision_is_added_up_in_float32(dtype: torch.dtype) -> None:
    tensor = torch.full((10_000,), 3.0, dtype=dtype)  # squares add up to 90,000: beyond float16
    assert tensor_norms([tensor]) == pytest.approx([300.0])


def test_complex_tensors() -> None:
    assert tensor_norms([torch.tensor([3 + 4j, 0j])]) == pytest.approx([5.0])


def test_sparse_tensors_with_repeated_indices() -> None:
    places, values = torch.tensor([[1, 1]]), torch.tensor([1.0, 2.0])
    sparse = torch.sparse_coo_tensor(places, values, (4,), check_invariants=True)
    assert tensor_norms([sparse, torch.tensor([4.0])]) == pytest.approx([3.0, 4.0])


@pytest.mark.parametrize("size", [1e25, 1e-25])
def test_squares_beyond_float32_are_computed_in_float64(size: float) -> None:
    assert tensor_norms([torch.tensor([3.0, 4.0]) * size]) == pytest.approx([5.0 * size], rel=1e-5)


def test_no_tensors_have_no_norms() -> None:
    assert tensor_norms([]) == []
    assert total_norm([]) == 0.0


def test_zero_is_zero_and_nan_is_nan() -> None:
    zero, nan, infinite = tensor_norms(
        [torch.zeros(3), torch.tensor([1.0, math.nan]), torch.tensor([math.inf])]
    )
    assert zero == 0.0
    assert math.isnan(nan)
    assert infinite == math.inf


def test_a_nan_beside_an_infinity_stays_visible() -> None:
    assert math.isnan(length(math.inf, math.nan))
    assert total_norm([3.0, 4.0]) == 5.0


def test_changes() -> None:
    before = [torch.zeros(2, 2), torch.ones(3)]
    subtract([torch.full((2, 2), 2.0), torch.ones(3)], before)
    assert tensor_norms(before) == pytest.approx([4.0, 0.0])
    subtract([], [])
