"""How what travels between nodes is copied, told apart and kept: tensors, numpy arrays, pictures, our own values.

Nothing here imports a library to find out whether a value is of it: where the library is not loaded, it is not.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from engine.blob import Array
from engine.codec import Codecs
from engine.tree import Parts
from nodes import grounding_values, steering, text_settings, values, vision_values
from nodes.diffusion.control import settings
from nodes.diffusion.patches import recipes
from nodes.loop import Loop

if TYPE_CHECKING:
	import numpy as np
	from PIL.Image import Image
	from torch import Tensor

VALUES = (
	values.Images,
	values.Mask,
	values.Latent,
	values.Sizes,
	values.Area,
	values.Scope,
	values.ControlUse,
	vision_values.VisionOutput,
	vision_values.Variation,
	grounding_values.Phrase,
	grounding_values.Grounding,
	values.Prompt,
	values.Conditioning,
	steering.Noise,
	steering.Sigmas,
	steering.Sampler,
	steering.BasicGuider,
	steering.CfgGuider,
	steering.DualCfgGuider,
	steering.PerpNegGuider,
)
PATCHES = (recipes.LoraPatch, recipes.MergePatch, settings.UnionKind, settings.DifferencePatch, settings.BlockwisePatch)

TORCH_TYPES = {
	'bool': 'BOOL',
	'uint8': 'U8',
	'int8': 'I8',
	'float8_e4m3fn': 'F8_E4M3',
	'float8_e5m2': 'F8_E5M2',
	'int16': 'I16',
	'uint16': 'U16',
	'float16': 'F16',
	'bfloat16': 'BF16',
	'int32': 'I32',
	'uint32': 'U32',
	'float32': 'F32',
	'int64': 'I64',
	'uint64': 'U64',
	'float64': 'F64',
	'complex64': 'F32',
	'complex128': 'F64',
}
"""Element types by torch's name; complex ones are kept as pairs of reals."""
NUMPY_TYPES = {name: stored for name, stored in TORCH_TYPES.items() if name != 'bfloat16' and '8_' not in name}
PNG_MODES = frozenset({'1', 'L', 'LA', 'RGB', 'RGBA', 'I;16'})
"""Modes of pictures that a PNG gives back as they were."""
RAW_MODES = PNG_MODES | {'I', 'F', 'P', 'CMYK', 'YCbCr', 'HSV', 'LAB', 'RGBX', 'La', 'RGBa'}


def add_codecs(codecs: Codecs) -> None:
	"""Make a kit's codecs understand all of it."""
	for cls in (*VALUES, *PATCHES, text_settings.LastLayer, text_settings.TextPadding, Loop):
		codecs.add_dataclass(cls, cls.__name__)
	codecs.add_handler(TensorHandler())
	codecs.add_handler(ArrayHandler())
	codecs.add_handler(PictureHandler())
	codecs.add_file_form(Png())


class TensorHandler:
	"""Torch tensors. Content is told of plain ones in main memory that ask for no gradient; others are opaque."""

	name = 'tensor'

	def handles(self, value: object) -> bool:
		"""Any tensor."""
		return _is_loaded(value, 'torch', 'Tensor')

	def take_apart(self, value: Tensor) -> Parts | None:
		"""Elements in C order; None for sparse or quantised ones, other devices and subclasses."""
		import torch

		name = str(value.dtype).removeprefix('torch.')
		if (
			type(value) is not torch.Tensor
			or value.layout != torch.strided
			or value.device.type != 'cpu'
			or value.requires_grad
			or name not in TORCH_TYPES
		):
			return None
		flat = value.resolve_conj().resolve_neg().contiguous().reshape(-1)
		shape = tuple(value.shape)
		if name.startswith('complex'):
			flat, shape = torch.view_as_real(flat).reshape(-1), (*shape, 2)
		return Parts(name, (Array(TORCH_TYPES[name], shape, flat.view(torch.uint8).numpy().data),))

	def put_together(self, meta: str, arrays: Sequence[Array]) -> Tensor:
		"""A tensor over the array's memory."""
		import torch

		array = _only(arrays, TORCH_TYPES[meta])
		dtype: torch.dtype = getattr(torch, meta)
		if not len(array.data):
			return torch.empty(array.shape[:-1] if dtype.is_complex else array.shape, dtype=dtype)
		flat = torch.frombuffer(array.data, dtype=torch.uint8)
		if dtype.is_complex:
			return torch.view_as_complex(flat.view(dtype.to_real()).reshape(array.shape))
		return flat.view(dtype).reshape(array.shape)

	def copy(self, value: Tensor) -> Tensor:
		"""A clone."""
		return value.clone()

	def nbytes(self, value: Tensor) -> int:
		"""Bytes of its elements; of a sparse one's, those that are there."""
		import torch

		if value.layout == torch.strided:
			return value.nbytes
		if value.layout == torch.sparse_coo:
			return value._values().nbytes + value._indices().nbytes
		return int(value.values().nbytes)


