"""Models as folders in diffusers' layout: a part in each subfolder, `model_index.json` beside them. Without torch.

Source: what `save_pretrained` of diffusers and transformers writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from engine.errors import ModelNotFound, UnknownFormat

INDEX = 'model_index.json'
LONGEST_TEXT = 100_000_000

DENOISERS = ('unet', 'transformer')
ENCODERS = ('text_encoder', 'text_encoder_2', 'text_encoder_3')
VAES = ('vae',)

STEMS = ('diffusion_pytorch_model', 'model', 'pytorch_model')
ENDINGS = ('.safetensors', '.fp16.safetensors', '.bf16.safetensors', '.bin', '.fp16.bin')
"""What the weights of a part may be called, the best first."""


def is_model_folder(path: Path) -> bool:
	"""Whether a folder holds a model in parts."""
	try:
		return (path / INDEX).is_file()
	except OSError:  # A name too long, or a folder that may not be looked into.
		return False


def component(folder: Path, names: Sequence[str]) -> Path | None:
	"""The subfolder of the first of these parts that is there."""
	return next((folder / name for name in names if (folder / name).is_dir()), None)


def weights(part: Path) -> tuple[Path, ...]:
	"""The files that make up a part, several if it was saved in pieces. Raises `UnknownFormat`."""
	for stem in STEMS:
		for ending in ENDINGS:
			for index in (part / f'{stem}{ending}.index.json', *_variants(part, stem, ending)):
				if index.is_file():
					return _pieces(index)
			if (part / f'{stem}{ending}').is_file():
				return (part / f'{stem}{ending}',)
	raise UnknownFormat(part, f'it holds no weights, such as {STEMS[0]}{ENDINGS[0]}')


def descriptions(folder: Path) -> dict[str, str]:
	"""The configs of a folder's parts as a single file would tell them in its metadata: `vae_config`, `tokenizer_vocab`."""
	found = {f'{part}_config': folder / part / 'config.json' for part in (*DENOISERS, *ENCODERS, *VAES)}
	found['scheduler_config'] = folder / 'scheduler' / 'scheduler_config.json'
	found['tokenizer_vocab'] = folder / 'tokenizer' / 'vocab.json'
	found['tokenizer_merges'] = folder / 'tokenizer' / 'merges.txt'
	return {name: read_text(path) for name, path in found.items() if path.is_file()}


def files(folder: Path) -> Iterator[Path]:
	"""All files of a model folder, sorted; hidden ones are left out."""
	for path in sorted(folder.rglob('*')):
		if path.is_file() and not any(part.startswith('.') for part in path.relative_to(folder).parts):
			yield path


def read_text(path: Path) -> str:
	"""A config or vocabulary. Raises `UnknownFormat`, or `ModelNotFound` if it is gone."""
	try:
		if path.stat().st_size > LONGEST_TEXT:
			raise UnknownFormat(path, 'it is too long to be a text')
		return path.read_text('utf-8')
	except FileNotFoundError:
		raise ModelNotFound(path.name, str(path.parent)) from None
	except OSError as error:
		raise UnknownFormat(path, error.strerror or str(error)) from error
	except UnicodeDecodeError as error:
		raise UnknownFormat(path, 'it is no text') from error


def _variants(part: Path, stem: str, ending: str) -> tuple[Path, ...]:
	"""How the index of `model.fp16.safetensors` is spelled: `model.safetensors.index.fp16.json`."""
	variant, _, kind = ending.removeprefix('.').rpartition('.')
	return (part / f'{stem}.{kind}.index.{variant}.json',) if variant else ()


def _pieces(index: Path) -> tuple[Path, ...]:
	try:
		told = json.loads(read_text(index))
	except ValueError as error:
		raise UnknownFormat(index, 'it is no JSON') from error
	names = told.get('weight_map') if isinstance(told, Mapping) else None
	if not isinstance(names, Mapping) or not names:
		raise UnknownFormat(index, 'it tells of no weights')
	pieces = tuple(dict.fromkeys(str(name) for name in names.values()))
	strange = next((name for name in pieces if Path(name).name != name), None)
	if strange is not None:
		raise UnknownFormat(index, f'it names a file that is not beside it: {strange!r}')
	missing = [name for name in pieces if not (index.parent / name).is_file()]
	if missing:
		raise UnknownFormat(index, f'of its {len(pieces)} files {len(missing)} are missing: {", ".join(missing[:3])}')
	return tuple(index.parent / name for name in pieces)
