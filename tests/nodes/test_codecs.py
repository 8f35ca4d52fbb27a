import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from engine.codec import Codecs
from nodes.codecs import add_codecs
from nodes.values import Conditioning, Images, Latent, Mask, Prompt


@pytest.fixture
def codecs() -> Codecs:
	"""That know tensors, arrays, pictures and what travels between our nodes."""
	made = Codecs()
	add_codecs(made)
	return made


def back(codecs: Codecs, value: object) -> object:
	"""A value through bytes."""
	blob = codecs.encode(value)
	assert blob is not None
	return codecs.decode(blob.join())


DTYPES = ('float32', 'float16', 'bfloat16', 'float64', 'int64', 'int32', 'uint8', 'bool', 'complex64', 'float8_e4m3fn')


class TestTensors:
	@pytest.mark.parametrize('name', DTYPES)
	def test_every_type(self, codecs: Codecs, name: str) -> None:
		"""Bit for bit, with its shape."""
		dtype: torch.dtype = getattr(torch, name)
		value = torch.arange(6).reshape(2, 3).to(dtype)
		found = back(codecs, value)

		assert isinstance(found, torch.Tensor)
		assert (found.dtype, found.shape) == (dtype, value.shape)
		assert torch.equal(found.view(torch.uint8), value.contiguous().view(torch.uint8))

	@pytest.mark.parametrize('shape', [(), (0,), (3, 0, 2), (1, 1, 1, 1)])
	def test_odd_shapes(self, codecs: Codecs, shape: tuple[int, ...]) -> None:
		"""Scalars and empty ones."""
		found = back(codecs, torch.zeros(shape))

		assert isinstance(found, torch.Tensor)
		assert found.shape == shape

	def test_views(self, codecs: Codecs) -> None:
		"""Elements count, not how they lie: a transposed tensor is equal to its copy."""
		view = torch.arange(12.0).reshape(3, 4).T
		found = back(codecs, view)

		assert isinstance(found, torch.Tensor)
		assert torch.equal(found, view)
		assert codecs.digest(view) == codecs.digest(view.clone())

	def test_digests_see_everything(self, codecs: Codecs) -> None:
		"""One element, the shape, the type."""
		value = torch.zeros(4)
		other = value.clone()
		other[3] = 1e-30

		assert len({codecs.digest(one) for one in (value, other, value.reshape(2, 2), value.half())}) == 4

	def test_a_copy_is_another(self, codecs: Codecs) -> None:
		"""Also of one that was made under inference mode."""
		with torch.inference_mode():
			value = torch.zeros(2)
			copy = codecs.copy(value)
			assert isinstance(copy, torch.Tensor)
			copy.add_(1)

		assert not value.any()

	def test_what_has_no_plain_content(self, codecs: Codecs) -> None:
		"""Parameters and sparse tensors are handed over, not written."""
		for value in (torch.nn.Parameter(torch.zeros(2)), torch.zeros(2, 2).to_sparse()):
			assert codecs.digest(value) is None
			assert codecs.encode(value) is None

	def test_a_library_that_is_just_being_imported(self, codecs: Codecs, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Another lane may import torch at this moment: its module is there, and still empty."""
		monkeypatch.setitem(sys.modules, 'torch', ModuleType('torch'))
		monkeypatch.setitem(sys.modules, 'numpy', ModuleType('numpy'))

		assert codecs.digest(object()) is None


class TestOthers:
	def test_arrays(self, codecs: Codecs) -> None:
		"""Numpy's, and its scalars."""
		array = np.arange(6, dtype=np.int16).reshape(2, 3)
		found = back(codecs, {'a': array, 'b': np.float32(1.5)})

		assert isinstance(found, dict)
		assert np.array_equal(found['a'], array)
		assert found['a'].dtype == np.int16
		assert found['b'] == np.float32(1.5)

	@pytest.mark.parametrize('mode', ['L', 'RGB', 'RGBA', 'I;16', 'F', 'P'])
	def test_pictures(self, codecs: Codecs, mode: str) -> None:
		"""Pixel for pixel; a lone one is a PNG where that can hold it."""
		picture = Image.effect_noise((5, 4), 50).convert('RGB').convert('L' if mode in ('I;16', 'F') else mode)
		picture = picture.convert('I').convert('I;16') if mode == 'I;16' else picture.convert(mode)
		blob = codecs.encode(picture)
		assert blob is not None
		found = codecs.decode(blob.join())

		assert isinstance(found, Image.Image)
		assert (found.mode, found.size, found.tobytes()) == (picture.mode, picture.size, picture.tobytes())
		assert blob.join().startswith(b'\x89PNG') == (mode in ('L', 'RGB', 'RGBA', 'I;16'))

	def test_what_travels_between_nodes(self, codecs: Codecs) -> None:
		"""Pictures, masks, latents and prompts, also inside lists."""
		values = [
			Images(torch.rand(1, 2, 2, 3)),
			Mask(torch.rand(1, 2, 2)),
			Latent(torch.rand(1, 4, 2, 2), torch.ones(1, 2, 2)),
			Conditioning((Prompt(torch.rand(1, 3, 4), torch.rand(1, 4)), Prompt(torch.rand(1, 3, 4)))),
		]
		found = back(codecs, values)

		assert isinstance(found, list)
		assert [type(one) for one in found] == [type(one) for one in values]
		assert codecs.digest(found) == codecs.digest(values)
