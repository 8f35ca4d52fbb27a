"""Packs of nodes that were written for ComfyUI: found, imported under its names, and run as nodes of this engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
	from engine.plugins import Kit


def register(kit: Kit) -> None:
	"""Let a kit open such packs, and take over their values."""
	from nodes.comfy import conditioning, importer, values

	kit.openers.append(importer.open_pack)
	kit.preparers.append(importer.prepare_pack)
	kit.adapt.update(values.NATIVE)
	for cls in (values.ForeignLatent, conditioning.ForeignPrompt):
		kit.codecs.add_dataclass(cls, cls.__name__)
