"""Hypernetworks: small networks beside a UNet's attention, the forerunners of LoRA."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any

from engine.declaration import Choice, Number
from engine.models import FileDigest, Load, Loaders, ModelRef, Setting, Use, Weights
from engine.spec import Context, node
from nodes.computing import measure_whole
from nodes.load import digest_of
from nodes.model_guidance import Model, same
from nodes.values import DiffusionModel

HYPERNETWORK = 'hypernetwork'


@dataclass(frozen=True)
class HypernetworkUse(Setting):
	"""See `nodes.diffusion.hypernetwork`."""

	file: FileDigest
	strength: float

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`. Raises `NodeUsage` if the model is no UNet."""
		from nodes.diffusion.altered import Altered, part_of

		part_of(model.network.module, 'mid_block')
		attach = use(ModelRef[Any](self.file, HYPERNETWORK)).attach(self.strength)
		return replace(model, network=Altered(model.network, attach))


SETTINGS = (HypernetworkUse,)


@node(
	kind='HypernetworkLoader',
	category='loaders',
	lane='disk',
	facts=same('MODEL'),
	fingerprint=digest_of('hypernetworks', 'hypernetwork_name'),
)
def load_hypernetwork(
	context: Context,
	model: Model,
	hypernetwork_name: Annotated[str, Choice(files_from='models:hypernetworks'), 'The hypernetwork file.'],
	strength: Annotated[float, Number(default=1.0, min=-10.0, max=10.0, step=0.01), 'How strongly it acts.'],
) -> ModelRef[DiffusionModel]:
	"""Change what a UNet's attention hears by a hypernetwork."""
	digest = context.catalogue.digest(context.catalogue.path('hypernetworks', hypernetwork_name))
	return model.patched(HypernetworkUse(digest, strength)) if strength else model


def add_loaders(loaders: Loaders) -> None:
	"""Register the reader of hypernetworks."""
	loaders.add(HYPERNETWORK, _load, measure_whole)


def _load(load: Load) -> Weights:
	from nodes.diffusion.hypernetwork import load_hypernetwork

	return load_hypernetwork(load)
