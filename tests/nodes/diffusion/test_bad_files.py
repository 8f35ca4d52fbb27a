"""Model files that cannot be used: each is refused with a sentence, and no memory is kept."""

from __future__ import annotations

import gc
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from gguf import GGMLQuantizationType
from safetensors.torch import save_file
from torch import Tensor

from engine.catalogue import sampled_digest
from engine.errors import ModelError, ModelNotFound
from engine.models import FileDigest, Load, Loaders, ModelRef
from engine.modelstore import ModelStore
from nodes.diffusion.checkpoint import load_autoencoder, load_denoiser, load_text_encoder
from nodes.diffusion.files import open_source
from nodes.load import AUTOENCODER, DENOISER, TEXT, add_loaders
from tests import tiny
from tests.nodes.diffusion.gguf_files import write_gguf

UNET = 'model.diffusion_model.input_blocks.0.0.weight'
MEMORY = 2**20


def safetensors(path: Path, tensors: dict[str, Tensor]) -> None:
	save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata=tiny.metadata())


def cut(path: Path, kept: float = 0.5) -> None:
	path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])


def header(path: Path, text: bytes, length: int | None = None) -> None:
	path.write_bytes(struct.pack('<Q', len(text) if length is None else length) + text)


def truncated(path: Path) -> None:
	safetensors(path, tiny.tensors())
	cut(path)


def truncated_header(path: Path) -> None:
	safetensors(path, tiny.tensors())
	cut(path, 0.001)


def scrambled(path: Path) -> None:
	safetensors(path, tiny.tensors())
	content = bytearray(path.read_bytes())
	content[8:2000] = bytes(255 - byte for byte in content[8:2000])
	path.write_bytes(content)


def wrong_dtype(path: Path) -> None:
	tensors = tiny.tensors()
	safetensors(path, tensors | {UNET: torch.zeros(tensors[UNET].shape, dtype=torch.complex64)})


def lying_dtype(path: Path) -> None:
	text = json.dumps({UNET: {'dtype': 'F32', 'shape': [8, 4, 3, 3], 'data_offsets': [0, 100]}}).encode()
	path.write_bytes(struct.pack('<Q', len(text)) + text + bytes(100))


def other_shape(path: Path) -> None:
	safetensors(path, tiny.tensors() | {'model.diffusion_model.time_embed.0.bias': torch.zeros(5)})


def truncated_gguf(path: Path) -> None:
	write_gguf(path, tiny.tensors(), 'sd1')
	cut(path)


def random_gguf(path: Path) -> None:
	path.write_bytes(b'GGUF' + struct.pack('<I', 3) + bytes(range(256)) * 40)


def quantised_norm(path: Path) -> None:
	write_gguf(path, {'a.weight': torch.zeros(4, 64)}, 'flux', {'a.weight': GGMLQuantizationType.Q8_0})


def truncated_pickle(path: Path) -> None:
	torch.save(tiny.tensors(), path)
	cut(path)


def code(path: Path) -> None:
	torch.save({'state_dict': tiny.tensors(), 'callback': os.getcwd}, path)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
	'empty': (lambda path: path.write_bytes(b''), 'it is empty'),
	'text': (lambda path: path.write_text('<html>Access denied</html>'), 'not a safetensors file'),
	'folder': (Path.mkdir, 'Is a directory'),
	'truncated': (truncated, 'not complete'),
	'truncated header': (truncated_header, 'its beginning is damaged'),
	'scrambled': (scrambled, 'its beginning is damaged'),
	'huge header': (lambda path: header(path, b'{}', 2**62), 'its beginning is damaged'),
	'deep header': (lambda path: header(path, b'[' * 100_000), 'its beginning is damaged'),
	'no header': (lambda path: header(path, b'[]'), 'its beginning is damaged'),
	'wrong dtype': (wrong_dtype, 'is of type C64, which cannot be read'),
	'lying dtype': (lying_dtype, 'a length that its shape does not have'),
	'other shape': (other_shape, 'has other shapes in 1 tensors'),
	'another family': (
		lambda path: safetensors(path, {'lora_unet_x.lora_down.weight': torch.zeros(2, 2)}),
		'it looks like a LoRA',
	),
	'nothing known': (lambda path: safetensors(path, {'x': torch.zeros(2)}), 'none of its 1 tensors has a known name'),
	'truncated gguf': (truncated_gguf, 'not complete'),
	'random gguf': (random_gguf, 'not complete, or damaged'),
	'another family in gguf': (quantised_norm, 'none of its 1 tensors has a known name'),
	'truncated pickle': (truncated_pickle, 'the directory at its end is missing'),
	'code': (code, 'would run code of its own'),
}


