"""Files of textual inversion, in each layout, and what they do to a prompt."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.errors import UnknownFormat
from nodes.diffusion.patches.embeddings import fitting, read_embedding
from nodes.diffusion.text.towers import Towers
from tests import tiny
from tests.nodes.conftest import Bench, text_to_image
from tests.nodes.diffusion.patches.conftest import noise, weights

VECTORS = noise(3, tiny.WIDTH)


class TestFiles:
	"""The same vectors from every kind of file."""

	def test_webui(self, tmp_path: Path) -> None:
		"""AUTOMATIC1111's, with its notes beside."""
		path = tmp_path / 'word.pt'
		torch.save({'string_to_token': {'*': 265}, 'string_to_param': {'*': VECTORS}, 'name': 'word', 'step': 9}, path)

		assert torch.equal(read_embedding(path)[''], VECTORS)

	def test_diffusers(self, tmp_path: Path) -> None:
		"""diffusers', by the word that they were trained for; one vector may stand alone."""
		torch.save({'<word>': VECTORS[0]}, tmp_path / 'learned_embeds.bin')

		assert torch.equal(read_embedding(tmp_path / 'learned_embeds.bin')[''], VECTORS[:1])

	def test_safetensors(self, tmp_path: Path) -> None:
		"""One tensor by any name."""
		save_file({'emb_params': VECTORS.half()}, tmp_path / 'word.safetensors')

		assert torch.allclose(read_embedding(tmp_path / 'word.safetensors')[''], VECTORS, atol=1e-2)

	def test_xl(self, tmp_path: Path) -> None:
		"""One for each of two encoders, and of no other width."""
		wide = noise(3, 2 * tiny.WIDTH)
		save_file({'clip_l': VECTORS, 'clip_g': wide}, tmp_path / 'word.safetensors')
		read = read_embedding(tmp_path / 'word.safetensors')
		own, other = fitting(read, 'clip_l', tiny.WIDTH), fitting(read, 'clip_g', 2 * tiny.WIDTH)

		assert torch.equal(own, VECTORS)
		assert torch.equal(other, wide)
		assert len(fitting(read, 'clip_l', 7)) == 0
		assert len(fitting(read, 't5xxl', tiny.WIDTH)) == 0

	def test_code_is_not_run(self, tmp_path: Path) -> None:
		"""A pickle that wants to run code is refused."""
		path = tmp_path / 'word.pt'
		torch.save({'string_to_param': {'*': VECTORS}, 'path': Path('x')}, path)

		with pytest.raises(UnknownFormat, match='tensors alone'):
			read_embedding(path)

	def test_other_tensors_are_refused(self, tmp_path: Path) -> None:
		"""A convolution is no word."""
		save_file({'x': torch.zeros(1, 2, 3, 3)}, tmp_path / 'x.safetensors')

		with pytest.raises(UnknownFormat, match='vectors of words'):
			read_embedding(tmp_path / 'x.safetensors')


class TestInPrompts:
	"""`embedding:name` stands for vectors."""

	def test_vectors_of_a_word_are_that_word(self, encoder: Towers) -> None:
		"""With the vector of `a` itself, the prompt means what it means with `a`."""
		table = next(tensor for name, tensor in weights(encoder).items() if name.endswith('token_embedding.weight'))
		row = table[tiny.vocabulary()['a</w>']][None]
		said = encoder.with_embeddings(lambda name: {'': row}).encode('embedding:word').prompts[0].embedding

		assert torch.allclose(said, encoder.encode('a').prompts[0].embedding, atol=1e-6)

	def test_file_is_found_and_tells_the_key(self, bench: Bench) -> None:
		"""The node reads the file, and encodes anew when another one takes its place; other prompts are left alone."""
		folder = bench.settings.base / 'embeddings'
		folder.mkdir()
		bench.runner.storage.catalogue.add('embeddings', folder)
		save_file({'emb_params': VECTORS}, folder / 'word.safetensors')
		outcome = bench.run(text_to_image(text='a embedding:word', side=32, steps=1))
		save_file({'emb_params': VECTORS + 1}, folder / 'word.safetensors')
		bench.run(text_to_image(text='a embedding:word', side=32, steps=1))

		assert outcome.failure is None
		assert 'positive' in bench.called
		assert 'negative' not in bench.called

	def test_files_that_cannot_be_read_are_passed_over(self, bench: Bench) -> None:
		"""A link that leads nowhere, and a file that cannot be read, are no matter of other names."""
		folder = bench.settings.base / 'embeddings'
		folder.mkdir()
		bench.runner.storage.catalogue.add('embeddings', folder)
		save_file({'emb_params': VECTORS}, folder / 'word.safetensors')
		(folder / 'gone.pt').symlink_to(folder / 'nowhere.pt')
		(folder / 'broken.pt').symlink_to('/proc/self/mem')
		outcome = bench.run(text_to_image(text='a embedding:word', side=32, steps=1))

		assert outcome.failure is None

	def test_one_of_another_width_is_told_and_left_out(self, encoder: Towers, caplog: pytest.LogCaptureFixture) -> None:
		"""What was trained for another text encoder is no word for this one, and its name neither."""
		given = encoder.with_embeddings(lambda name: {'': noise(3, tiny.WIDTH + 1)})
		with caplog.at_level(logging.WARNING):
			said = given.encode('a embedding:word').prompts[0].embedding

		assert torch.equal(said, encoder.encode('a').prompts[0].embedding)
		assert [record.message for record in caplog.records] == [
			f"The embedding 'word' has no vectors of {tiny.WIDTH} values for {name}; it is left out there."
			for name in encoder.towers
		]

	@pytest.mark.parametrize('text', ['embedding:nowhere', 'embedding:nowhere, bad hands'])
	def test_missing_one_is_told_and_left_out(self, bench: Bench, caplog: pytest.LogCaptureFixture, text: str) -> None:
		"""The job goes on, and it is told once."""
		with caplog.at_level(logging.WARNING):
			outcome = bench.run(text_to_image(text=text, side=32, steps=1))

		assert outcome.failure is None
		assert caplog.text.count('There is no embedding') == 1
		assert "There is no embedding 'nowhere'" in caplog.text

	def test_a_comma_after_a_known_name_is_not_told(self, bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
		"""It is found without."""
		folder = bench.settings.base / 'embeddings'
		folder.mkdir()
		bench.runner.storage.catalogue.add('embeddings', folder)
		save_file({'emb_params': VECTORS}, folder / 'word.safetensors')
		with caplog.at_level(logging.WARNING):
			outcome = bench.run(text_to_image(text='embedding:word, a', side=32, steps=1))

		assert outcome.failure is None
		assert 'There is no embedding' not in caplog.text
