from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from nodes.demo.control import Controlled, draw_edges, load_control, make_control, save_control
from nodes.demo.parts import make_unet
from nodes.demo.pictures import Scene, place_thing


def looked_at() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
	torch.manual_seed(1)
	return torch.randn(1, 4, 16, 16), torch.tensor([500]), torch.randn(1, 77, 128)


class TestEdges:
	def test_are_white_lines_around_the_things(self) -> None:
		edges = draw_edges(Scene('red', place_thing('square', 'blue')))

		assert edges.shape == (128, 128, 3)
		assert edges[64, 64].tolist() == [0, 0, 0]
		assert edges[0, 0].tolist() == [0, 0, 0]
		assert 0.02 < np.mean(edges > 128) < 0.08

	def test_a_bare_backdrop_has_none(self) -> None:
		assert not draw_edges(Scene('red')).any()


class TestControl:
	@torch.no_grad()
	def test_changes_nothing_at_first(self) -> None:
		unet = make_unet()
		controlled = Controlled(unet, make_control(unet))

		torch.testing.assert_close(controlled(*looked_at(), torch.rand(1, 3, 128, 128)), unet(*looked_at()).sample)

	def test_only_the_control_learns(self) -> None:
		unet = make_unet()
		controlled = Controlled(unet, make_control(unet))

		assert not any(weight.requires_grad for weight in controlled.unet.parameters())
		assert all(weight.requires_grad for weight in controlled.control.parameters())


class TestFile:
	@torch.no_grad()
	def test_reads_back_as_it_was_written(self, tmp_path: Path) -> None:
		control = make_control(make_unet())
		for weight in control.parameters():
			weight.add_(0.01)
		save_control(control, tmp_path / 'x.safetensors')
		again = load_control(tmp_path / 'x.safetensors')

		for name, value in again.state_dict().items():
			torch.testing.assert_close(value, control.state_dict()[name], atol=1e-3, rtol=1e-3)

	def test_has_the_names_of_the_first_control_nets(self, tmp_path: Path) -> None:
		save_control(make_control(make_unet()), tmp_path / 'x.safetensors')
		names = load_file(tmp_path / 'x.safetensors').keys()

		assert all(name.startswith('control_model.') for name in names)
		assert {
			'control_model.input_blocks.0.0.weight',
			'control_model.input_hint_block.0.weight',
			'control_model.input_hint_block.14.weight',
			'control_model.zero_convs.0.0.weight',
			'control_model.middle_block_out.0.weight',
			'control_model.time_embed.0.weight',
		} <= names
