"""Nodes around sampling: that they agree with each other, and that what they make is right."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from engine.cancel import CancelToken
from engine.context import Context, JobInfo
from engine.errors import BadInput, NodeUsage
from engine.graph import Call, Graph, Link, NodeId
from engine.models import FileDigest, ModelRef
from nodes import conditioning, guide, model_sampling, sigmas
from nodes.diffusion.continuous import Consistency, Continuous
from nodes.diffusion.parametrisation import Discrete, Flow
from nodes.diffusion.schedules import SCHEDULES
from nodes.load import load_checkpoint
from nodes.steering import Noise, Sigmas
from nodes.values import Area, Conditioning, Mask, Prompt
from tests.nodes.conftest import Bench, link, make_graph

REF: ModelRef[Any] = ModelRef(FileDigest('x'), 'denoiser')
STEPS, SEED = 4, 7


def latent_of(bench: Bench, graph: Graph) -> Tensor:
	"""The picture that a graph saves, as numbers."""
	from PIL import Image

	outcome = bench.run(graph)
	assert outcome.state == 'succeeded', outcome
	(path,) = bench.pictures()
	with Image.open(path) as picture:
		return torch.tensor(list(picture.convert('RGB').tobytes()))


def tiny_model(bench: Bench) -> tuple[Context, ModelRef[Any]]:
	"""A context that leases the bench's models, and the tiny one."""
	runner = bench.runner
	context = Context(
		JobInfo('job'),
		'node',
		models=runner.models,
		storage=runner.storage,
		cancel=CancelToken(),
		publish=lambda event: None,
	)
	return context, load_checkpoint(context, 'tiny.safetensors').MODEL


def around(sample: tuple[str, dict[str, Link | str | int | float]], **more: Any) -> Graph:
	"""A graph with a sampling node in the middle."""
	return make_graph(
		model=('CheckpointLoaderSimple', {'ckpt_name': 'tiny.safetensors'}),
		positive=('CLIPTextEncode', {'text': 'a red cat', 'clip': link('model', 1)}),
		negative=('CLIPTextEncode', {'text': 'dog', 'clip': link('model', 1)}),
		latent=('EmptyLatentImage', {'width': 64, 'height': 64, 'batch_size': 1}),
		sample=sample,
		decode=('VAEDecode', {'samples': link('sample'), 'vae': link('model', 2)}),
		save=('SaveImage', {'images': link('decode'), 'filename_prefix': 'x'}),
		**more,
	)


def advanced(latent: str, **changes: str | int) -> tuple[str, dict[str, Any]]:
	inputs: dict[str, Any] = {
		'model': link('model'),
		'add_noise': 'enable',
		'noise_seed': SEED,
		'steps': STEPS,
		'cfg': 2.0,
		'sampler_name': 'dpmpp_2m_sde',
		'scheduler': 'karras',
		'positive': link('positive'),
		'negative': link('negative'),
		'latent_image': link(latent),
		'start_at_step': 0,
		'end_at_step': 10000,
		'return_with_leftover_noise': 'disable',
	}
	return 'KSamplerAdvanced', inputs | changes


PLAIN = around(
	(
		'KSampler',
		{
			'model': link('model'),
			'seed': SEED,
			'steps': STEPS,
			'cfg': 2.0,
			'sampler_name': 'dpmpp_2m_sde',
			'scheduler': 'karras',
			'positive': link('positive'),
			'negative': link('negative'),
			'latent_image': link('latent'),
			'denoise': 1.0,
		},
	)
)


