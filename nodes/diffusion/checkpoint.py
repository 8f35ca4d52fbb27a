"""The loaders of the parts of a model: from a whole checkpoint, or from files that hold one part each.

What a file holds is known by its tensors (`families`); each loader reads only what is its own, onto a module that was
built without memory of its own. No hub is ever asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch.nn import Module

from engine.errors import UnknownFormat
from engine.modelfolder import DENOISERS, VAES, is_model_folder
from engine.models import AUTO, Load
from nodes.diffusion.building import built, filled, same_names
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.families import FAMILIES, LISTENERS, Family, Listening, find_denoiser, find_vae, unknown
from nodes.diffusion.families.base import Config, Found, Part, TowerPart, Training
from nodes.diffusion.families.parts import MARKERS, PREDICTION_MARKERS
from nodes.diffusion.files import TensorSource, storage_dtype, torch_dtype
from nodes.diffusion.folder import open_encoders, open_part
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.layout import Layout, Piece
from nodes.diffusion.origin import Origin
from nodes.diffusion.precision import QUANTISED, resolved
from nodes.diffusion.text.t5_tokenizer import MODEL_TENSOR
from nodes.diffusion.text.towers import Tower, Towers
from nodes.diffusion.vae import Vae
from nodes.diffusion.whereabouts import bytes_of

OPEN_CLIP = '.model.'
"""How the place of a text encoder in OpenCLIP's layout ends; that of one in transformers' ends in `.transformer.`."""

DESCRIPTIONS = (
	'scheduler_config',
	'vae_config',
	'latent_rgb',
	'tokenizer_vocab',
	'tokenizer_merges',
	't5_tokenizer',
	'qwen_tokenizer',
)
"""Entries of metadata that tell of models, beside the configs of their parts."""


@dataclass(frozen=True)
class Filled:
	"""A part with its weights, the config that it was built by, and where it was read."""

	module: Module
	config: Config
	origin: Origin


def load_denoiser(load: Load) -> Denoiser:
	"""The network that denoises, with its noise levels and latents: a `Loader` of `DiffusionModel`."""
	source = open_part(load.path, DENOISERS)
	known = find_denoiser(source.shapes)
	if known is None:
		if find_vae(source.shapes) is not None or _stack(source) is not None:
			raise UnknownFormat(source.path, 'it holds no UNet, and no other network that denoises')
		raise unknown(source.path, source.shapes)
	family, found = known
	part = read_part(source, family.denoiser, found, load)
	latents = _latents(source, family)
	training = Training(
		config=part.config,
		shapes=source.shapes,
		tensors=part.module.state_dict(),
		file=str(source.path),
		scheduler=_described(source, 'scheduler_config'),
	)
	return Denoiser(
		network=family.network(part.module, part.config, latents),
		parametrisation=family.parametrisation(training),
		latents=latents,
		family=family.name,
		layout=_original(family.denoiser, part.config),
		origin=replace(
			part.origin, beside=[name for name in MARKERS if name in source.shapes and name not in PREDICTION_MARKERS]
		),
	)


def load_text_encoder(load: Load) -> Towers:
	"""The text encoders with their tokenizers: a `Loader` of `TextEncoder`.

	Of one file that holds all of them, as whole checkpoints do; of several files with one each, where the option names
	the kind of model that they serve; or of a folder.
	"""
	sources = [source for path in load.paths for source in open_encoders(path)]
	if not sources:
		raise UnknownFormat(load.path, 'it holds no text encoder')
	of_folder = _family_of_folder(load.path)
	if load.option or of_folder is not None or len(sources) > 1:
		listening, towers = _assembled(sources, load.option, LISTENERS if of_folder is None else (of_folder,))
	else:
		listening, towers = _found_together(sources[0])
	loaded: dict[str, Tower] = {}
	layouts: dict[str, Layout] = {}
	origins: dict[str, Origin] = {}
	left = load.room
	for tower, found, source in sorted(towers, key=_values):
		# The room is for all of them: the small ones are there whole, and the large one gets what they leave.
		part = read_part(source, tower.part, found, replace(load, room=left))
		loaded[tower.name] = tower.tower(part.module, part.config, source)
		layouts[tower.name] = _original(tower.part, part.config)
		origins[tower.name] = part.origin
		if left is not None:
			left = max(0, left - bytes_of(part.module))
	in_order = {tower.name: loaded[tower.name] for tower, _, _ in towers}
	return Towers(in_order, listening.text.join, layouts, origins)


def load_autoencoder(load: Load) -> Vae:
	"""The VAE of a whole checkpoint, or of a file of its own: a `Loader` of `AutoEncoder`."""
	source = open_part(load.path, VAES)
	known = find_vae(source.shapes)
	if known is None:
		if find_denoiser(source.shapes) is None and _stack(source) is None:
			raise unknown(source.path, source.shapes)
		raise UnknownFormat(source.path, 'it holds no VAE')
	vae, found = known
	part = read_part(source, vae, found, load)
	return vae.vae(part.module, part.config).read_from(part.module, part.origin)


def read_part(source: TensorSource, part: Part, found: Found, load: Load) -> Filled:
	"""Build a part by what its shapes and the metadata say, and read its tensors."""
	config = {**_config(source, part, found), **_described(source, part.metadata)}
	module = built(lambda: part.build(config), source.path, part.title)
	form, prefix = found.form, found.prefix
	layout = same_names(module) if form.layout is None else form.layout(config)
	filled(
		module,
		source,
		layout,
		part=part.title,
		load=load,
		dtype=_dtype(source, load, module),
		storage=storage_dtype(load.dtype),
		method=load.dtype if load.dtype in QUANTISED else '',
		prefix=prefix,
		spellings=lambda name: [prefix + spelled for spelled in form.spellings(name.removeprefix(prefix))],
		ignored=lambda name: form.ignored(name.removeprefix(prefix)),
	)
	return Filled(module, config, _origin(source, part, found, module, config, layout))


def _origin(source: TensorSource, part: Part, found: Found, module: Module, config: Config, layout: Layout) -> Origin:
	form, prefix = found.form, found.prefix
	taken = {
		prefix + spelled
		for name in module.state_dict()
		for piece in layout.get(name, (Piece(name),))
		for spelled in form.spellings(piece.name)
	}
	return Origin(
		source,
		prefix,
		part.prefixes[0],
		_original(part, config, part.prefixes[0]),
		rest=[
			name
			for name in source.shapes
			if name.startswith(prefix)
			and name not in taken
			and name not in MARKERS
			and form.ignored(name.removeprefix(prefix))
		],
		beside=[
			name
			for name in (f'{prefix.removesuffix("transformer.")}{MODEL_TENSOR}',)
			if name in source.shapes and prefix
		],
		described={name: text for name, text in source.metadata.items() if name in (part.metadata, *DESCRIPTIONS)},
	)


def _config(source: TensorSource, part: Part, found: Found) -> Config:
	"""The config of a part by its shapes. Raises `UnknownFormat` if tensors that tell it are missing or out of shape."""
	try:
		return found.config(source.shapes)
	except KeyError as error:
		raise UnknownFormat(source.path, f'its {part.title} lacks {found.prefix}{error.args[0]}') from error
	except (ValueError, IndexError, ZeroDivisionError) as error:
		raise UnknownFormat(
			source.path, f'its {part.title} has tensors of shapes that no model has ({error})'
		) from error


def _dtype(source: TensorSource, load: Load, module: Module) -> torch.dtype:
	"""The precision of a part. What stands alone in its file may be of any family, which decides for the safe one."""
	known = find_denoiser(source.shapes)
	only_kept = load.dtype in QUANTISED or storage_dtype(load.dtype) is not None
	asked = replace(load, dtype=AUTO) if only_kept else load
	weights = sum(weight.numel() for weight in module.parameters())
	return torch_dtype(resolved(asked, '' if known is None else known[0].name, weights))


def _original(part: Part, config: Config, prefix: str = '') -> Layout:
	"""How files in the original layout keep a part, whatever the form of the file that it was read from.

	Of a text encoder of CLIP this is OpenCLIP's where it stands under such a prefix in whole checkpoints.
	"""
	layouts = [form.layout for form in part.forms if form.layout is not None]
	if not layouts:
		return {}
	return layouts[-1 if prefix.endswith(OPEN_CLIP) else 0](config)


def _described(source: TensorSource, entry: str) -> dict[str, Any]:
	"""What a file's metadata say under a name; nothing if they say nothing."""
	given = source.json(entry) if entry else None
	if not isinstance(given or {}, dict):
		raise UnknownFormat(source.path, f'its metadata entry {entry!r} is no config')
	return given or {}


