"""Guiders as data ↔ guidance over a model's guesses."""

from __future__ import annotations

from torch import Tensor

from engine.errors import NodeUsage
from nodes.diffusion.guidance import Cfg, DualCfg, Guided, PerpNeg, Sides, TwoModels
from nodes.steering import BasicGuider, CfgGuider, DualCfgGuider, Guider, PerpNegGuider, TwoModelsGuider
from nodes.values import NO_SCENE, DiffusionModel, Scene


def steered(
	guider: Guider,
	model: DiffusionModel,
	latent: Tensor,
	scene: Scene = NO_SCENE,
	places: int | None = None,
	*,
	unwanted: DiffusionModel | None = None,
) -> Guided:
	"""A model steered for a run over latents [batch, channels, …] in its own scale; `places`: see `Sides`.

	`unwanted` is the lease of the guider's other model, if it has one. Raises `NodeUsage`.
	"""
	match guider:
		case TwoModelsGuider() if unwanted is not None:
			both = (guider.positive, guider.negative)
			sides, others = Sides(model, both, latent, scene, places), Sides(unwanted, both, latent, scene, places)
			return TwoModels(sides, others, guider.cfg)
		case CfgGuider():
			return Cfg(Sides(model, (guider.positive, guider.negative), latent, scene, places), guider.cfg)
		case DualCfgGuider():
			sides = Sides(model, (guider.positive, guider.middle, guider.negative), latent, scene, places)
			return DualCfg(sides, guider.cfg, guider.cfg_middle, guider.nested)
		case PerpNegGuider():
			sides = Sides(model, (guider.positive, guider.negative, guider.empty), latent, scene, places)
			return PerpNeg(sides, guider.cfg, guider.negative_scale)
		case BasicGuider():
			return Cfg(Sides(model, (guider.positive,), latent, scene, places), 1.0, negative=False)
		case _:
			raise NodeUsage(f'It is not known how to steer by a {type(guider).__name__}.')
