"""Latents in and out of files."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from engine.context import Context
from engine.errors import BadInput, FileMissing, UnknownFormat
from engine.settings import Settings
from engine.storage import Storage
from nodes.latent_file import file_digest, load, save
from nodes.values import Latent


class TestSave:
	def test_there_and_back(self, context: Context, settings: Settings) -> None:
		"""Value by value, with the workflow in the file; it is shown as a latent."""
		latent = Latent(torch.randn(2, 4, 3, 5))
		assert save(context, latent, 'latents/a') is latent
		path = settings.output_folder / 'latents' / 'a_00001_.latent'
		path.rename(settings.input_folder / 'a.latent')
		with safe_open(settings.input_folder / 'a.latent', 'pt') as file:
			metadata = file.metadata()

		assert torch.equal(load(context, 'a.latent').samples, latent.samples)
		assert json.loads(metadata['prompt']) == context.job.prompt
		assert context.ui is not None
		assert [file.filename for file in context.ui.files] == ['a_00001_.latent']

	def test_it_is_listed(self, context: Context, settings: Settings) -> None:
		"""Among the latents of the input folder, not among its pictures."""
		save(context, Latent(torch.zeros(1, 4, 2, 2)), 'a')
		(settings.output_folder / 'a_00001_.latent').rename(settings.input_folder / 'a.latent')

		assert context.files.names('input', 'latent') == ('a.latent',)
		assert context.files.names('input', 'image') == ()


class TestLoad:
	def test_old_files_are_scaled(self, context: Context, settings: Settings) -> None:
		"""Without a version they are in Stable Diffusion's scale."""
		save_file({'latent_tensor': torch.full((1, 4, 2, 2), 0.18215)}, settings.input_folder / 'old.latent')

		assert torch.allclose(load(context, 'old.latent').samples, torch.ones(1, 4, 2, 2))

	def test_a_single_frame_is_a_picture(self, context: Context, settings: Settings) -> None:
		"""ComfyUI saves those of Qwen-Image with a dimension for frames; several of them are a video."""
		for name, frames in (('one', 1), ('many', 3)):
			tensors = {'latent_tensor': torch.ones(2, 16, frames, 3, 4), 'latent_format_version_0': torch.zeros(0)}
			save_file(tensors, settings.input_folder / f'{name}.latent')

		assert torch.equal(load(context, 'one.latent').samples, torch.ones(2, 16, 3, 4))
		with pytest.raises(BadInput, match=r"'latent': expected latents of pictures.*\[2, 16, 3, 3, 4\]"):
			load(context, 'many.latent')

	def test_other_files_are_refused(self, context: Context, settings: Settings) -> None:
		"""By name: no safetensors, no latent in it, not there."""
		(settings.input_folder / 'text.latent').write_text('no latent')
		save_file({'weights': torch.zeros(1)}, settings.input_folder / 'model.latent')
		for name in ('text.latent', 'model.latent'):
			with pytest.raises(UnknownFormat, match=f'{name} cannot be read as a latent'):
				load(context, name)
		with pytest.raises(FileMissing):
			load(context, 'gone.latent')

	def test_fingerprint_follows_the_content(self, context: Context, settings: Settings) -> None:
		"""Another latent under the same name is another fingerprint."""
		found = []
		for value in (0.0, 1.0, 0.0):
			save_file({'latent_tensor': torch.full((1,), value)}, settings.input_folder / 'a.latent')
			found.append(file_digest(Storage.of(settings), {'latent': 'a.latent'}))

		assert found[0] == found[2] != found[1]
