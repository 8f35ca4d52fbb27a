"""What travels of encoded pictures: what encoders say of them, and the networks that make something of that.

Importing this module imports no torch: tensors are named only for the type checker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from engine.sockets import socket
from nodes.values import Images

if TYPE_CHECKING:
	from torch import Tensor


@socket('CLIP_VISION_OUTPUT')
@dataclass(frozen=True, eq=False)
class VisionOutput:
	"""What an encoder of pictures says of some: `last` [batch, tokens, width] is its last layer, `penultimate` the one before.

	`embeds` [batch, width] is one projected vector of each whole picture; SigLIP, which has none, gives its last layer there.
	"""

	last: Tensor
	penultimate: Tensor
	embeds: Tensor


@dataclass(frozen=True, eq=False)
class Variation:
	"""A picture that is to be varied (unCLIP): how strongly, and how much noise, 0 to 1, its embedding gets."""

	seen: VisionOutput
	strength: float = 1.0
	noise: float = 0.0


@socket('CLIP_VISION')
class ClipVision(Protocol):
	"""A network that encodes pictures for models which hear them."""

	@property
	def nbytes(self) -> int: ...

	def encode(self, images: Images, *, crop: bool = True) -> VisionOutput:
		"""Each picture, scaled to the side that the network looks at: its middle, or with `crop` off all of it, squeezed."""
		...

	def blank(self) -> VisionOutput:
		"""What it says of a picture that is the mean of all: of none in particular."""
		...


@socket('STYLE_MODEL')
class StyleModel(Protocol):
	"""A network that puts what was seen into words for a text-to-picture model."""

	@property
	def nbytes(self) -> int: ...

	def tokens(self, seen: VisionOutput) -> Tensor:
		"""What to say of the pictures, [batch, tokens, width], as if it were encoded text."""
		...


@socket('IP_ADAPTER')
class PictureAdapter(Protocol):
	"""A network that lets the attention of a UNet hear pictures beside the text (IP-Adapter)."""

	@property
	def nbytes(self) -> int: ...

	def on(self, network: Any, shown: VisionOutput, blank: VisionOutput, weight: float, levels: Any) -> Any:
		"""The network with ears for the pictures; `blank` is what its encoder says of none in particular."""
		...
