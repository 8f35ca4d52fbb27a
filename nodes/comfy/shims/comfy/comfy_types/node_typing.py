"""`comfy.comfy_types.node_typing`: the names of socket types, base classes of nodes, and shapes of their mappings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import StrEnum
from typing import Any, ClassVar, Literal, TypedDict

from engine.sockets import joins


class IO(StrEnum):
	"""The names of socket types. As with all types of ComfyUI, `!=` asks whether two do not join."""

	STRING = 'STRING'
	IMAGE = 'IMAGE'
	MASK = 'MASK'
	LATENT = 'LATENT'
	BOOLEAN = 'BOOLEAN'
	INT = 'INT'
	FLOAT = 'FLOAT'
	COMBO = 'COMBO'
	CONDITIONING = 'CONDITIONING'
	SAMPLER = 'SAMPLER'
	SIGMAS = 'SIGMAS'
	GUIDER = 'GUIDER'
	NOISE = 'NOISE'
	CLIP = 'CLIP'
	CONTROL_NET = 'CONTROL_NET'
	VAE = 'VAE'
	MODEL = 'MODEL'
	LORA_MODEL = 'LORA_MODEL'
	LOSS_MAP = 'LOSS_MAP'
	CLIP_VISION = 'CLIP_VISION'
	CLIP_VISION_OUTPUT = 'CLIP_VISION_OUTPUT'
	STYLE_MODEL = 'STYLE_MODEL'
	GLIGEN = 'GLIGEN'
	UPSCALE_MODEL = 'UPSCALE_MODEL'
	AUDIO = 'AUDIO'
	VIDEO = 'VIDEO'
	WEBCAM = 'WEBCAM'
	POINT = 'POINT'
	FACE_ANALYSIS = 'FACE_ANALYSIS'
	BBOX = 'BBOX'
	SEGS = 'SEGS'
	ANY = '*'
	NUMBER = 'FLOAT,INT'
	PRIMITIVE = 'STRING,FLOAT,INT,BOOLEAN'

	def __ne__(self, other: object) -> bool:
		return not isinstance(other, str) or not joins(str.__str__(other), str.__str__(self))


class InputTypeOptions(TypedDict, total=False):
	"""The options of an input; any others pass through."""

	default: Any
	tooltip: str
	lazy: bool
	rawLink: bool
	forceInput: bool
	defaultInput: bool
	min: float
	max: float
	step: float
	round: float
	display: str
	multiline: bool
	placeholder: str
	dynamicPrompts: bool
	label_on: str
	label_off: str
	control_after_generate: bool
	image_upload: bool
	image_folder: Literal['input', 'output', 'temp']
	remote: dict[str, Any]


class HiddenInputTypeDict(TypedDict, total=False):
	"""The hidden inputs under their usual names."""

	node_id: Literal['UNIQUE_ID']
	unique_id: Literal['UNIQUE_ID']
	prompt: Literal['PROMPT']
	extra_pnginfo: Literal['EXTRA_PNGINFO']
	dynprompt: Literal['DYNPROMPT']


class InputTypeDict(TypedDict, total=False):
	"""What `INPUT_TYPES` gives."""

	required: dict[str, tuple[Any, ...]]
	optional: dict[str, tuple[Any, ...]]
	hidden: HiddenInputTypeDict


class FileLocator(TypedDict):
	"""A file below one of the roots."""

	filename: str
	subfolder: str
	type: Literal['input', 'output', 'temp']


class ComfyNodeABC(ABC):
	"""Base of node classes, for those who like their attributes completed."""

	DESCRIPTION: ClassVar[str]
	CATEGORY: ClassVar[str]
	EXPERIMENTAL: ClassVar[bool]
	DEPRECATED: ClassVar[bool]
	RETURN_TYPES: ClassVar[tuple[Any, ...]]
	RETURN_NAMES: ClassVar[tuple[str, ...]]
	OUTPUT_IS_LIST: ClassVar[tuple[bool, ...]]
	INPUT_IS_LIST: ClassVar[bool]
	OUTPUT_NODE: ClassVar[bool]
	OUTPUT_TOOLTIPS: ClassVar[tuple[str, ...]]
	FUNCTION: ClassVar[str]

	@classmethod
	@abstractmethod
	def INPUT_TYPES(cls) -> InputTypeDict:  # noqa: N802 - the name that packs implement
		"""The node's inputs."""


class CheckLazyMixin:
	"""For nodes that need all their lazy inputs after all."""

	def check_lazy_status(self, **inputs: object) -> list[str]:
		"""Everything that is not there yet."""
		return [name for name, value in inputs.items() if value is None or value == (None,)]