class TestSamplingNodes:
	def test_all_ways_to_the_same_settings_give_the_same_picture(self, bench: Bench) -> None:
		"""KSampler, KSamplerAdvanced, SamplerCustom and SamplerCustomAdvanced, to the last bit."""
		parts: dict[str, Any] = {
			'sampler': ('KSamplerSelect', {'sampler_name': 'dpmpp_2m_sde'}),
			'levels': (
				'BasicScheduler',
				{'model': link('model'), 'scheduler': 'karras', 'steps': STEPS, 'denoise': 1.0},
			),
		}
		custom = around(
			(
				'SamplerCustom',
				{
					'model': link('model'),
					'add_noise': True,
					'noise_seed': SEED,
					'cfg': 2.0,
					'positive': link('positive'),
					'negative': link('negative'),
					'sampler': link('sampler'),
					'sigmas': link('levels'),
					'latent_image': link('latent'),
				},
			),
			**parts,
		)
		free = around(
			(
				'SamplerCustomAdvanced',
				{
					'noise': link('noise'),
					'guider': link('guider'),
					'sampler': link('sampler'),
					'sigmas': link('levels'),
					'latent_image': link('latent'),
				},
			),
			noise=('RandomNoise', {'noise_seed': SEED}),
			guider=(
				'CFGGuider',
				{'model': link('model'), 'positive': link('positive'), 'negative': link('negative'), 'cfg': 2.0},
			),
			**parts,
		)
		wanted = latent_of(bench, PLAIN)

		for graph in (around(advanced('latent')), custom, free):
			assert torch.equal(latent_of(bench, graph), wanted)

	def test_two_samplers_share_a_schedule(self, bench: Bench) -> None:
		"""Euler in two halves is Euler in one, if the first keeps its noise and the second adds none."""
		whole = around(advanced('latent', sampler_name='euler'))
		first = advanced('latent', sampler_name='euler', end_at_step=2, return_with_leftover_noise='enable')
		second = advanced('first', sampler_name='euler', start_at_step=2, add_noise='disable')

		assert torch.equal(latent_of(bench, around(second, first=first)), latent_of(bench, whole))

	def test_nothing_left_to_do_gives_the_latent_back(self, bench: Bench) -> None:
		"""A start behind the last step: the empty latent's picture, whatever the seed."""
		one, other = (
			latent_of(bench, around(advanced('latent', start_at_step=STEPS, noise_seed=seed))) for seed in (1, 2)
		)

		assert torch.equal(one, other)


def steered(guider: dict[str, Any], kind: str = 'DualModelGuider', **more: Any) -> Graph:
	"""A graph whose sampler is steered by this node."""
	return around(
		(
			'SamplerCustomAdvanced',
			{
				'noise': link('noise'),
				'guider': link('guider'),
				'sampler': link('sampler'),
				'sigmas': link('levels'),
				'latent_image': link('latent'),
			},
		),
		noise=('RandomNoise', {'noise_seed': SEED}),
		levels=('BasicScheduler', {'model': link('model'), 'scheduler': 'karras', 'steps': STEPS, 'denoise': 1.0}),
		**({'sampler': ('KSamplerSelect', {'sampler_name': 'euler'})} | more),
		guider=(kind, guider),
	)


class TestTwoModels:
	BOTH: ClassVar[dict[str, Any]] = {
		'model': link('model'),
		'positive': link('positive'),
		'negative': link('negative'),
		'cfg': 2.0,
	}

	def test_with_one_model_it_is_guidance(self, bench: Bench) -> None:
		"""Whether it is named twice or once."""
		plain = latent_of(bench, steered(self.BOTH, 'CFGGuider'))

		assert torch.equal(latent_of(bench, steered(self.BOTH)), plain)
		assert torch.equal(latent_of(bench, steered(self.BOTH | {'model_negative': link('model')})), plain)

	def test_another_model_makes_what_to_lead_away_from(self, bench: Bench) -> None:
		"""Here the same weights with another setting; the setting of the first model does not count for it."""
		other: dict[str, Any] = {
			'other': ('FreeU', {'model': link('model'), 'b1': 1.5, 'b2': 1.5, 's1': 0.1, 's2': 0.1})
		}
		plain = latent_of(bench, steered(self.BOTH))
		found = latent_of(bench, steered(self.BOTH | {'model_negative': link('other')}, **other))

		assert not torch.equal(found, plain)

	def test_without_a_negative_prompt_one_that_says_nothing_is_taken(self, bench: Bench) -> None:
		"""All numbers 0."""
		silent: dict[str, Any] = {'silent': ('ConditioningZeroOut', {'conditioning': link('positive')})}
		alone = {name: value for name, value in self.BOTH.items() if name != 'negative'}
		wanted = latent_of(bench, steered(self.BOTH | {'negative': link('silent')}, **silent))

		assert torch.equal(latent_of(bench, steered(alone)), wanted)