def resident() -> int:
	"""Bytes of this process in memory."""
	pages = int(Path('/proc/self/statm').read_text().split()[1])
	return pages * os.sysconf('SC_PAGE_SIZE')


class TestBadFiles:
	@pytest.mark.parametrize('kind', BAD)
	def test_each_is_refused_with_its_name_and_a_reason(self, kind: str, tmp_path: Path) -> None:
		"""By the loader of every part that the fault concerns, as the `ModelError` that users see."""
		write, reason = BAD[kind]
		path = tmp_path / 'bad.safetensors'
		write(path)

		with pytest.raises(ModelError, match=reason) as caught:
			load_denoiser(Load((path,), DENOISER))

		assert str(path) in str(caught.value)

	@pytest.mark.parametrize('load', [load_denoiser, load_text_encoder, load_autoencoder])
	@pytest.mark.parametrize('kind', ['empty', 'truncated', 'random gguf', 'truncated pickle', 'code', 'nothing known'])
	def test_no_part_is_found_in_them(self, kind: str, load: Callable[[Load], object], tmp_path: Path) -> None:
		"""Whichever is asked for."""
		path = tmp_path / 'bad.safetensors'
		BAD[kind][0](path)

		with pytest.raises(ModelError):
			load(Load((path,), 'any'))

	def test_files_that_are_gone_are_not_found(self, tmp_path: Path) -> None:
		"""Which is another error."""
		with pytest.raises(ModelNotFound):
			open_source(tmp_path / 'absent.safetensors')

	@pytest.mark.skipif(os.geteuid() == 0, reason='root may read everything')
	def test_files_that_may_not_be_read_are_told(self, tmp_path: Path) -> None:
		"""With what the system says."""
		path = tmp_path / 'bad.safetensors'
		safetensors(path, tiny.tensors())
		path.chmod(0)

		with pytest.raises(ModelError, match=r'bad\.safetensors.*Permission denied'):
			open_source(path)


class TestNothingIsKept:
	SIDE = 2048

	def large(self, path: Path, *, whole: bool) -> Path:
		"""A UNet with 64 MiB in a tensor that it does not have, or in one that is cut off."""
		large = {'model.diffusion_model.out.9.weight': torch.zeros(4 * self.SIDE, self.SIDE)}
		safetensors(path, tiny.tensors() | large)
		if not whole:
			cut(path, 0.9)
		return path

	@pytest.mark.skipif(not Path('/proc/self/statm').exists(), reason='memory is read from /proc')
	@pytest.mark.parametrize('whole', [True, False])
	def test_a_refused_file_takes_no_memory(self, whole: bool, tmp_path: Path) -> None:
		"""However large it is: it is refused by its header, again and again."""
		path = self.large(tmp_path / 'bad.safetensors', whole=whole)
		for _ in range(3):  # what is imported and built once
			with pytest.raises(ModelError):
				load_denoiser(Load((path,), DENOISER))
		gc.collect()
		before = resident()

		for _ in range(5):
			with pytest.raises(ModelError):
				load_denoiser(Load((path,), DENOISER))
		gc.collect()

		assert resident() - before < 16 * MEMORY

	def test_the_store_is_as_before(self, tmp_path: Path) -> None:
		"""A model that cannot be loaded leaves no resident, and can be loaded when the file is good."""
		path = tmp_path / 'model.safetensors'
		truncated(path)
		loaders = Loaders()
		add_loaders(loaders)
		store = ModelStore(loaders, lambda digest: path, budget=2**30)

		for part in (DENOISER, TEXT, AUTOENCODER):
			ref: ModelRef[object] = ModelRef(FileDigest('bad'), part)
			with pytest.raises(ModelError, match='not complete'), store.use(ref):
				pass

			assert store.residents() == ()

		tiny.save_checkpoint(path)
		good: ModelRef[object] = ModelRef(sampled_digest(path, path.stat().st_size), AUTOENCODER)
		with store.use(good):
			assert len(store.residents()) == 1
