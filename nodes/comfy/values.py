"""Values at the border: Lumengraph's own classes ↔ the tensors, dicts and lists that ComfyUI's nodes pass.

IMAGE is a float tensor [batch, height, width, channels], MASK one of [batch, height, width]. LATENT is a dict with
`samples` and perhaps `noise_mask` [batch, 1, height, width] and `batch_index` (a list); CONDITIONING see `conditioning`.
Keys that ours do not know are kept, so that a value comes back as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.flow import Skip
from engine.graph import Link
from nodes.comfy import conditioning
from nodes.comfy.conditioning import is_tensor
from nodes.comfy.shims.comfy_execution.graph import ExecutionBlocker
from nodes.values import Conditioning, Images, Latent, Mask


@dataclass(frozen=True, eq=False)
class ForeignLatent(Latent):
	"""A latent with the further keys of its dict."""

	extras: Mapping[str, object] = field(default_factory=dict)


def to_foreign(value: object) -> object:
	"""What a foreign node is handed: native values in ComfyUI's form, also those in lists; a `Link` as [id, output]."""
	match value:
		case Images():
			return value.pixels
		case Mask():
			return value.values
		case Latent():
			return _latent_dict(value)
		case Conditioning():
			return [conditioning.entry(prompt) for prompt in value.prompts]
		case Link():
			return [value.node, value.output]
		case Skip():
			return ExecutionBlocker(value.message)
		case list():
			return [to_foreign(item) for item in value]
		case _:
			return value


def to_native(value: object, type_name: str) -> object:
	"""A foreign node's output as the native value of its declared type, where there is one; else as it is."""
	if isinstance(value, ExecutionBlocker):
		return Skip(value.message)
	convert = NATIVE.get(type_name)
	return value if convert is None else convert(value)


def native_image(value: object) -> object:
	"""A tensor [batch, height, width, channels], or without the batch, as `Images`."""
	if is_tensor(value) and value.ndim in (3, 4):
		return Images(value if value.ndim == 4 else value.unsqueeze(0))
	return value


def native_mask(value: object) -> object:
	"""A tensor [batch, height, width], or without the batch, as `Mask`."""
	if is_tensor(value) and value.ndim in (2, 3):
		return Mask(value if value.ndim == 3 else value.unsqueeze(0))
	return value


def native_latent(value: object) -> object:
	"""A dict with `samples` as `Latent`."""
	if not isinstance(value, dict) or not is_tensor(value.get('samples')):
		return value
	mask = value.get('noise_mask')
	index = _batch_index(value.get('batch_index'))
	known = {'samples', 'noise_mask'} if index is None else {'samples', 'noise_mask', 'batch_index'}
	extras = {key: item for key, item in value.items() if key not in known}
	noise_mask = mask.reshape(-1, *mask.shape[-2:]) if is_tensor(mask) and mask.ndim >= 2 else None
	if extras:
		return ForeignLatent(value['samples'], noise_mask, index, extras)
	return Latent(value['samples'], noise_mask, index)


def _batch_index(value: object) -> tuple[int, ...] | None:
	if not isinstance(value, list | tuple) or not all(isinstance(item, int) for item in value):
		return None
	return tuple(value)


def native_conditioning(value: object) -> object:
	"""A list of [tensor, dict] as `Conditioning`."""
	if not isinstance(value, list | tuple) or not all(_is_entry(entry) for entry in value):
		return value
	return Conditioning(tuple(conditioning.prompt(entry[0], entry[1]) for entry in value))


NATIVE: dict[str, Callable[[object], object]] = {
	'IMAGE': native_image,
	'MASK': native_mask,
	'LATENT': native_latent,
	'CONDITIONING': native_conditioning,
}
"""Socket name → the call that gives the native value; one that is native already, or of another form, stays as it is."""


def _latent_dict(latent: Latent) -> dict[str, object]:
	found: dict[str, object] = {'samples': latent.samples}
	if latent.noise_mask is not None:
		found['noise_mask'] = latent.noise_mask.reshape(-1, 1, *latent.noise_mask.shape[-2:])
	if latent.batch_index is not None:
		found['batch_index'] = list(latent.batch_index)
	if isinstance(latent, ForeignLatent):
		found.update(latent.extras)
	return found


def _is_entry(entry: object) -> bool:
	return isinstance(entry, list | tuple) and len(entry) == 2 and is_tensor(entry[0]) and isinstance(entry[1], Mapping)