def _latents(source: TensorSource, family: Family) -> LatentFormat:
	"""The family's latents, with the scale and the colours that the file tells."""
	vae = _described(source, 'vae_config')
	rgb = source.json('latent_rgb') or family.latents.rgb
	return replace(family.latents, scale=vae.get('scaling_factor', family.latents.scale), rgb=tuple(map(tuple, rgb)))


Placed = tuple[TowerPart, Found, TensorSource]


def _values(placed: Placed) -> int:
	"""How many numbers a text encoder has."""
	_, found, source = placed
	return sum(math.prod(shape) for shape in source.within(found.prefix).values())


def _found_together(source: TensorSource) -> tuple[Family, list[Placed]]:
	"""The text encoders that one file holds: of the family of its denoiser, or of the first that they are whole for."""
	known = find_denoiser(source.shapes)
	if known is None:
		stack = _stack(source)
		if stack is None and find_vae(source.shapes) is None:
			raise unknown(source.path, source.shapes)
	else:
		stack = known[0], list(_towers(known[0], source))
	if stack is None or not stack[1]:
		raise UnknownFormat(source.path, 'it holds no text encoder')
	family, towers = stack
	_check_whole(family, towers)
	return stack


def _stack(source: TensorSource) -> tuple[Family, list[Placed]] | None:
	"""The first family whose text encoders a file holds, all of them."""
	for family in FAMILIES:
		towers = list(_towers(family, source))
		if towers and _missing(family, towers) is None:
			return family, towers
	return None


