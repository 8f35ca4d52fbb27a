"""How model files are told apart before anything reads them: by the names and shapes of a few of their tensors.

The facts: `family` (`sd1`, `sd2`, `sdxl`, `sdxl-refiner`, `sd3`, `flux`), and `channels` of the latents. The first mark
that fits counts, so the narrower ones stand first. What fits none is unknown, and unknown agrees with everything.
"""

from __future__ import annotations

from engine.facts import ANY_SIZE as ANY
from engine.facts import Fact, FileMark, TensorMark

CHECKPOINT = 'model.diffusion_model.'
CROSS = 'middle_block.1.transformer_blocks.0.attn2.to_k.weight'
DIFFUSERS_CROSS = 'mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight'
SMALL = 4
LARGE = 16


def _tensor(name: str, *shape: int) -> TensorMark:
	return TensorMark(name=name, shape=shape or None)


def _mark(title: str, *tensors: TensorMark, without: tuple[str, ...] = (), **facts: Fact) -> FileMark:
	return FileMark(title=title, tensors=tensors, without=without, facts=facts)


def _unets(prefix: str) -> tuple[FileMark, ...]:
	"""UNets as they were published, whole checkpoints among them. Inpainting models take more channels than they give."""
	gives = _tensor(f'{prefix}out.2.weight', SMALL, ANY, 3, 3)
	label, cross = f'{prefix}label_emb.0.0.weight', f'{prefix}{CROSS}'
	return (
		_mark('Stable Diffusion XL', _tensor(label, ANY, 2816), gives, family='sdxl', channels=SMALL),
		_mark('Stable Diffusion XL refiner', _tensor(label, ANY, 2560), gives, family='sdxl-refiner', channels=SMALL),
		_mark('Stable Diffusion 2.x', _tensor(cross, ANY, 1024), gives, family='sd2', channels=SMALL),
		_mark('Stable Diffusion 1.x', _tensor(cross, ANY, 768), gives, without=(label,), family='sd1', channels=SMALL),
	)


def _transformers(prefix: str) -> tuple[FileMark, ...]:
	"""Stable Diffusion 3 and Flux as they were published."""
	return (
		_mark(
			'Stable Diffusion 3',
			_tensor(f'{prefix}joint_blocks.0.x_block.attn.qkv.weight'),
			_tensor(f'{prefix}x_embedder.proj.weight', ANY, LARGE, 2, 2),
			family='sd3',
			channels=LARGE,
		),
		# The text vector is what relatives with the same blocks do not have.
		_mark(
			'Flux',
			_tensor(f'{prefix}double_blocks.0.img_attn.qkv.weight'),
			_tensor(f'{prefix}vector_in.in_layer.weight', 3072, 768),
			family='flux',
			channels=LARGE,
		),
	)


def _controlnets(prefix: str) -> tuple[FileMark, ...]:
	"""ControlNets as they were published; their width is that of the text that they listen to."""
	hint = _tensor(f'{prefix}input_hint_block.0.weight')
	return tuple(
		_mark(f'ControlNet of {family}', hint, _tensor(f'{prefix}{CROSS}', ANY, width), family=family)
		for family, width in (('sd1', 768), ('sd2', 1024), ('sdxl', 2048))
	)


DIFFUSERS = (
	*(
		_mark(
			f'ControlNet of {family}, diffusers layout',
			_tensor('controlnet_cond_embedding.conv_in.weight'),
			_tensor(DIFFUSERS_CROSS, ANY, width),
			family=family,
		)
		for family, width in (('sd1', 768), ('sd2', 1024), ('sdxl', 2048))
	),
	*(
		_mark(
			f'UNet of {family}, diffusers layout',
			_tensor('conv_out.weight', SMALL, ANY, 3, 3),
			_tensor(DIFFUSERS_CROSS, ANY, width),
			family=family,
			channels=SMALL,
		)
		for family, width in (('sd1', 768), ('sd2', 1024), ('sdxl', 2048), ('sdxl-refiner', 1280))
	),
	_mark(
		'Stable Diffusion 3, diffusers layout',
		_tensor('transformer_blocks.0.attn.add_k_proj.weight'),
		_tensor('pos_embed.proj.weight', ANY, LARGE, 2, 2),
		family='sd3',
		channels=LARGE,
	),
	_mark(
		'Flux, diffusers layout',
		_tensor('transformer_blocks.0.attn.add_k_proj.weight'),
		_tensor('time_text_embed.text_embedder.linear_1.weight', 3072, 768),
		family='flux',
		channels=LARGE,
	),
)

OWN_WIDTH = _mark(
	'Stable Diffusion 1.x of another size',
	_tensor(f'{CHECKPOINT}{CROSS}', ANY, ANY),
	_tensor(f'{CHECKPOINT}out.2.weight', SMALL, ANY, 3, 3),
	_tensor('cond_stage_model.transformer.text_model.embeddings.token_embedding.weight'),
	without=(f'{CHECKPOINT}label_emb.0.0.weight',),
	family='sd1',
	channels=SMALL,
)
"""A model in the layout of the first family with a text encoder of its own width, such as the embedded demo."""

VAES = tuple(
	_mark(
		f'VAE of {channels} channels',
		_tensor(f'{prefix}decoder.conv_in.weight', ANY, channels, 3, 3),
		channels=channels,
	)
	for prefix in ('', 'first_stage_model.')
	for channels in (SMALL, LARGE)
)

MARKS: tuple[FileMark, ...] = (
	*_unets(CHECKPOINT),
	*_transformers(CHECKPOINT),
	OWN_WIDTH,
	*_controlnets('control_model.'),
	*_controlnets(''),
	*_unets(''),
	*_transformers(''),
	*DIFFUSERS,
	*VAES,
)
