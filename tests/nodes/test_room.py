"""Prompts are looked at in as few passes as there is room for, which is told beforehand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from engine.events import NodeText
from engine.graph import Call, Constant, Graph, NodeId
from engine.models import FileDigest, ModelRef
from engine.settings import Settings
from nodes.diffusion.working import denoising_bytes
from nodes.model_guidance import RescaledGuidance
from nodes.room import looked_at
from nodes.steering import BasicGuider, CfgGuider, DualCfgGuider, Guider, PerpNegGuider
from nodes.values import Conditioning, DiffusionModel, Prompt
from tests.nodes.conftest import Bench, link, text_to_image

SIDE = 256
SHAPE = (1, 4, SIDE // 8, SIDE // 8)
MIB = 2**20


def sampled(steps: int = 2, **changes: str) -> Graph:
	"""A latent from the tiny model, saved."""
	calls = dict(text_to_image(side=SIDE, steps=steps).calls)
	del calls[NodeId('decode')]
	calls[NodeId('save')] = Call('SaveLatent', {'samples': link('sample'), 'filename_prefix': Constant('found')})
	for node, name in changes.items():
		inputs = dict(calls[NodeId('sample')].inputs) | {node: link(name)}
		calls[NodeId('sample')] = Call('KSampler', inputs)
	return Graph(calls)


def regions(graph: Graph) -> Graph:
	"""With a second positive prompt."""
	calls = dict(graph.calls)
	calls[NodeId('other')] = Call('CLIPTextEncode', {'text': Constant('a blue square'), 'clip': link('model', 1)})
	both = {'conditioning_1': link('positive'), 'conditioning_2': link('other')}
	calls[NodeId('both')] = Call('ConditioningCombine', both)
	inputs = dict(calls[NodeId('sample')].inputs) | {'positive': link('both')}
	calls[NodeId('sample')] = Call('KSampler', inputs)
	return Graph(calls)


@pytest.fixture
def weights(bench: Bench) -> int:
	"""Bytes of the tiny denoiser."""
	forecast = bench.runner.forecast(text_to_image(), [NodeId('save')])
	return next(node.weights for node in forecast.nodes if node.node == 'sample')


def found(bench: Bench, graph: Graph) -> tuple[Tensor, list[str]]:
	"""The latent that comes of it, and what people are told."""
	outcome = bench.run(graph)
	assert outcome.failure is None
	[path] = bench.settings.output_folder.glob('found*.latent')
	told = [event.text for event in bench.events if isinstance(event, NodeText)]
	return load_file(path)['latent_tensor'], told


class TestPasses:
	@pytest.mark.parametrize(
		('several', 'prompts', 'together'), [(False, 2, 2), (False, 2, 1), (True, 3, 3), (True, 3, 2), (True, 3, 1)]
	)
	def test_by_the_room_there_is(
		self, tmp_path: Path, tiny_models: Path, bench: Bench, weights: int, several: bool, prompts: int, together: int
	) -> None:
		"""With the whole model there; what comes of it is the same, and people are told of more than one pass."""
		graph = regions(sampled()) if several else sampled()
		wanted, _ = found(bench, graph)
		room = weights + denoising_bytes(SHAPE, 'sd1', prompts=together) + MIB // 4
		assert room < weights + denoising_bytes(SHAPE, 'sd1', prompts=together + 1)
		small = Bench(Settings(base=tmp_path / 'small', models=tiny_models, model_bytes=room))
		latent, told = found(small, graph)

		assert float((latent - wanted).norm() / wanted.norm()) < 1e-5
		assert told == (
			[]
			if together == prompts
			else [f'There is not room to look at {prompts} prompts at once: {together} at a time.']
		)
		assert all(resident.room is None for resident in small.runner.models.residents())


SIDES = tuple(Conditioning((Prompt(torch.zeros(1, 1, 1)),)) for _ in range(3))
MODEL = ModelRef[DiffusionModel](FileDigest('a'), 'denoiser')


class TestLookedAt:
	@pytest.mark.parametrize(
		('guider', 'sampler', 'count'),
		[
			(CfgGuider(MODEL, SIDES[0], SIDES[1], 2.0), 'euler', 2),
			(CfgGuider(MODEL, SIDES[0], SIDES[1], 1.0), 'euler', 1),
			(CfgGuider(MODEL, SIDES[0], SIDES[1], 1.0), 'euler_cfg_pp', 2),
			(CfgGuider(MODEL.patched(RescaledGuidance(0.7)), SIDES[0], SIDES[1], 1.0), 'euler', 2),
			(BasicGuider(MODEL, SIDES[0]), 'euler', 1),
			(DualCfgGuider(MODEL, SIDES[0], SIDES[1], SIDES[2], 1.0, 1.0), 'euler', 3),
			(PerpNegGuider(MODEL, SIDES[0], SIDES[1], SIDES[2], 1.0, 1.0), 'euler', 3),
			(Guider(MODEL), 'euler', 0),
		],
	)
	def test_prompts_of_the_sides_that_can_count(self, guider: Guider, sampler: str, count: int) -> None:
		"""The negative one counts with guidance, or with samplers or settings that may look at it in any case."""
		assert len(looked_at(guider, sampler)) == count
