"""Where the vocabularies of text encoders are found that no file of weights brings: beside it, or in a folder of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer

from engine.errors import ModelError, UnknownFormat

TOKENIZER_JSON = 'tokenizer.json'
TEXT_ENCODERS = 'text_encoders'
FOLDERS = ('tokenizer', 'tokenizer_2', 'tokenizer_3')
"""Where pipelines in diffusers' layout keep them, beside the folders of their parts."""


def places(weights: Path, name: str) -> Iterator[Path]:
	"""The folders in which a vocabulary of this name is looked for, given the file (or folder) of its weights.

	For `text_encoders/t5xxl_fp16.safetensors` and the name `t5` these are `text_encoders/t5xxl_fp16` and
	`text_encoders/t5`; for a file in another folder of models, `text_encoders/t5` beside that folder too.
	"""
	around = weights.parent
	if weights.is_dir():
		yield weights
		yield from (weights / folder for folder in FOLDERS)
	else:
		yield weights.with_suffix('')
		yield around / name
	yield from (around / folder for folder in FOLDERS)
	yield from (around.parent / folder for folder in FOLDERS)
	yield around.parent / TEXT_ENCODERS / name


def find_file(weights: Path, name: str, *files: str) -> Path | None:
	"""The first of these files that is in one of the `places`."""
	candidates = (place / file for place in places(weights, name) for file in files)
	return next((path for path in candidates if path.is_file()), None)


def find_json(weights: Path, name: str, model: str) -> Tokenizer | None:
	"""The tokenizer of a `tokenizer.json` in one of the `places` whose model is of this type (`BPE`, `Unigram`).

	Raises `UnknownFormat` for a file that is none.
	"""
	for place in places(weights, name):
		path = place / TOKENIZER_JSON
		if path.is_file() and (found := _read(path, model)) is not None:
			return found
	return None


def from_text(text: str, path: Path) -> Tokenizer:
	"""A tokenizer from the text of a `tokenizer.json`. Raises `UnknownFormat`."""
	try:
		tokenizer: Tokenizer = Tokenizer.from_str(text)
	except Exception as error:  # the library raises nothing narrower
		raise UnknownFormat(path, f'its tokenizer cannot be read ({error})') from error
	return tokenizer


def missing(title: str, weights: Path, name: str, *files: str) -> ModelError:
	"""What to say where a vocabulary is nowhere."""
	around = weights if weights.is_dir() else weights.with_suffix('')
	return ModelError(
		f'The tokenizer of {title} is missing: {weights.name} does not bring it. '
		f'Put its {" or ".join(files)} into {around} or into models/{TEXT_ENCODERS}/{name}.'
	)


def _read(path: Path, model: str) -> Tokenizer | None:
	text = path.read_text(encoding='utf-8')
	try:
		kind = json.loads(text)['model']['type']
	except (ValueError, KeyError, TypeError) as error:
		raise UnknownFormat(path, f'it is no tokenizer ({error})') from error
	return from_text(text, path) if kind == model else None
