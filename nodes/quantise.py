"""Models whose weights are quantised as they are read: recipes, so that nothing is read here."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from engine.declaration import Choice
from engine.errors import BadInput, NotInstalled
from engine.models import AUTO, ModelRef
from engine.spec import node
from nodes.diffusion.precision import ADVICE, LIBRARY, PURPOSE, QUANTISED
from nodes.model_guidance import Model, same
from nodes.values import DiffusionModel

if TYPE_CHECKING:
	from engine.compute import Compute


@node(kind='QuantiseModel', title='Quantise Model', category='advanced/model', lane='cpu', facts=same('MODEL'))
def quantise_model(
	model: Model,
	method: Annotated[
		str,
		Choice(options=tuple(QUANTISED)),
		'int8_weight_only is the most exact; int8_dynamic_activation also computes in int8; float8_weight_only keeps values '
		'of more different sizes.',
	],
) -> ModelRef[DiffusionModel]:
	"""Keep the weights of a model's linear layers in one byte each, which takes half the room of float16 or less.

	LoRAs, before or after this node, are added to the quantised weights; what they change is kept as it is computed.
	"""
	if importlib.util.find_spec(LIBRARY) is None:
		raise NotInstalled(LIBRARY, PURPOSE, ADVICE)
	if model.dtype not in (AUTO, *QUANTISED):
		raise BadInput('model', "a model whose weights are loaded in its own precision ('default')", model.dtype)
	return replace(model, dtype=method)


def add_precisions(compute: Compute) -> None:
	"""Tell the engine's forecast what gives models another precision."""
	compute.precisions['method'] = {method: method for method in QUANTISED}