class TestGrowing:
	LCM: ClassVar[dict[str, Any]] = {
		'sampler': ('SamplerLCMUpscale', {'scale_ratio': 2.0, 'scale_steps': -1, 'upscale_method': 'bislerp'})
	}

	def test_the_picture_is_larger(self, bench: Bench) -> None:
		"""By so much a side."""
		from PIL import Image

		outcome = bench.run(steered(TestTwoModels.BOTH, 'CFGGuider', **self.LCM))
		(path,) = bench.pictures()

		assert outcome.state == 'succeeded', outcome
		with Image.open(path) as picture:
			assert picture.size == (128, 128)

	def test_a_mask_cannot_grow(self, bench: Bench) -> None:
		"""It is said, and what to do."""
		graph = steered(
			TestTwoModels.BOTH,
			'CFGGuider',
			mask=('SolidMask', {'value': 1.0, 'width': 64, 'height': 64}),
			empty=('EmptyLatentImage', {'width': 64, 'height': 64, 'batch_size': 1}),
			**self.LCM,
		)
		calls = dict(graph.calls)
		calls[NodeId('latent')] = Call(
			'SetLatentNoiseMask', {'samples': Link(NodeId('empty'), 0), 'mask': Link(NodeId('mask'), 0)}
		)
		outcome = bench.run(Graph(calls))

		assert outcome.failure is not None
		assert 'Take the mask off' in outcome.failure.message


