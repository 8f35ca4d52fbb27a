"""Models saved as files, and loaded again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.graph import Graph, Link
from engine.models import Load
from engine.settings import Settings
from nodes.diffusion.checkpoint import load_denoiser, load_text_encoder
from nodes.diffusion.layouts import vae as vae_layout
from tests import tiny, tiny_unets, tiny_vaes
from tests.nodes.conftest import Bench, link, make_graph, text_to_image

SIDE = 64


@pytest.fixture
def saving(tmp_path: Path, tiny_models: Path) -> Bench:
	"""A runner with two tiny models of one kind, and one in float16."""
	models = tmp_path / 'models'
	shutil.copytree(tiny_models, models)
	tiny.save_checkpoint(models / 'checkpoints' / 'other.safetensors', seed=1)
	halves = {name: tensor.half() for name, tensor in tiny.tensors(seed=2).items()}
	save_file(halves, models / 'checkpoints' / 'half.safetensors', tiny.metadata())
	tiny.save_checkpoint(models / 'checkpoints' / 'v.safetensors', seed=3, prediction='v')
	tiny_unets.save(models / 'checkpoints' / 'xl.safetensors', tiny_unets.model('sdxl').whole())
	return Bench(Settings(base=tmp_path))


def output(bench: Bench, name: str) -> Path:
	"""A file in the output folder."""
	return bench.settings.output_folder / name


def ran(bench: Bench, **calls: tuple[str, dict[str, Link | str | int | float]]) -> None:
	"""Run a graph that must go well."""
	assert bench.run(make_graph(**calls)).failure is None


def saved(bench: Bench, checkpoint: str) -> dict[str, Tensor]:
	"""The tensors of a checkpoint that was loaded and saved."""
	ran(
		bench,
		model=('CheckpointLoaderSimple', {'ckpt_name': checkpoint}),
		save=(
			'CheckpointSave',
			{
				'model': link('model', 0),
				'clip': link('model', 1),
				'vae': link('model', 2),
				'filename_prefix': 'checkpoints/saved',
			},
		),
	)
	return load_file(output(bench, 'checkpoints/saved_00001_.safetensors'))


def alike(some: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> bool:
	"""Whether both have the same tensors, bit for bit."""
	return some.keys() == others.keys() and all(
		some[name].dtype == others[name].dtype and torch.equal(some[name], others[name]) for name in some
	)


def picture(bench: Bench, graph: Graph) -> bytes:
	"""The pixels of the one picture that a graph makes."""
	assert bench.run(graph).failure is None
	with Image.open(bench.pictures()[0]) as opened:
		return opened.tobytes()


class TestCheckpointSave:
	"""`CheckpointSave`."""

	@pytest.mark.parametrize('name', ['tiny', 'half', 'v', 'xl'])
	def test_writes_what_was_read(self, saving: Bench, name: str) -> None:
		"""Names, shapes, precision and bits: fused matrices, and what tells of another prediction, among them."""
		there = load_file(saving.settings.models_folder / 'checkpoints' / f'{name}.safetensors')

		assert alike(saved(saving, f'{name}.safetensors'), there)

	def test_loads_again(self, saving: Bench) -> None:
		"""It can be chosen without being moved, and draws the same picture."""
		own = picture(saving, text_to_image(side=SIDE))
		saved(saving, 'tiny.safetensors')

		assert picture(saving, text_to_image(side=SIDE, checkpoint='saved_00001_.safetensors')) == own

	def test_holds_the_workflow_and_the_configs(self, saving: Bench) -> None:
		"""In its metadata."""
		saved(saving, 'tiny.safetensors')
		with safe_open(output(saving, 'checkpoints/saved_00001_.safetensors'), 'pt') as opened:
			metadata = opened.metadata()

		assert json.loads(metadata['unet_config']) == tiny.UNET
		assert metadata['format'] == 'pt'

	def test_parts_of_two_families_are_refused(self, saving: Bench) -> None:
		"""Before anything runs."""
		graph = make_graph(
			model=('CheckpointLoaderSimple', {'ckpt_name': 'tiny.safetensors'}),
			other=('CheckpointLoaderSimple', {'ckpt_name': 'xl.safetensors'}),
			save=(
				'CheckpointSave',
				{
					'model': link('model', 0),
					'clip': link('other', 1),
					'vae': link('model', 2),
					'filename_prefix': 'x',
				},
			),
		)

		assert saving.runner.check(graph).problems


class TestModelSave:
	"""`ModelSave`."""

	def test_merged_weights_load_again_bit_for_bit(self, saving: Bench) -> None:
		"""What two models add up to, computed once more."""
		ran(
			saving,
			first=('CheckpointLoaderSimple', {'ckpt_name': 'tiny.safetensors'}),
			second=('CheckpointLoaderSimple', {'ckpt_name': 'other.safetensors'}),
			merge=('ModelMergeSimple', {'model1': link('first'), 'model2': link('second'), 'ratio': 0.25}),
			save=('ModelSave', {'model': link('merge'), 'filename_prefix': 'diffusion_models/merged'}),
		)
		path = output(saving, 'diffusion_models/merged_00001_.safetensors')
		folder = saving.settings.models_folder / 'checkpoints'
		ours, first, second = (
			load_denoiser(Load((one,), 'denoiser')).network.module.state_dict()
			for one in (path, folder / 'tiny.safetensors', folder / 'other.safetensors')
		)

		assert alike(ours, {name: one.clone().mul_(0.25).add_(second[name], alpha=0.75) for name, one in first.items()})
		assert all(name.startswith('model.diffusion_model.') for name in load_file(path))

	def test_settings_are_told(self, saving: Bench) -> None:
		"""What `ModelSamplingDiscrete` says of prediction and noise is kept by the tensors that tell it."""
		ran(
			saving,
			model=('CheckpointLoaderSimple', {'ckpt_name': 'tiny.safetensors'}),
			v=('ModelSamplingDiscrete', {'model': link('model'), 'sampling': 'v_prediction', 'zsnr': 1}),
			save=('ModelSave', {'model': link('v'), 'filename_prefix': 'v'}),
		)

		assert {'v_pred', 'ztsnr'} <= load_file(output(saving, 'v_00001_.safetensors')).keys()


class TestPartsAlone:
	"""`CLIPSave` and `VAESave`."""

	def test_each_text_encoder_gets_a_file(self, saving: Bench) -> None:
		"""By its kind, under the names of transformers, whatever the checkpoint's layout; both are heard as before."""
		ran(
			saving,
			model=('CheckpointLoaderSimple', {'ckpt_name': 'xl.safetensors'}),
			save=('CLIPSave', {'clip': link('model', 1), 'filename_prefix': 'clip/xl'}),
		)
		paths = [output(saving, f'clip/xl_{name}_00001_.safetensors') for name in ('clip_l', 'clip_g')]
		whole = load_text_encoder(Load((saving.settings.models_folder / 'checkpoints' / 'xl.safetensors',), 'text'))
		parts = load_text_encoder(Load(tuple(paths), 'text', option='sdxl'))

		assert all('text_model.encoder.layers.0.self_attn.q_proj.weight' in load_file(path) for path in paths)
		for name, tower in whole.towers.items():
			assert alike(parts.towers[name].module.state_dict(), tower.module.state_dict())

	def test_vae_is_saved_in_the_original_layout(self, saving: Bench) -> None:
		"""Without any prefix."""
		ran(
			saving,
			model=('CheckpointLoaderSimple', {'ckpt_name': 'tiny.safetensors'}),
			save=('VAESave', {'vae': link('model', 2), 'filename_prefix': 'vae/own'}),
		)
		names = {piece.name for recipe in vae_layout.original(tiny.VAE).values() for piece in recipe}

		assert load_file(output(saving, 'vae/own_00001_.safetensors')).keys() == names

	def test_what_nothing_is_known_of_is_refused(self, saving: Bench) -> None:
		"""A tiny VAE has no layout of one file; nothing is left behind."""
		tiny_vaes.save(saving.settings.models_folder / 'vae_approx', 'taesd', *tiny_vaes.halves(4))
		outcome = saving.run(
			make_graph(
				vae=('VAELoader', {'vae_name': 'taesd'}),
				save=('VAESave', {'vae': link('vae'), 'filename_prefix': 'vae/own'}),
			)
		)

		assert outcome.failure is not None
		assert 'cannot be saved' in outcome.failure.message
		assert not output(saving, 'vae').exists()