class ArrayHandler:
	"""Numpy arrays and scalars of numbers and booleans; others, and subclasses, are opaque."""

	name = 'numpy'

	def handles(self, value: object) -> bool:
		"""Any array or numpy scalar."""
		return _is_loaded(value, 'numpy', 'ndarray') or _is_loaded(value, 'numpy', 'generic')

	def take_apart(self, value: np.ndarray[Any, Any] | np.generic) -> Parts | None:
		"""Elements in C order; None for texts, objects, records and foreign byte orders."""
		import numpy as np

		name = value.dtype.name
		scalar = isinstance(value, np.generic)
		if not (scalar or type(value) is np.ndarray) or name not in NUMPY_TYPES or not value.dtype.isnative:
			return None
		flat = np.ascontiguousarray(value).reshape(-1)
		shape = (*value.shape, 2) if name.startswith('complex') else value.shape
		array = Array(NUMPY_TYPES[name], shape, flat.view(np.uint8).data)
		return Parts((name, scalar), (array,))

	def put_together(self, meta: tuple[str, bool], arrays: Sequence[Array]) -> object:
		"""An array over the same memory, or a scalar."""
		import numpy as np

		name, scalar = meta
		array = _only(arrays, NUMPY_TYPES[name])
		shape = array.shape[:-1] if name.startswith('complex') else array.shape
		made: np.ndarray[Any, Any] = np.ndarray(shape, np.dtype(name), array.data)
		return made[()] if scalar else made

	def copy(self, value: np.ndarray[Any, Any] | np.generic) -> object:
		"""A copy with the same strides; of an array of objects, the objects are shared."""
		return value.copy()

	def nbytes(self, value: np.ndarray[Any, Any] | np.generic) -> int:
		"""Bytes of its elements."""
		return value.nbytes


class PictureHandler:
	"""Pillow's pictures, with what they carry in `info`. A picture read from a file counts as one without a file."""

	name = 'picture'

	def handles(self, value: object) -> bool:
		"""Any picture."""
		module = _pillow()
		return module is not None and isinstance(value, module.Image)

	def take_apart(self, value: Image) -> Parts | None:
		"""Pixels, palette and `info`."""
		if value.mode not in RAW_MODES:
			return None
		data = value.tobytes()
		palette = None
		if value.palette is not None:
			palette = (value.palette.mode, bytes(value.getpalette(value.palette.mode) or ()))
		return Parts((value.mode, value.size, palette, dict(value.info)), (Array('U8', (len(data),), data),))

	def put_together(self, meta: tuple[str, tuple[int, int], Any, dict[str, Any]], arrays: Sequence[Array]) -> Image:
		"""The picture again."""
		from PIL import Image

		mode, size, palette, info = meta
		array = _only(arrays, 'U8')
		picture = Image.frombytes(mode, size, bytes(array.data))
		if palette is not None:
			picture.putpalette(palette[1], palette[0])
		picture.info.update(info)
		return picture

	def copy(self, value: Image) -> Image:
		"""A copy with pixels of its own."""
		return value.copy()

	def nbytes(self, value: Image) -> int:
		"""Bytes of its pixels, about, as Pillow holds them: one, four or so each."""
		return value.width * value.height * (1 if value.mode in ('1', 'L', 'P') else 4)


class Png:
	"""A lone picture is kept as a PNG where that gives all of it back."""

	magic = b'\x89PNG\r\n\x1a\n'

	def write(self, value: object) -> bytes | None:
		"""The PNG of a picture that carries nothing but pixels; None for any other value."""
		module = _pillow()
		if (
			module is None
			or not isinstance(value, module.Image)
			or value.mode not in PNG_MODES
			or value.info
			or 0 in value.size
		):
			return None
		file = io.BytesIO()
		value.save(file, 'PNG', compress_level=1)
		return file.getvalue()

	def read(self, data: bytes) -> Image:
		"""The picture."""
		from PIL import Image

		with Image.open(io.BytesIO(data), formats=('PNG',)) as file:
			return file.copy()


def _only(arrays: Sequence[Array], dtype: str) -> Array:
	"""The one array of that type. Raises `ValueError` if it is otherwise."""
	(array,) = arrays
	if array.dtype != dtype:
		raise ValueError(f'an array of {dtype} was expected')
	return array


def _is_loaded(value: object, module: str, name: str) -> bool:
	"""Whether a value is of a class of a library, which may not be imported, or just be being imported elsewhere."""
	found = getattr(sys.modules.get(module), name, None)
	return isinstance(found, type) and isinstance(value, found)


def _pillow() -> ModuleType | None:
	return sys.modules.get('PIL.Image')
