"""Loading the three parts of a single-file checkpoint."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor

from engine.cancel import CancelToken
from engine.errors import JobCancelled, UnknownFamily, UnknownFormat
from engine.models import Load, Place
from nodes.diffusion import building
from nodes.diffusion.checkpoint import load_autoencoder, load_denoiser, load_text_encoder
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.text.towers import Towers
from nodes.diffusion.vae import Vae
from nodes.diffusion.whereabouts import moved
from nodes.values import Images, Latent, ModelInputs
from tests import tiny

Read = Callable[[Load], Any]
PREFIXES = {'UNet': tiny.CHECKPOINT, 'text encoder': f'{tiny.COND_STAGE}text_model.', 'VAE': tiny.FIRST_STAGE}
LOADERS: dict[str, Read] = {'UNet': load_denoiser, 'text encoder': load_text_encoder, 'VAE': load_autoencoder}

each_loader = pytest.mark.parametrize(('part', 'load'), LOADERS.items(), ids=LOADERS)


def written(path: Path, tensors: dict[str, Tensor], **metadata: str) -> Path:
	"""A tiny checkpoint with some tensors or metadata of its own."""
	file = path / 'changed.safetensors'
	save_file(
		{name: tensor.contiguous() for name, tensor in tensors.items()}, file, metadata=tiny.metadata() | metadata
	)
	return file


def loaded(load: Read, path: Path, dtype: str = 'auto') -> Any:
	return load(Load((path,), 'any', dtype))


class TestRoundTrip:
	def test_unet_says_what_the_written_one_says(self, checkpoint: Path) -> None:
		"""Weights, written by the table of names and read by it, come back to their places."""
		x, sigma = torch.randn(2, 4, 8, 8), torch.tensor([3.0, 0.5])
		context = torch.randn(2, 77, tiny.WIDTH)
		with torch.random.fork_rng(devices=[]):
			torch.manual_seed(0)
			unet: torch.nn.Module = tiny.make(UNet2DConditionModel, tiny.UNET)
		denoiser = loaded(load_denoiser, checkpoint)
		step = (sigma.log()[:, None] - denoiser.parametrisation.sigmas.log()).abs().argmin(dim=1)
		scale = sigma.reshape(-1, 1, 1, 1)
		with torch.inference_mode():
			noise = unet(x / (scale**2 + 1).sqrt(), step, encoder_hidden_states=context).sample

		denoised = denoiser.denoise(x, sigma, ModelInputs(context))

		assert torch.allclose(denoised, x - scale * noise, atol=1e-5)

	def test_vae_attention_stored_as_linear_layers_is_read_too(self, checkpoint: Path, tmp_path: Path) -> None:
		"""[c, c] or [c, c, 1, 1], `q` or `to_q`: the same VAE."""
		newer = {'q': 'to_q', 'k': 'to_k', 'v': 'to_v', 'proj_out': 'to_out.0', 'norm': 'group_norm'}
		tensors = {}
		for name, tensor in tiny.tensors().items():
			start, middle, part = name.partition('.mid.attn_1.')
			layer, _, kind = part.rpartition('.')
			changed = (
				f'{start}{middle}{newer[layer]}.{kind}' if middle and start.startswith(tiny.FIRST_STAGE[:-1]) else name
			)
			tensors[changed] = tensor.flatten(1) if middle and tensor.dim() == 4 else tensor
		latent = Latent(torch.randn(1, 4, 2, 2))

		new = loaded(load_autoencoder, written(tmp_path, tensors)).decode(latent)

		assert torch.equal(new.pixels, loaded(load_autoencoder, checkpoint).decode(latent).pixels)

	def test_text_encoder_without_its_middle_name_is_read_too(self, checkpoint: Path, tmp_path: Path) -> None:
		"""As transformers 5.6 and later name it, and with the position numbers that old files hold."""
		tensors = {name.replace('.text_model.', '.'): tensor for name, tensor in tiny.tensors().items()}
		tensors[f'{tiny.COND_STAGE}text_model.embeddings.position_ids'] = torch.arange(77)[None]

		new = loaded(load_text_encoder, written(tmp_path, tensors)).encode('red cat').prompts[0]

		assert torch.equal(new.embedding, loaded(load_text_encoder, checkpoint).encode('red cat').prompts[0].embedding)

	@each_loader
	def test_bytes_are_those_of_the_weights(self, part: str, load: Read, checkpoint: Path) -> None:
		"""Half the precision, half the bytes."""
		assert loaded(load, checkpoint).nbytes == 2 * loaded(load, checkpoint, 'bfloat16').nbytes > 0

	def test_half_precision_gives_full_precision_values(self, checkpoint: Path) -> None:
		"""What travels on the wires is float32, whatever the weights are."""
		vae = loaded(load_autoencoder, checkpoint, 'bfloat16')
		denoiser = loaded(load_denoiser, checkpoint, 'bfloat16')
		prompt = loaded(load_text_encoder, checkpoint, 'bfloat16').encode('red').prompts[0]
		latent = vae.encode(Images(torch.rand(1, 16, 16, 3)))

		assert prompt.embedding.dtype == latent.samples.dtype == vae.decode(latent).pixels.dtype == torch.float32
		assert denoiser.denoise(latent.samples, torch.ones(1), ModelInputs(prompt.embedding)).dtype == torch.float32

	def test_file_may_be_deleted_after_loading(self, tmp_path: Path) -> None:
		"""The weights hold memory of their own."""
		path = written(tmp_path, tiny.tensors())
		vae = loaded(load_autoencoder, path)
		path.write_bytes(b'')

		assert bool(vae.decode(Latent(torch.zeros(1, 4, 2, 2))).pixels.isfinite().all())


class TestConfigs:
	def test_prediction_is_read_from_the_metadata(self, tmp_path: Path) -> None:
		"""A scheduler's config that says v-prediction and zero terminal SNR."""
		config = json.dumps(tiny.scheduler_config('v'))
		denoiser = loaded(load_denoiser, written(tmp_path, tiny.tensors(), scheduler_config=config))

		assert float(denoiser.parametrisation.sigmas[-1]) == pytest.approx(4518.76, abs=0.01)

	def test_markers_are_enough(self, tmp_path: Path) -> None:
		"""The empty tensors of other programs' checkpoints."""
		denoiser = loaded(load_denoiser, written(tmp_path, tiny.tensors(prediction='v')))

		assert float(denoiser.parametrisation.sigmas[-1]) == pytest.approx(4518.76, abs=0.01)

	def test_colours_of_previews_are_read_from_the_metadata(self, tmp_path: Path) -> None:
		"""`latent_rgb`: a row of colours per channel, then the constant part."""
		rows = [[0.5, 0.0, 0.0]] * 5
		denoiser = loaded(load_denoiser, written(tmp_path, tiny.tensors(), latent_rgb=json.dumps(rows)))

		assert denoiser.latents.rgb == tuple(map(tuple, rows))

	def test_unknown_noise_schedules_are_refused(self, tmp_path: Path) -> None:
		"""A model run on another schedule than its own gives rubbish."""
		config = json.dumps({'beta_schedule': 'squaredcos_cap_v2'})

		with pytest.raises(UnknownFamily, match='squaredcos_cap_v2'):
			loaded(load_denoiser, written(tmp_path, tiny.tensors(), scheduler_config=config))

	def test_impossible_configs_are_refused(self, tmp_path: Path) -> None:
		"""The metadata is data from outside like all else."""
		config = json.dumps({**tiny.UNET, 'down_block_types': ['NoSuchBlock', 'DownBlock2D']})

		with pytest.raises(UnknownFormat, match='describe no UNet'):
			loaded(load_denoiser, written(tmp_path, tiny.tensors(), unet_config=config))

	def test_configs_must_be_objects(self, tmp_path: Path) -> None:
		"""A list is JSON, and no config."""
		with pytest.raises(UnknownFormat, match="'vae_config' is no config"):
			loaded(load_autoencoder, written(tmp_path, tiny.tensors(), vae_config='[1]'))

	def test_impossible_tokenizers_are_refused(self, tmp_path: Path) -> None:
		"""A vocabulary without the marks is none of CLIP's."""
		with pytest.raises(UnknownFormat, match='describe no tokenizer'):
			loaded(load_text_encoder, written(tmp_path, tiny.tensors(), tokenizer_vocab='{"a": 0}'))

	def test_text_encoders_with_too_few_pieces_are_refused(self, tmp_path: Path) -> None:
		"""The tokenizer's numbers would lie beyond the embedding."""
		path, made = tmp_path / 'few.safetensors', tiny.tensors()
		described = {name: text for name, text in tiny.metadata().items() if not name.startswith('tokenizer')}
		save_file(made, path, metadata=described)

		with pytest.raises(UnknownFormat, match=r'few.*knows \d+ pieces of words, but its tokenizer tells apart 49408'):
			load_text_encoder(Load((path,), 'text'))


