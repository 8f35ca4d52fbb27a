"""Weights that torchao quantises as they are read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.errors import ModelError, NotInstalled, OutOfDeviceMemory
from engine.models import FileDigest, Load, Loaders, ModelRef
from engine.modelstore import ModelStore
from nodes import load as loading
from nodes.diffusion.checkpoint import load_denoiser, load_text_encoder
from nodes.diffusion.compiling import compiled
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.patches.recipes import LoraPatch
from nodes.diffusion.precision import QUANTISED
from nodes.diffusion.quantising import QuantisedLinear, quantised, quantised_layer, torchao
from nodes.diffusion.sizes import measure
from nodes.diffusion.whereabouts import bytes_of
from nodes.values import DiffusionModel, ModelInputs
from tests import tiny
from tests.nodes.diffusion.patches.conftest import Files, noise

LAYER = 'down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q'
TOLERANCES = {'int8_weight_only': 0.02, 'int8_dynamic_activation': 0.03, 'float8_weight_only': 0.06}
METHODS = tuple(TOLERANCES)


def denoised(model: Denoiser) -> Tensor:
	"""One look at a latent."""
	return model.network(noise(1, 4, 8, 8), torch.tensor([500.0]), ModelInputs(noise(1, 77, tiny.WIDTH, seed=5)))


def far(found: Tensor, expected: Tensor) -> float:
	return float((found - expected).norm() / expected.norm())


@pytest.mark.quantise
class TestWeights:
	@pytest.mark.parametrize('method', METHODS)
	@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
	def test_one_byte_each(self, method: str, dtype: torch.dtype) -> None:
		"""And so many for each row; they come back as numbers that are near what they were."""
		weight = torch.randn(24, 40, generator=torch.Generator().manual_seed(1)).to(dtype)
		layer = torch.nn.Linear(40, 24, bias=False)
		layer.weight = torch.nn.Parameter(quantised(weight, method), requires_grad=False)

		assert bytes_of(layer) == 24 * 40 + 24 * QUANTISED[method]
		assert (
			far(quantised_layer(layer, layer.weight, dtype).decoded(torch.float32), weight.float()) < TOLERANCES[method]
		)


@pytest.mark.quantise
class TestModels:
	@pytest.mark.parametrize('method', METHODS)
	def test_linear_layers(self, method: str, checkpoint: Path) -> None:
		"""All of them and no others; results are within the tolerance; the size is known beforehand."""
		plain, load = load_denoiser(Load((checkpoint,), 'denoiser')), Load((checkpoint,), 'denoiser', method)
		model = load_denoiser(load)
		layers = [part for part in model.network.module.modules() if isinstance(part, torch.nn.Linear)]
		size = measure(load)

		assert layers
		assert all(isinstance(layer, QuantisedLinear) for layer in layers)
		assert 0 < far(denoised(model), denoised(plain)) < TOLERANCES[method]
		assert model.nbytes < plain.nbytes
		assert size is not None
		assert size.nbytes == pytest.approx(model.nbytes, rel=0.01)
		assert size.least == 0

	def test_compiled(self, checkpoint: Path) -> None:
		"""Their blocks can be traced as a whole."""
		model = load_denoiser(Load((checkpoint,), 'denoiser', METHODS[0]))
		graphs: list[object] = []

		def backend(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> object:
			graphs.append(graph)
			return graph.forward

		assert far(denoised(compiled(model, backend)), denoised(model)) < 1e-4
		assert graphs

	def test_a_lora_on_top(self, checkpoint: Path, tmp_path: Path) -> None:
		"""It is added to the quantised weights; what it changes is plain, the rest is shared."""
		files = Files(tmp_path)
		plain, model = (load_denoiser(Load((checkpoint,), 'denoiser', dtype)) for dtype in ('auto', METHODS[0]))
		out, into = plain.network.module.get_parameter(f'{LAYER}.weight').shape
		lora = files.write(
			{f'unet.{LAYER}.lora_B.weight': noise(out, 2), f'unet.{LAYER}.lora_A.weight': noise(2, into)}
		)
		before = denoised(model)
		wanted, found = (one.patched((LoraPatch(lora, 1.0),), files.load) for one in (plain, model))
		quantised_ones = [part for part in found.network.module.modules() if isinstance(part, QuantisedLinear)]

		assert far(denoised(found), denoised(wanted)) < TOLERANCES[METHODS[0]]
		assert far(denoised(found), before) > 0.05
		assert type(found.network.module.get_submodule(LAYER)) is torch.nn.Linear
		assert quantised_ones
		assert found.nbytes == out * into * 4
		assert torch.equal(denoised(model), before)

	def test_they_are_not_streamed(self, checkpoint: Path) -> None:
		"""Where there is no room for all of it, that is told before anything is read."""
		load = Load((checkpoint,), 'denoiser', METHODS[0])
		loaders = Loaders()
		loading.add_loaders(loaders)
		nbytes = load_denoiser(load).nbytes
		ref = ModelRef[DiffusionModel](FileDigest('x'), 'denoiser', METHODS[0])
		with ModelStore(loaders, lambda digest: checkpoint, budget=nbytes * 2).use(ref) as model:
			assert isinstance(model, Denoiser)
		with (
			pytest.raises(OutOfDeviceMemory),
			ModelStore(loaders, lambda digest: checkpoint, budget=nbytes // 2).use(ref),
		):
			pass
		with pytest.raises(ModelError, match=r'quantised \(int8_weight_only\), and there is not room'):
			load_denoiser(Load((checkpoint,), 'denoiser', METHODS[0], room=nbytes // 2))

	def test_other_parts_are_quantised_too(self, checkpoint: Path) -> None:
		"""Those that are read alike: text encoders."""
		plain, found = (load_text_encoder(Load((checkpoint,), 'text', dtype)) for dtype in ('auto', METHODS[0]))

		assert found.nbytes < plain.nbytes
		assert far(found.encode('a cat').prompts[0].embedding, plain.encode('a cat').prompts[0].embedding) < 0.02


class TestMissing:
	def test_the_error_tells_how_to_install_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
		"""The command, and what it is for."""
		monkeypatch.setitem(sys.modules, 'torchao', None)
		monkeypatch.setitem(sys.modules, 'torchao.quantization', None)
		torchao.cache_clear()
		try:
			with pytest.raises(
				NotInstalled, match=r"Quantising a model needs torchao.*pip install 'lumengraph\[quantise\]'"
			):
				quantised(torch.zeros(2, 2), METHODS[0])
		finally:
			torchao.cache_clear()
