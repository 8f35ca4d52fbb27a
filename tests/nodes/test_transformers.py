"""Graphs with transformers, from loaders to the picture."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from engine.cancel import CancelToken
from engine.context import Context, JobInfo
from engine.graph import Graph
from engine.models import Setting
from engine.settings import Settings
from nodes.load import load_three_clips
from nodes.prompt import encode_prompt_sd3
from nodes.text_settings import TextPadding
from nodes.values import Prompt
from tests import tiny
from tests.nodes.conftest import Bench, link, make_graph
from tests.tiny_transformers import save_parts, save_whole

FOLDERS = ('checkpoints', 'diffusion_models', 'text_encoders', 'vae')


@pytest.fixture(scope='module')
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""Each tiny model in files of its parts, and Flux as one file."""
	folder = tmp_path_factory.mktemp('transformers')
	for kind in FOLDERS:
		(folder / kind).mkdir()
	save_whole(folder / 'checkpoints' / 'flux.safetensors', 'flux')
	for kind in ('sd3', 'flux', 'flux2', 'qwen-image', 'z-image'):
		parts = tmp_path_factory.mktemp(kind)
		files = save_parts(parts, kind)
		files.denoiser.rename(folder / 'diffusion_models' / f'{kind}.safetensors')
		files.vae.rename(folder / 'vae' / f'{kind}.safetensors')
		for number, text in enumerate(files.texts, start=1):
			text.rename(folder / 'text_encoders' / f'{kind}-{number}.safetensors')
	return folder


@pytest.fixture
def bench(tmp_path: Path, models: Path) -> Bench:
	"""A runner with those files."""
	return Bench(Settings(base=tmp_path, models=models))


def drawn(kind: str, clip: tuple[str, dict[str, str]], latent: str) -> Graph:
	"""A graph of the model's own parts."""
	return make_graph(
		model=('UNETLoader', {'unet_name': f'{kind}.safetensors', 'weight_dtype': 'default'}),
		clip=(clip[0], {**clip[1]}),
		vae=('VAELoader', {'vae_name': f'{kind}.safetensors'}),
		positive=('CLIPTextEncode', {'text': 'a red cat', 'clip': link('clip')}),
		negative=('CLIPTextEncode', {'text': '', 'clip': link('clip')}),
		latent=(latent, {'width': 64, 'height': 32, 'batch_size': 1}),
		sample=(
			'KSampler',
			{
				'model': link('model'),
				'seed': 1,
				'steps': 2,
				'cfg': 2.0,
				'sampler_name': 'euler',
				'scheduler': 'simple',
				'positive': link('positive'),
				'negative': link('negative'),
				'latent_image': link('latent'),
				'denoise': 1.0,
			},
		),
		decode=('VAEDecode', {'samples': link('sample'), 'vae': link('vae')}),
		save=('SaveImage', {'images': link('decode'), 'filename_prefix': 'tiny'}),
	)