class TestFaults:
	@each_loader
	def test_missing_tensors_are_named(self, part: str, load: Read, tmp_path: Path) -> None:
		"""The error says how many, and some of them."""
		prefix = PREFIXES[part]
		tensors = tiny.tensors()
		gone = [name for name in tensors if name.startswith(prefix) and name.endswith('norm1.weight')]
		gone = gone or [f'{prefix}out.0.weight', f'{prefix}out.2.bias']
		left = {name: tensor for name, tensor in tensors.items() if name not in gone}

		with pytest.raises(UnknownFormat, match=f'its {part} lacks {len(gone)} tensors: {prefix}'):
			loaded(load, written(tmp_path, left))

	@each_loader
	def test_unexpected_tensors_are_named(self, part: str, load: Read, tmp_path: Path) -> None:
		"""A model with more than we know is another model."""
		prefix = PREFIXES[part]

		with pytest.raises(UnknownFormat, match=f'has unknown 1 tensors: {prefix}adapter.weight'):
			loaded(load, written(tmp_path, tiny.tensors() | {f'{prefix}adapter.weight': torch.zeros(1)}))

	def test_other_shapes_are_named(self, tmp_path: Path) -> None:
		"""A tensor of the right name and the wrong size."""
		name = f'{tiny.FIRST_STAGE}decoder.conv_in.weight'

		with pytest.raises(UnknownFormat, match=f'has other shapes in 1 tensors: {name}'):
			loaded(load_autoencoder, written(tmp_path, tiny.tensors() | {name: torch.zeros(8, 3, 3, 3)}))

	@each_loader
	def test_absent_parts_are_named(self, part: str, load: Read, tmp_path: Path) -> None:
		"""A file with the other parts only."""
		prefix = PREFIXES[part]
		others = {name: tensor for name, tensor in tiny.tensors().items() if not name.startswith(prefix)}

		with pytest.raises(UnknownFormat, match=f'it holds no {part}'):
			loaded(load, written(tmp_path, others))

	@each_loader
	def test_each_part_needs_only_its_own_tensors(self, part: str, load: Read, tmp_path: Path) -> None:
		"""A file with one part is enough for that part."""
		prefix = PREFIXES[part]
		own = {name: tensor for name, tensor in tiny.tensors().items() if name.startswith(prefix)}

		assert loaded(load, written(tmp_path, own)).nbytes > 0

	@each_loader
	def test_loading_stops_when_asked(self, part: str, load: Read, checkpoint: Path) -> None:
		"""The token is looked at between tensors."""
		cancel = CancelToken()
		cancel.cancel()

		with pytest.raises(JobCancelled):
			load(Load((checkpoint,), 'any', cancel=cancel))