class TestSigmas:
	def test_split_levels_share_the_one_at_the_cut(self) -> None:
		"""So the second sampler begins where the first ended."""
		halves = sigmas.split(Sigmas(torch.tensor([4.0, 3.0, 2.0, 0.0])), 1)

		assert halves.high_sigmas.values.tolist() == [4.0, 3.0]
		assert halves.low_sigmas.values.tolist() == [3.0, 2.0, 0.0]

	@pytest.mark.parametrize(('part', 'high', 'low'), [(0.5, [4, 3, 2], [2, 1, 0]), (1.0, [4], [4, 3, 2, 1, 0])])
	def test_levels_can_be_split_by_a_part(self, part: float, high: list[float], low: list[float]) -> None:
		"""The part is what comes after the cut."""
		halves = sigmas.split_by_part(Sigmas(torch.tensor([4.0, 3.0, 2.0, 1.0, 0.0])), part)

		assert halves.high_sigmas.values.tolist() == high
		assert halves.low_sigmas.values.tolist() == low

	def test_flipped_levels_begin_above_zero(self) -> None:
		"""At 0 there is no noise to divide by; what was given is left as it was."""
		given = torch.tensor([2.0, 1.0, 0.0])

		assert sigmas.flip(Sigmas(given)).values.tolist() == pytest.approx([0.0001, 1.0, 2.0])
		assert given.tolist() == [2.0, 1.0, 0.0]

	def test_numbers_are_read_whatever_stands_between_them(self) -> None:
		"""Commas, spaces, lines."""
		assert sigmas.manual('14.6, 3; .5\n0').values.tolist() == pytest.approx([14.6, 3.0, 0.5, 0.0])

	def test_a_straight_curve_is_an_exponential_schedule(self) -> None:
		"""The heights are log sigma, from the highest level to the lowest, and no noise at the end."""
		drawn = sigmas.from_curve('[[0, 1], [1, 0]]', 5, 10.0, 0.1).values.tolist()

		assert drawn == pytest.approx(sigmas.exponential(5, 10.0, 0.1).values.tolist(), rel=1e-5)

	def test_a_curve_holds_its_levels(self) -> None:
		"""Beyond its first and last point a curve is level, and nothing leaves the range."""
		drawn = sigmas.from_curve('[[0.5, 1.5], [0.75, 0]]', 5, 10.0, 0.1).values.tolist()

		assert drawn == pytest.approx([10, 10, 10, 0.1, 0.1, 0], rel=1e-5)

	@pytest.mark.parametrize(
		('text', 'reason'),
		[
			('down', 'not written as'),
			('[[0, 1]]', 'two points or more'),
			('[[0, 1], [0, 0]]', 'one above the other'),
			('[[0, NaN], [1, 0]]', 'not finite|not written'),
			('[[0, 1, 2], [1, 0]]', 'not written as'),
		],
	)
	def test_what_is_no_curve_is_refused(self, text: str, reason: str) -> None:
		"""The error says what came, and what is wrong with it."""
		with pytest.raises(BadInput, match=reason):
			sigmas.from_curve(text, 5, 10.0, 0.1)

	@pytest.mark.parametrize('denoise', [1.0, 0.5])
	def test_a_schedule_that_gives_more_is_cut_to_the_steps(self, bench: Bench, denoise: float) -> None:
		"""1000 // 7 goes eight times into 1000; the last seven steps are kept."""
		context, model = tiny_model(bench)
		found = sigmas.basic(context, model, 'ddim_uniform', 7, denoise).values
		with context.models.use(model) as denoiser:
			every = SCHEDULES['ddim_uniform'](denoiser.parametrisation, int(7 / denoise))

		assert len(every) > 8
		assert torch.equal(found, every[-8:])

	@pytest.mark.parametrize(('alpha', 'beta', 'name'), [(0.0, 0.6, 'alpha'), (0.6, 0.0, 'beta')])
	def test_a_shape_of_zero_is_refused(self, bench: Bench, alpha: float, beta: float, name: str) -> None:
		"""There is no such distribution."""
		with pytest.raises(BadInput, match=f"'{name}': expected a number above 0"):
			sigmas.beta(*tiny_model(bench), 4, alpha, beta)

	def test_the_first_level_can_be_set(self) -> None:
		"""Of none, there is none to set."""
		assert sigmas.set_first(Sigmas(torch.tensor([2.0, 0.0])), 5.0).values.tolist() == [5.0, 0.0]
		with pytest.raises(NodeUsage, match='at least one'):
			sigmas.set_first(Sigmas(torch.zeros(0)), 5.0)

	def test_steps_can_be_split(self) -> None:
		"""Those that begin between two levels; evenly, or dense at one end."""
		given = Sigmas(torch.tensor([8.0, 4.0, 0.0]))

		assert sigmas.extend(given, 2, -1.0, 0.0, 'linear').values.tolist() == [8.0, 6.0, 4.0, 2.0, 0.0]
		assert sigmas.extend(given, 2, 5.0, 1.0, 'linear').values.tolist() == [8.0, 4.0, 2.0, 0.0]
		assert float(sigmas.extend(given, 2, -1.0, 5.0, 'cosine').values[1]) == pytest.approx(8 - 4 * math.sqrt(0.5))

	def test_aligned_levels_are_those_that_were_published(self) -> None:
		"""For ten steps; a part is their end; for others in between by log sigma."""
		ten = sigmas.align_your_steps('SD1', 10, 1.0).values

		assert ten[:2].tolist() == pytest.approx([14.6146412293, 6.4745760956])
		assert torch.equal(sigmas.align_your_steps('SD1', 10, 0.4).values, ten[-5:])
		assert float(sigmas.align_your_steps('SD1', 20, 1.0).values[1]) == pytest.approx(
			math.sqrt(14.6146412293 * 6.4745760956), rel=1e-5
		)
		assert len(sigmas.align_your_steps('SD1', 10, 0.0).values) == 0

	def test_flux2_levels_go_from_one_to_zero(self) -> None:
		"""More patches, more steps at high noise."""
		small, great = (sigmas.flux2(10, side, side).values for side in (512, 2048))

		assert small[[0, -1]].tolist() == [1.0, 0.0]
		assert float(great[5]) > float(small[5]) > 0.5

	@pytest.mark.parametrize(
		'levels',
		[
			sigmas.karras(8, 14.6, 0.03, 7.0),
			sigmas.exponential(8, 14.6, 0.03),
			sigmas.polyexponential(8, 14.6, 0.03, 1.5),
		],
	)
	def test_levels_by_numbers_go_from_end_to_end(self, levels: Sigmas) -> None:
		"""And then to 0."""
		assert levels.values[[0, -2, -1]].tolist() == pytest.approx([14.6, 0.03, 0.0], rel=1e-4)
		assert bool((levels.values.diff() < 0).all())