class TestPictures:
	@pytest.mark.parametrize(
		('kind', 'loader', 'option', 'latent'),
		[
			('sd3', 'TripleCLIPLoader', '', 'EmptySD3LatentImage'),
			('flux', 'DualCLIPLoader', 'flux', 'EmptySD3LatentImage'),
			('flux2', 'CLIPLoader', 'flux2', 'EmptyFlux2LatentImage'),
			('qwen-image', 'CLIPLoader', 'qwen_image', 'EmptySD3LatentImage'),
			('z-image', 'CLIPLoader', 'lumina2', 'EmptySD3LatentImage'),
		],
	)
	def test_parts_draw_a_picture(self, kind: str, loader: str, option: str, latent: str, bench: Bench) -> None:
		"""Loaded, encoded, sampled, decoded and saved; the checker has nothing against it."""
		count = {'CLIPLoader': 1, 'DualCLIPLoader': 2, 'TripleCLIPLoader': 3}[loader]
		names = ['clip_name'] if count == 1 else [f'clip_name{number}' for number in range(1, count + 1)]
		inputs = {name: f'{kind}-{number}.safetensors' for number, name in enumerate(names, start=1)}
		outcome = bench.run(drawn(kind, (loader, inputs | ({'type': option} if option else {})), latent))

		assert outcome.state == 'succeeded'
		assert len(bench.pictures()) == 1

	def test_an_empty_latent_of_any_kind_is_taken(self, bench: Bench) -> None:
		"""It becomes one of the model's, for as many pixels; so the pictures are the same."""
		loader: tuple[str, dict[str, str]] = ('CLIPLoader', {'clip_name': 'flux2-1.safetensors', 'type': 'flux2'})
		kinds = ('EmptyFlux2LatentImage', 'EmptySD3LatentImage', 'EmptyLatentImage')
		pictures = [picture(bench, drawn('flux2', loader, kind)) for kind in kinds]

		assert pictures[1] == pictures[2] == pictures[0]

	def test_a_latent_of_another_family_is_refused_before_anything_runs(self, bench: Bench) -> None:
		"""By its channels, which the files' headers tell."""
		graph = drawn(
			'flux2', ('CLIPLoader', {'clip_name': 'flux2-1.safetensors', 'type': 'flux2'}), 'EmptySD3LatentImage'
		)
		encoded = make_graph(
			image=('EmptyImage', {'width': 64, 'height': 32, 'batch_size': 1, 'color': 0}),
			other=('VAELoader', {'vae_name': 'flux.safetensors'}),
			latent=('VAEEncode', {'pixels': link('image'), 'vae': link('other')}),
		)
		checked = bench.runner.check(Graph({**graph.calls, **encoded.calls}))

		assert [problem.node for problem in checked.problems] == ['sample']


class TestFluxPrompt:
	def encoded(self, clip_l: str, t5xxl: str, guidance: float) -> Graph:
		"""One file with everything, and a text for each encoder."""
		graph = drawn('flux', ('DualCLIPLoader', {}), 'EmptySD3LatentImage')
		loaded = make_graph(
			clip=('CheckpointLoaderSimple', {'ckpt_name': 'flux.safetensors'}),
			positive=(
				'CLIPTextEncodeFlux',
				{'clip': link('clip', 1), 'clip_l': clip_l, 't5xxl': t5xxl, 'guidance': guidance},
			),
			negative=('CLIPTextEncode', {'text': '', 'clip': link('clip', 1)}),
		)
		return Graph({**graph.calls, **loaded.calls})

	def test_the_same_text_for_both_is_the_plain_prompt(self, bench: Bench) -> None:
		"""With the guidance that is usual."""
		files = {'clip_name1': 'flux-1.safetensors', 'clip_name2': 'flux-2.safetensors', 'type': 'flux'}
		plain = picture(bench, drawn('flux', ('DualCLIPLoader', files), 'EmptySD3LatentImage'))

		assert picture(bench, self.encoded('a red cat', 'a red cat', 3.5)) == plain

	@pytest.mark.parametrize(
		('clip_l', 't5xxl', 'guidance'),
		[('dog', 'a red cat', 3.5), ('a red cat', 'a cat', 3.5), ('a red cat', 'a red cat', 9.0)],
	)
	def test_each_encoder_hears_its_own_text_and_the_guidance_counts(
		self, clip_l: str, t5xxl: str, guidance: float, bench: Bench
	) -> None:
		"""Another text for one of them, or another guidance, makes another picture."""
		usual = picture(bench, self.encoded('a red cat', 'a red cat', 3.5))

		assert picture(bench, self.encoded(clip_l, t5xxl, guidance)) != usual

	def test_embeddings_are_heard_and_tell_the_key(self, bench: Bench) -> None:
		"""By the encoder that they are for; another file in the place of one makes the prompt anew."""
		folder = bench.settings.base / 'embeddings'
		folder.mkdir()
		bench.runner.storage.catalogue.add('embeddings', folder)
		graph = self.encoded('a embedding:word', 'a red cat', 3.5)
		made = []
		for seed in (0, 1):
			vectors = torch.randn(2, tiny.WIDTH, generator=torch.manual_seed(seed))
			save_file({'clip_l': vectors}, folder / 'word.safetensors')
			made.append(picture(bench, graph))

		assert made[0] != made[1]
		assert picture(bench, self.encoded('a', 'a red cat', 3.5)) not in made