class TestOffline:
	@each_loader
	def test_nothing_reaches_for_the_network(
		self, part: str, load: Read, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
	) -> None:
		"""Even where hubs are allowed, no name is looked up and no connection made."""

		def refused(*_: object, **__: object) -> None:
			raise AssertionError('a loader went to the network')

		monkeypatch.delenv('HF_HUB_OFFLINE', raising=False)
		monkeypatch.setattr('huggingface_hub.constants.HF_HUB_OFFLINE', False)
		monkeypatch.setattr(socket, 'getaddrinfo', refused)
		monkeypatch.setattr(socket.socket, 'connect', refused)

		assert loaded(load, checkpoint).nbytes > 0


class TestPlace:
	"""On the meta device, which takes no values, but is another one than main memory."""

	@pytest.mark.parametrize('load_part', [load_denoiser, load_text_encoder, load_autoencoder])
	def test_all_of_a_part_is_there(
		self, load_part: Callable[[Load], Denoiser | Towers | Vae], checkpoint: Path, monkeypatch: pytest.MonkeyPatch
	) -> None:
		"""Weights, and what networks compute when they are built, such as the numbers of positions."""
		networks: list[torch.nn.Module] = []

		def watched(module: torch.nn.Module) -> None:
			networks.append(module)

		monkeypatch.setattr(building, 'interruptible', watched)
		load_part(Load((checkpoint,), 'any', 'float32', place=Place('meta')))

		assert networks
		for network in networks:
			assert all(tensor.is_meta for tensor in (*network.parameters(), *network.buffers()))

	def test_a_network_hears_all_of_its_inputs_there(self, checkpoint: Path) -> None:
		"""None of what it takes, or makes itself, is left in main memory."""
		model = load_denoiser(Load((checkpoint,), 'any', 'float32', place=Place('meta')))
		prompt = load_text_encoder(Load((checkpoint,), 'any')).encode('a cat').prompts[0]
		latent, there = torch.randn(1, 4, 8, 8), torch.device('meta')
		timestep = model.parametrisation.timestep(torch.tensor([0.7])).to(there)

		assert model.network(latent.to(there), timestep, moved(model.inputs(prompt, latent), there)).is_meta
