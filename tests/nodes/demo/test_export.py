import json
from pathlib import Path

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors import safe_open
from transformers import CLIPTextConfig, CLIPTextModel

from nodes.demo.export import MARKERS, export_model, stored_tensors
from nodes.demo.layouts import text_layout, unet_layout, vae_layout
from nodes.demo.parts import make_text_encoder, make_unet, make_vae
from nodes.demo.tokenizer import tokenizer_files
from nodes.demo.train_vae import draw_pool
from nodes.diffusion.layout import plain

Weights = dict[str, torch.Tensor]


@pytest.fixture(scope='module')
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Weights, Weights, Weights]]:
	"""A file of untrained parts, and the weights that went into it."""
	torch.manual_seed(0)
	path = tmp_path_factory.mktemp('export') / 'model.safetensors'
	unet, vae, text = make_unet(), make_vae(), make_text_encoder(917)
	export_model(unet, vae, text, list(draw_pool(4, seed=0).numpy()), path)
	return path, (unet.state_dict(), vae.state_dict(), text.state_dict())


def read(path: Path) -> tuple[Weights, dict[str, str]]:
	with safe_open(path, 'pt') as file:
		return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


class TestFile:
	def test_has_sd_names_and_half_precision(self, written: tuple[Path, tuple[Weights, ...]]) -> None:
		tensors, _ = read(written[0])

		assert {value.dtype for value in tensors.values()} == {torch.float16}
		assert {name.split('.')[0] for name in tensors} == {
			'model',
			'first_stage_model',
			'cond_stage_model',
			*MARKERS,
		}
		assert 'model.diffusion_model.input_blocks.0.0.weight' in tensors
		assert 'cond_stage_model.transformer.text_model.final_layer_norm.weight' in tensors

	def test_marks_prediction_and_schedule_with_empty_tensors(self, written: tuple[Path, tuple[Weights, ...]]) -> None:
		tensors, metadata = read(written[0])
		scheduler = json.loads(metadata['scheduler_config'])

		assert all(tensors[marker].numel() == 0 for marker in MARKERS)
		assert scheduler['prediction_type'] == 'v_prediction'
		assert scheduler['rescale_betas_zero_snr'] is True

	def test_carries_the_tokenizer(self, written: tuple[Path, tuple[Weights, ...]]) -> None:
		_, metadata = read(written[0])

		assert metadata['tokenizer_vocab'] == tokenizer_files().vocab
		assert metadata['tokenizer_merges'] == tokenizer_files().merges

	def test_configs_rebuild_modules_that_take_the_weights(self, written: tuple[Path, tuple[Weights, ...]]) -> None:
		path, originals = written
		tensors, metadata = read(path)
		configs = [json.loads(metadata[f'{part}_config']) for part in ('unet', 'vae', 'text_encoder')]
		text = CLIPTextModel(CLIPTextConfig(**configs[2]))
		modules: list[torch.nn.Module] = [
			UNet2DConditionModel.from_config(configs[0]),
			AutoencoderKL.from_config(configs[1]),
			text,
		]
		layouts = (unet_layout(configs[0]), vae_layout(configs[1]), text_layout(text))
		for module, layout, original in zip(modules, layouts, originals, strict=True):
			own = module.state_dict()
			weights = {name: tensors[piece.name].float().reshape(own[name].shape) for name, (piece,) in layout.items()}
			module.load_state_dict(weights)

			for name, value in module.state_dict().items():
				torch.testing.assert_close(value, original[name], atol=1e-3, rtol=1e-3)

	def test_nothing_half_written_is_left(self, written: tuple[Path, tuple[Weights, ...]]) -> None:
		assert list(written[0].parent.iterdir()) == [written[0]]


class TestNames:
	def test_a_weight_without_a_name_is_an_error(self) -> None:
		with pytest.raises(KeyError, match='weights and names differ'):
			stored_tensors({'a': torch.zeros(1)}, plain({'b': 'stored.b'}))
