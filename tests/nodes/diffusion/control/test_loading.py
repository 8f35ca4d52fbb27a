"""Files of control networks, in each layout."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.errors import UnknownFamily, UnknownFormat
from engine.models import Load
from nodes.diffusion import precision
from nodes.diffusion.control.controlnet import UNetControl
from nodes.diffusion.control.loading import load_control
from nodes.diffusion.control.residuals import Residuals
from nodes.diffusion.control.settings import POOLED
from nodes.diffusion.whereabouts import dtype_of
from nodes.values import ModelInputs
from tests import tiny
from tests.nodes.diffusion.control.conftest import UNION, controlnet, original_names, union, write
from tests.nodes.diffusion.patches.conftest import noise

X = noise(2, 4, 8, 8)
HINT = noise(2, 3, 64, 64)
TIME = torch.tensor([500.0, 500.0])
INPUTS = ModelInputs(noise(2, 7, tiny.WIDTH))


def loaded(path: Path, option: str = '') -> UNetControl:
	"""The file's ControlNet."""
	net = load_control(Load((path,), 'controlnet', option=option))
	assert isinstance(net, UNetControl)
	return net


def same(said: Residuals, down: list[Tensor], middle: Tensor) -> bool:
	"""Whether residuals are these."""
	assert said.middle is not None
	pairs = zip((*said.down, said.middle), (*down, middle), strict=True)
	return all(torch.allclose(one, other, atol=1e-6) for one, other in pairs)


class TestLayouts:
	"""The same network from each kind of file says what diffusers' own says."""

	@pytest.mark.parametrize('prefix', ['control_model.', ''])
	def test_original(self, prefix: str, tmp_path: Path) -> None:
		"""The first ControlNets' names, with and without their prefix."""
		module = controlnet()
		net = loaded(write(tmp_path / 'net.safetensors', original_names(module, prefix)))
		down, middle = module(X, TIME, INPUTS.embedding, HINT, return_dict=False)

		assert same(net(X, TIME, INPUTS, HINT), down, middle)
		assert net.nbytes == sum(weight.nbytes for weight in module.parameters())

	def test_diffusers(self, tmp_path: Path) -> None:
		"""diffusers' own names."""
		module = controlnet()
		net = loaded(write(tmp_path / 'net.safetensors', module.state_dict()))
		down, middle = module(X, TIME, INPUTS.embedding, HINT, return_dict=False)

		assert same(net(X, TIME, INPUTS, HINT), down, middle)

	def test_pooled(self, tmp_path: Path) -> None:
		"""With the option, answers are averaged over the picture."""
		net = loaded(write(tmp_path / 'net.safetensors', controlnet().state_dict()), POOLED)

		assert all(one.shape[2:] == (1, 1) for one in net(X, TIME, INPUTS, HINT).down)


class TestPrecision:
	def test_large_ones_follow_the_denoiser(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Where the processor has bfloat16, within 3 % of the norm of float32; what is said is float32 all the same."""
		path = write(tmp_path / 'net.safetensors', controlnet().state_dict())
		exact = loaded(path)(X, TIME, INPUTS, HINT)
		monkeypatch.setattr(precision, 'has_bfloat16', lambda: True)
		monkeypatch.setattr(precision, 'LARGE', {'controlnet': 1})
		net = loaded(path)
		found = net(X, TIME, INPUTS, HINT)

		assert dtype_of(net.module) == torch.bfloat16
		for mine, its in zip(found.down, exact.down, strict=True):
			assert mine.dtype == torch.float32
			assert 0 < (mine - its).norm() < 0.03 * its.norm()


class TestUnion:
	"""One network for several kinds of hints."""

	def test_of_a_kind(self, tmp_path: Path) -> None:
		"""It is told which kind it sees."""
		module = union()
		net = loaded(write(tmp_path / 'net.safetensors', module.state_dict(), UNION))
		kinds = torch.tensor([[0.0, 1.0, 0.0]] * 2)
		down, middle = module(X, TIME, INPUTS.embedding, [HINT], kinds, [1], return_dict=False)

		assert net.kinds == 3
		assert same(net.of_kind(1)(X, TIME, INPUTS, HINT), down, middle)
		assert not same(net.of_kind(0)(X, TIME, INPUTS, HINT), down, middle)

	def test_of_no_kind_still_sees_the_hint(self, tmp_path: Path) -> None:
		"""Another hint, another answer; and nothing stays behind in the module."""
		net = loaded(write(tmp_path / 'net.safetensors', union().state_dict(), UNION))
		one, other = net(X, TIME, INPUTS, HINT), net(X, TIME, INPUTS, HINT * 0)

		assert not torch.allclose(one.down[-1], other.down[-1])
		assert not net.module.get_submodule('conv_in')._forward_hooks

	def test_kind_means_nothing_to_others(self, tmp_path: Path) -> None:
		"""A plain ControlNet stays as it is."""
		net = loaded(write(tmp_path / 'net.safetensors', controlnet().state_dict()))

		assert net.of_kind(1) is net


class TestStrangers:
	"""What is no control network."""

	def test_other_files_are_refused(self, tmp_path: Path) -> None:
		"""The error tells what is in it."""
		path = write(tmp_path / 'net.safetensors', {'a.b': torch.zeros(1)})

		with pytest.raises(UnknownFamily, match=r'no control network.*a\.b'):
			loaded(path)

	def test_missing_tensors_are_named(self, tmp_path: Path) -> None:
		"""A file that lacks some is refused."""
		tensors = original_names(controlnet())
		del tensors['control_model.zero_convs.1.0.weight']

		with pytest.raises(UnknownFormat, match=r'lacks 1 tensors: control_model\.zero_convs\.1\.0\.weight'):
			loaded(write(tmp_path / 'net.safetensors', tensors))
