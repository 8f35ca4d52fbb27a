"""Control networks: they steer a prompt by a picture, such as edges, depths or poses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, NamedTuple

from engine.declaration import Agreement, Choice, FromFile, FromInput, Number, Source
from engine.models import Load, Loaders, ModelRef, Weights
from engine.spec import Context, node
from nodes.computing import measure_control
from nodes.diffusion.control.settings import POOLED, UNION_KINDS, DifferencePatch, UnionKind
from nodes.load import digest_of
from nodes.values import AutoEncoder, Conditioning, ControlNet, ControlUse, DiffusionModel, Images, Mask

CONTROL = 'controlnet'
POOLED_ENDINGS = ('_shuffle', '_shuffle_fp16')
"""Files of ControlNets whose answers are averaged over the picture; nothing in them but the name tells so."""

Name = Annotated[str, Choice(files_from='models:controlnet'), 'The ControlNet or T2I-Adapter file.']
Net = Annotated[ModelRef[ControlNet], 'The control network.']
Hint = Annotated[Images, 'What to steer by, as the network was trained to read it; any size.']
Strength = Annotated[float, Number(default=1.0, min=0.0, max=10.0, step=0.01), 'How strongly to steer.']
Start = Annotated[float, Number(default=0.0, min=0.0, max=1.0, step=0.001), 'From which part of the way on to steer.']
End = Annotated[float, Number(default=1.0, min=0.0, max=1.0, step=0.001), 'Up to which part of the way to steer.']
Positive = Annotated[Conditioning, 'What the picture should show.']
Negative = Annotated[Conditioning, 'What it should not show.']
BOTH: dict[str, dict[str, Source]] = {side: {'family': FromInput(input=side)} for side in ('positive', 'negative')}
SAME = (Agreement(fact='family', inputs=('positive', 'negative', 'control_net')),)


class Steered(NamedTuple):
	"""Both sides of the guidance, steered."""

	positive: Conditioning
	negative: Conditioning


@node(
	kind='ControlNetLoader',
	title='Load ControlNet Model',
	category='loaders',
	lane='disk',
	facts={'CONTROL_NET': {'family': FromFile(input='control_net_name')}},
	fingerprint=digest_of('controlnet', 'control_net_name'),
)
def load_controlnet(context: Context, control_net_name: Name) -> ModelRef[ControlNet]:
	"""Choose a ControlNet or T2I-Adapter."""
	return _chosen(context, control_net_name)


@node(
	kind='DiffControlNetLoader',
	title='Load ControlNet Model (diff)',
	category='loaders',
	lane='disk',
	facts={'CONTROL_NET': {'family': FromInput(input='model')}},
	fingerprint=digest_of('controlnet', 'control_net_name'),
)
def load_difference(
	context: Context,
	model: Annotated[ModelRef[DiffusionModel], 'The model that the file holds the difference to.'],
	control_net_name: Name,
) -> ModelRef[ControlNet]:
	"""Choose a ControlNet that is kept as a difference to a model; one that is whole is taken as it is."""
	return _chosen(context, control_net_name).patched(DifferencePatch(model.identity))


@node(
	kind='SetUnionControlNetType',
	category='conditioning/controlnet',
	lane='cpu',
	facts={'CONTROL_NET': {'family': FromInput(input='control_net')}},
)
def set_union_type(
	control_net: Net,
	type: Annotated[str, Choice(options=('auto', *UNION_KINDS)), 'What kind of hint it will be shown.'],
) -> ModelRef[ControlNet]:
	"""Tell a ControlNet for several kinds of hints which one it will be shown."""
	return control_net.patched(UnionKind(UNION_KINDS.get(type)))


@node(
	kind='ControlNetApply',
	deprecated=True,
	title='Apply ControlNet (OLD)',
	category='conditioning/controlnet',
	lane='cpu',
	facts={'CONDITIONING': {'family': FromInput(input='conditioning')}},
	agreements=(Agreement(fact='family', inputs=('conditioning', 'control_net')),),
)
def apply_control(
	conditioning: Annotated[Conditioning, 'The prompt to steer.'], control_net: Net, image: Hint, strength: Strength
) -> Conditioning:
	"""Steer a prompt by a picture; a negative prompt without any control is steered alike."""
	return _steered(conditioning, ControlUse(control_net, image.pixels, strength, everywhere=True))


@node(
	kind='ControlNetApplyAdvanced',
	title='Apply ControlNet',
	category='conditioning/controlnet',
	lane='cpu',
	facts=BOTH,
	agreements=SAME,
)
def apply_control_to_both(
	positive: Positive,
	negative: Negative,
	control_net: Net,
	image: Hint,
	strength: Strength,
	start_percent: Start,
	end_percent: End,
	vae: Annotated[ModelRef[AutoEncoder] | None, 'For networks that take latents.'] = None,
) -> Steered:
	"""Steer both prompts by a picture, on a part of the way."""
	use = ControlUse(control_net, image.pixels, strength, start_percent, end_percent, vae)
	return Steered(_steered(positive, use), _steered(negative, use))


@node(
	kind='ControlNetApplySD3',
	deprecated=True,
	title='Apply Controlnet with VAE',
	category='conditioning/controlnet',
	lane='cpu',
	facts=BOTH,
	agreements=SAME,
)
def apply_control_with_vae(
	positive: Positive,
	negative: Negative,
	control_net: Net,
	vae: Annotated[ModelRef[AutoEncoder], 'Encodes the picture for the network.'],
	image: Hint,
	strength: Strength,
	start_percent: Start,
	end_percent: End,
) -> Steered:
	"""Steer both prompts by a picture that the network sees through a VAE."""
	use = ControlUse(control_net, image.pixels, strength, start_percent, end_percent, vae)
	return Steered(_steered(positive, use), _steered(negative, use))


@node(
	kind='ControlNetInpaintingAliMamaApply', category='conditioning/controlnet', lane='cpu', facts=BOTH, agreements=SAME
)
def apply_control_with_mask(
	positive: Positive,
	negative: Negative,
	control_net: Net,
	vae: Annotated[ModelRef[AutoEncoder], 'Encodes the picture for the network.'],
	image: Annotated[Images, 'The picture to fill in; any size.'],
	mask: Annotated[Mask, 'Where to fill in. Networks that do not do so take no notice of it.'],
	strength: Strength,
	start_percent: Start,
	end_percent: End,
) -> Steered:
	"""Steer both prompts by a picture and a mask, for networks that fill in."""
	use = ControlUse(control_net, image.pixels, strength, start_percent, end_percent, vae, mask=mask.values)
	return Steered(_steered(positive, use), _steered(negative, use))


def add_loaders(loaders: Loaders) -> None:
	"""Register the reader of control networks."""
	loaders.add(CONTROL, _load, measure_control)


def _load(load: Load) -> Weights:
	from nodes.diffusion.control.loading import load_control

	return load_control(load)


def _chosen(context: Context, name: str) -> ModelRef[ControlNet]:
	digest = context.catalogue.digest(context.catalogue.path('controlnet', name))
	option = POOLED if Path(name).stem.endswith(POOLED_ENDINGS) else ''
	return ModelRef[ControlNet](digest, CONTROL, option=option)


def _steered(conditioning: Conditioning, use: ControlUse) -> Conditioning:
	"""Every prompt of it, with one more control. Strength 0 changes nothing."""
	if use.strength == 0:
		return conditioning
	return Conditioning(tuple(replace(prompt, controls=(*prompt.controls, use)) for prompt in conditioning.prompts))