class TestSd3Prompt:
	"""What nodes around the three encoders of Stable Diffusion 3 hand on."""

	def said(
		self,
		bench: Bench,
		*changes: Setting,
		empty_padding: str = 'none',
		clip_l: str = '',
		clip_g: str = '',
		t5xxl: str = '',
	) -> Prompt:
		"""The prompt, from the files."""
		runner = bench.runner
		context = Context(
			JobInfo('job'),
			'node',
			models=runner.models,
			storage=runner.storage,
			cancel=CancelToken(),
			publish=lambda event: None,
		)
		clip = load_three_clips(context, *(f'sd3-{number}.safetensors' for number in (1, 2, 3)))
		for change in changes:
			clip = clip.patched(change)
		(prompt,) = encode_prompt_sd3(context, clip, clip_l, clip_g, t5xxl, empty_padding).prompts
		return prompt

	def test_equal_texts_are_the_plain_prompt(self, bench: Bench) -> None:
		"""Whatever is done about empty ones."""
		texts = {'clip_l': 'a red cat', 'clip_g': 'a red cat', 't5xxl': 'a red cat'}
		one, other = (self.said(bench, empty_padding=padding, **texts) for padding in ('none', 'empty_prompt'))

		assert torch.equal(one.embedding, other.embedding)
		assert one.embedding.shape[1] == 77 + 77

	def test_each_encoder_hears_its_own(self, bench: Bench) -> None:
		"""CLIPs are the first 77 tokens, side by side; T5 is what follows."""
		texts = {'clip_l': 'a red cat', 'clip_g': 'a red cat', 't5xxl': 'a red cat'}
		usual = self.said(bench, **texts).embedding[0]
		differs = {
			name: (self.said(bench, **texts | {name: 'dog'}).embedding[0] != usual).any(dim=-1) for name in texts
		}
		left = (self.said(bench, **texts | {'clip_l': 'dog'}).embedding[0] != usual)[:77].any(dim=0)
		right = (self.said(bench, **texts | {'clip_g': 'dog'}).embedding[0] != usual)[:77].any(dim=0)

		assert differs['clip_l'][:77].any()
		assert not differs['clip_l'][77:].any()
		assert not differs['clip_g'][77:].any()
		assert not differs['t5xxl'][:77].any()
		assert differs['t5xxl'][77:].any()
		assert not (left & right).any()

	def test_nothing_is_left_of_empty_texts_without_padding(self, bench: Bench) -> None:
		"""Of T5 its mark at the end; of two empty CLIPs nothing, but of one an empty prompt beside the other's."""
		assert self.said(bench).embedding.shape[1] == 1
		assert self.said(bench).pooled is None
		assert self.said(bench, t5xxl='a cat').embedding.shape[1] == 77
		assert self.said(bench, clip_l='a cat').embedding.shape[1] == 77 + 1
		assert self.said(bench, empty_padding='empty_prompt').embedding.shape[1] == 77 + 77
		assert self.said(bench, empty_padding='empty_prompt').pooled is not None

	def test_options_of_t5_count(self, bench: Bench) -> None:
		"""No filling, or a hundred tokens; CLIPs stay as they are."""
		texts = {'clip_l': 'cat', 'clip_g': 'cat', 't5xxl': 'cat'}
		bare, long = (self.said(bench, TextPadding(0, least), **texts).embedding for least in (0, 100))

		assert bare.shape[1] < 77 + 77
		assert long.shape[1] == 77 + 100
		assert torch.equal(bare[:, :77], long[:, :77])


def picture(bench: Bench, graph: Graph) -> bytes:
	"""The pixels that a graph draws."""
	bench.run(graph)
	with Image.open(bench.pictures()[0]) as opened:
		return opened.tobytes()
