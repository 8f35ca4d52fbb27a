"""IP-Adapters: pictures as prompts of a UNet. A setting on the model's recipe; no weights of the model change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any

from engine.declaration import Choice, Number
from engine.models import Load, Loaders, ModelRef, Setting, Use, Weights
from engine.spec import Context, node
from nodes.computing import measure
from nodes.load import digest_of
from nodes.model_guidance import Model, same
from nodes.values import DiffusionModel, Images
from nodes.vision_values import ClipVision, PictureAdapter, VisionOutput

IP_ADAPTER = 'ip_adapter'
FOLDER = 'ipadapter'


@dataclass(frozen=True, eq=False)
class PicturePrompt(Setting):
	"""Pictures that the model hears through an IP-Adapter, from a part `start` of the way to `end`.

	`blank` is what the encoder says of no picture in particular: what the unwanted side hears.
	"""

	adapter: ModelRef[PictureAdapter]
	shown: VisionOutput
	blank: VisionOutput
	weight: float
	start: float
	end: float

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`; the adapter is leased as long as the model is."""
		from nodes.diffusion.ip_adapter import levels

		told = levels(model.parametrisation, self.start, self.end)
		network = use(self.adapter).on(model.network, self.shown, self.blank, self.weight, told)
		return replace(model, network=network)


@node(
	kind='LoadIPAdapter',
	title='Load IP-Adapter',
	category='loaders',
	lane='disk',
	fingerprint=digest_of(FOLDER, 'ip_adapter_name'),
)
def load_adapter(
	context: Context,
	ip_adapter_name: Annotated[str, Choice(files_from=f'models:{FOLDER}'), 'The IP-Adapter file.'],
) -> ModelRef[PictureAdapter]:
	"""Choose an IP-Adapter of Stable Diffusion 1 or XL: plain, plus, or full face."""
	return ModelRef(context.catalogue.digest(context.catalogue.path(FOLDER, ip_adapter_name)), IP_ADAPTER)


@node(kind='ApplyIPAdapter', title='Apply IP-Adapter', category='model_patches/unet', facts=same('MODEL'))
def apply_adapter(
	context: Context,
	model: Model,
	ip_adapter: Annotated[ModelRef[PictureAdapter], 'The IP-Adapter that belongs to the model.'],
	clip_vision: Annotated[ModelRef[ClipVision], 'The vision encoder that the adapter was made for.'],
	image: Annotated[Images, 'The pictures to hear, all together.'],
	weight: Annotated[float, Number(default=1.0, min=-1.0, max=5.0, step=0.05), 'How strongly they are heard.'],
	start_percent: Annotated[float, Number(default=0.0, min=0.0, max=1.0, step=0.001), 'From this part of the way.'],
	end_percent: Annotated[float, Number(default=1.0, min=0.0, max=1.0, step=0.001), 'To this part of the way.'],
) -> ModelRef[DiffusionModel]:
	"""Let a model hear pictures beside the text. Weight 0 changes nothing."""
	if weight == 0:
		return model
	from nodes.diffusion.working import seeing_bytes

	with context.models.use(clip_vision, working_bytes=seeing_bytes(len(image.pixels))) as encoder:
		shown, blank = encoder.encode(image), encoder.blank()
	return model.patched(PicturePrompt(ip_adapter, shown, blank, weight, start_percent, end_percent))


def add_loaders(loaders: Loaders) -> None:
	"""Register the reader of IP-Adapters."""
	loaders.add(IP_ADAPTER, _load, measure)


def _load(load: Load) -> Weights:
	from nodes.diffusion.ip_adapter import load_ip_adapter

	return load_ip_adapter(load)