def _towers(family: Listening, source: TensorSource) -> Iterator[Placed]:
	for tower in family.text.towers:
		found = tower.part.find(source.shapes)
		if found is not None:
			yield tower, found, source


def _family_of_folder(path: Path) -> Family | None:
	"""The family of a model folder, which its denoiser tells; None if it is no folder, or holds none that is known."""
	if not is_model_folder(path):
		return None
	known = find_denoiser(open_part(path, DENOISERS).shapes)
	return None if known is None else known[0]


def _assembled(sources: list[TensorSource], option: str, among: Sequence[Listening]) -> tuple[Listening, list[Placed]]:
	"""The text encoders of several files, each told by its tensors, for the kind of model that the option names."""
	families = [family for family in among if not option or option in family.text.types]
	if not families:
		kinds = ', '.join(dict.fromkeys(kind for family in LISTENERS for kind in family.text.types))
		raise UnknownFormat(sources[0].path, f'there are no text encoders of type {option!r}; there are: {kinds}')
	best: tuple[Listening, list[Placed]] = families[0], []
	for family in families:
		towers = [placed for source in sources for placed in _towers(family, source)]
		if len({source.path for _, _, source in towers}) == len(sources) and _missing(family, towers) is None:
			return family, towers
		best = max(best, (family, towers), key=lambda one: len(one[1]))
	family, towers = best
	strange = next((source for source in sources if source not in [placed[2] for placed in towers]), None)
	if strange is not None:
		raise UnknownFormat(strange.path, f'it holds no text encoder of {_wanted(families)}')
	_check_whole(family, towers)
	return best


def _wanted(families: Sequence[Listening]) -> str:
	"""Families with the names of their text encoders."""
	named = [f'{one.title} ({", ".join(tower.name for tower in one.text.towers)})' for one in families]
	return ', nor of '.join(dict.fromkeys(named))


def _missing(family: Listening, towers: list[Placed]) -> TowerPart | None:
	there = {tower.name for tower, _, _ in towers}
	return next((tower for tower in family.text.towers if tower.required and tower.name not in there), None)


def _check_whole(family: Listening, towers: list[Placed]) -> None:
	missing = _missing(family, towers)
	if missing is not None:
		path = towers[0][2].path
		raise UnknownFormat(path, f'it holds not all text encoders of {family.title}: {missing.name} is missing')
