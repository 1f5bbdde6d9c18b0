"""The quality adapter: nothing at first, something after a step."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from arr_coc.adapter import AdapterConfig, QualityAdapter

CONFIG = AdapterConfig(dim=24, width=16, num_heads=2, num_prototypes=5)


def leaves(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    features = 3 * torch.randn(70, 24, generator=generator)
    return features.to(dtype), torch.randint(0, 4, (70,), generator=generator)


def trained() -> QualityAdapter:
    torch.manual_seed(0)
    adapter = QualityAdapter(CONFIG)
    for layer in (adapter.leave, adapter.gain):
        torch.nn.init.normal_(layer.weight, std=0.1)
    return adapter


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("budget", [1, 64, 399])
def test_untrained_is_the_identity_bit_by_bit(dtype: torch.dtype, budget: int) -> None:
    features, level = leaves(dtype)
    bits = torch.int32 if dtype == torch.float32 else torch.int16
    result = QualityAdapter(CONFIG)(features, level, budget)
    assert result.dtype == dtype
    assert torch.equal(result.view(bits), features.view(bits))


def test_one_step_changes_the_features() -> None:
    adapter, (features, level) = QualityAdapter(CONFIG), leaves()
    optimiser = torch.optim.SGD(adapter.parameters(), lr=0.1)
    adapter(features, level, 100).square().mean().backward()
    optimiser.step()
    assert not torch.equal(adapter(features, level, 100), features)


def test_every_parameter_gets_a_gradient_once_trained() -> None:
    adapter, (features, level) = trained(), leaves()
    adapter(features, level, 100).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in adapter.parameters())


@pytest.mark.parametrize("silent", ["leave", "gain"])
def test_budget_reaches_correction_and_gain(silent: str) -> None:
    adapter, (features, level) = trained(), leaves()
    torch.nn.init.zeros_(getattr(adapter, silent).weight)
    assert not torch.allclose(adapter(features, level, 100), adapter(features, level, 300))


def test_level_matters() -> None:
    adapter, (features, level) = trained(), leaves()
    assert not torch.allclose(adapter(features, level, 100), adapter(features, level + 1, 100))


def test_leaves_do_not_mix() -> None:
    adapter, (features, level) = trained(), leaves()
    torch.testing.assert_close(adapter(features, level, 100)[3:9], adapter(features[3:9], level[3:9], 100))


def test_levels_beyond_the_last_count_as_the_last() -> None:
    adapter, (features, level) = trained(), leaves()
    last = torch.full_like(level, CONFIG.num_levels - 1)
    assert torch.equal(adapter(features, last + 3, 100), adapter(features, last, 100))


def test_state_comes_back() -> None:
    adapter, (features, level) = trained(), leaves()
    again = QualityAdapter(CONFIG)
    again.load_state_dict(adapter.state_dict())
    assert torch.equal(again(features, level, 100), adapter(features, level, 100))


@pytest.mark.parametrize(("field", "value"), [("dim", 0), ("width", 30), ("num_layers", 0)])
def test_config_names_the_wrong_field(field: str, value: int) -> None:
    with pytest.raises(ValueError, match=rf"{field} .*{value}"):
        AdapterConfig(**{"dim": 24, field: value})