class TestConditioning:
	LONG, SHORT = (
		Conditioning((Prompt(torch.full((1, tokens, 2), value), torch.full((1, 2), value)),))
		for tokens, value in ((4, 1.0), (2, 3.0))
	)

	def test_combined_prompts_stand_side_by_side(self) -> None:
		"""Each is looked at."""
		both = conditioning.combine(self.LONG, self.SHORT)

		assert both.prompts == self.LONG.prompts + self.SHORT.prompts

	def test_joined_prompts_are_one_long_one(self) -> None:
		"""The pooled vector is the first one's."""
		(joined,) = conditioning.concat(self.LONG, self.SHORT).prompts

		assert joined.embedding[0, :, 0].tolist() == [1, 1, 1, 1, 3, 3]
		assert joined.pooled is self.LONG.prompts[0].pooled

	def test_mixed_prompts_have_the_length_of_the_first(self) -> None:
		"""The second is filled with zeros, or cut; pooled vectors are mixed too."""
		(long,) = conditioning.average(self.LONG, self.SHORT, 0.75).prompts
		(short,) = conditioning.average(self.SHORT, self.LONG, 0.75).prompts

		assert long.embedding[0, :, 0].tolist() == [1.5, 1.5, 0.75, 0.75]
		assert short.embedding[0, :, 0].tolist() == [2.5, 2.5]
		assert long.pooled is not None
		assert long.pooled.tolist() == [[1.5, 1.5]]

	def test_places_times_and_weights_are_told(self) -> None:
		"""One node after the other; areas are in latent values."""
		told = conditioning.set_area(self.LONG, 64, 128, 8, 16, 0.5)
		told = conditioning.set_range(told, 0.2, 0.7)
		told = conditioning.set_mask(told, Mask(torch.ones(1, 8, 8)), 0.9, 'mask bounds')
		scope = told.prompts[0].scope

		assert scope.area == Area(16, 8, 2, 1)
		assert (scope.strength, scope.start, scope.end) == (0.5, 0.2, 0.7)
		assert (scope.mask_strength, scope.mask_bounds) == (0.9, True)
		assert conditioning.set_strength(told, 2.0).prompts[0].scope.strength == 2.0
		assert conditioning.set_area_in_parts(told, 0.5, 1.0, 0.25, 0.0, 1.0).prompts[0].scope.area == Area(
			1.0, 0.5, 0.0, 0.25, relative=True
		)

	def test_silent_prompts_are_zeros(self) -> None:
		"""Tokens and pooled vector."""
		(silent,) = conditioning.zero_out(self.LONG).prompts

		assert not silent.embedding.any()
		assert silent.pooled is not None
		assert not silent.pooled.any()

	def test_references_are_added_one_after_the_other(self) -> None:
		"""And none leaves all as it is."""
		from nodes.values import Latent

		latent = Latent(torch.ones(1, 4, 2, 2))
		twice = conditioning.add_reference(conditioning.add_reference(self.LONG, latent), latent)

		assert len(twice.prompts[0].references) == 2
		assert conditioning.add_reference(self.LONG) is self.LONG
		assert conditioning.set_reference_method(twice, 'uxo/uno').prompts[0].reference_method == 'uxo'
		assert conditioning.flux_guidance(twice, 2.5).prompts[0].guidance == 2.5


class TestModelSampling:
	@pytest.mark.parametrize(
		('ref', 'kind'),
		[
			(model_sampling.discrete(REF, 'v_prediction', True), Discrete),
			(model_sampling.discrete(REF, 'lcm', False), Consistency),
			(model_sampling.continuous_edm(REF, 'edm', 120.0, 0.002), Continuous),
			(model_sampling.continuous_v(REF, 'v_prediction', 500.0, 0.03), Continuous),
			(model_sampling.sd3(REF, 3.0), Flow),
			(model_sampling.aura_flow(REF, 1.73), Flow),
			(model_sampling.flux(REF, 1.15, 0.5, 1024, 1024), Flow),
		],
	)
	def test_settings_change_the_levels_and_no_weights(self, ref: ModelRef[Any], kind: type, tiny_models: Path) -> None:
		"""A light view of the model: the same network under other levels."""
		from engine.models import Load
		from nodes.diffusion.checkpoint import load_denoiser

		model = load_denoiser(Load((tiny_models / 'checkpoints' / 'tiny.safetensors',), 'denoiser'))
		changed: Any = model
		for setting in ref.settings:
			changed = setting.apply(changed, lambda other: other)

		assert isinstance(changed.parametrisation, kind)
		assert changed.network is model.network
		assert not ref.weight_patches

	def test_flux_is_shifted_by_its_patches(self) -> None:
		"""The two shifts are those of 1024 and of 256 pixels a side."""
		shifts = [model_sampling.flux(REF, 1.15, 0.5, side, side).settings[0] for side in (256, 1024)]

		assert [shift.shift for shift in shifts if isinstance(shift, model_sampling.FlowShift)] == pytest.approx(
			[0.5, 1.15]
		)


class TestNoise:
	def test_no_noise_is_noise_too(self) -> None:
		"""A value like other noise, by seed 0."""
		assert guide.disable_noise() == Noise(0, empty=True)
		assert guide.random_noise(5) == Noise(5)
