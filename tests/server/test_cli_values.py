"""Seeds from one run to the next."""

from __future__ import annotations

import random

import pytest
from pydantic import JsonValue

from engine.declaration import Choice, Input, NodeInfo, Number, Variant, Varying
from engine.errors import WrongInputs
from engine.formats.workflow import read_workflow
from server.cli_run import SeedPolicy
from server.cli_values import Seed, as_value, changes_of, policy_of, seeds_after, seeds_of

SAMPLER = NodeInfo(
	kind='KSampler',
	title='KSampler',
	category='',
	inputs=(
		Input(name='seed', type='INT', widget=Number(default=0, min=0, max=2**64 - 1, seed=True)),
		Input(name='steps', type='INT', widget=Number(default=20, min=1, max=10000)),
		Input(name='cfg', type='FLOAT', widget=Number(default=8.0)),
		Input(name='sampler_name', type='COMBO'),
		Input(name='any', type='*'),
	),
)
SCALER = NodeInfo(
	kind='Scale',
	title='Scale',
	category='',
	inputs=(
		Input(
			name='size',
			type='COMFY_DYNAMICCOMBO_V3',
			widget=Choice(options=('times', 'exactly')),
			dynamic=Varying(
				variants=(
					Variant(key='times', inputs=(Input(name='factor', type='FLOAT', widget=Number(default=1.0)),)),
					Variant(key='exactly', inputs=(Input(name='width', type='INT', widget=Number(default=1)),)),
				)
			),
		),
	),
)
KINDS = {'KSampler': SAMPLER, 'Scale': SCALER}


def editor(*values: JsonValue) -> dict[str, JsonValue]:
	"""A sampler as ComfyUI's editor saves it."""
	return {'nodes': [{'id': 3, 'type': 'KSampler', 'widgets_values': list(values)}], 'links': [], 'version': 0.4}


class TestValues:
	"""What is typed."""

	@pytest.mark.parametrize(
		('name', 'text', 'value'),
		[
			('seed', '18446744073709551615', 2**64 - 1),
			('seed', '-1', -1),
			('seed', '1.5', '1.5'),
			('steps', '128.0', 128),
			('steps', '1e3', 1000),
			('seed', '1e300', '1e300'),
			('any', '[1, "a"]', [1, 'a']),
			('any', 'hello, you', 'hello, you'),
			('seed', '1_000', '1_000'),
			('cfg', '4', 4),
			('cfg', '1e1', 10.0),
			('cfg', '-.5E+1', -5.0),
			('cfg', '2.', 2.0),
			('cfg', '1_000', '1_000'),
			('cfg', '\u0663', '\u0663'),
			('cfg', '1e999', '1e999'),
			('cfg', 'nan', 'nan'),
			('cfg', 'much', 'much'),
			('sampler_name', '4', '4'),
		],
	)
	def test_numbers_are_numbers(self, name: str, text: str, value: JsonValue) -> None:
		"""As they would be in a file; what is none stays as it was typed, and is refused by the checker."""
		made = as_value(read_workflow(editor(7, 'fixed'), KINDS), KINDS, f'3.{name}', text)

		assert (made, type(made)) == (value, type(value))

	def test_inputs_of_a_choice(self) -> None:
		"""They are numbers as others are, also those of what is only now chosen, in whatever order that is said."""
		workflow = read_workflow({'3': {'class_type': 'Scale', 'inputs': {'size': 'times', 'size.factor': 2}}}, KINDS)

		assert changes_of(workflow, KINDS, ['3.size.factor=0.5'], None) == {'3.size.factor': 0.5}
		changed = changes_of(workflow, KINDS, ['3.size.width=64', '3.size=exactly'], None)
		assert changed == {'3.size': 'exactly', '3.size.width': 64}

	def test_an_input_that_is_not_there(self) -> None:
		"""The nearest one is named."""
		with pytest.raises(WrongInputs, match=r"did you mean '3\.steps'"):
			changes_of(read_workflow(editor(7, 'fixed'), KINDS), KINDS, ['3.setps=5'], None)

	def test_the_seed(self) -> None:
		"""Of every node that has one."""
		assert changes_of(read_workflow(editor(7, 'fixed'), KINDS), KINDS, [], '5') == {'3.seed': 5}


class TestPolicies:
	"""What becomes of one seed."""

	@pytest.mark.parametrize(
		('policy', 'value', 'expected'),
		[('fixed', 4, 4), ('increment', 4, 5), ('increment', 9, 0), ('decrement', 4, 3), ('decrement', 0, 9)],
	)
	def test_moves(self, policy: SeedPolicy, value: int, expected: int) -> None:
		"""By one, and round at the bounds."""
		assert Seed('a.seed', value, 0, 9, 'fixed').after(policy, random.Random(1)) == expected

	def test_drawn_ones_are_within_bounds(self) -> None:
		"""And within what any program that reads JSON can hold."""
		source = random.Random(1)
		drawn = [Seed('a.seed', 0, 0, 2**64 - 1, 'random').after('random', source) for _ in range(100)]

		assert all(0 <= seed < 2**53 for seed in drawn)
		assert len(set(drawn)) == 100


class TestFiles:
	"""What files say."""

	@pytest.mark.parametrize(
		('word', 'policy'), [('randomize', 'random'), ('increment', 'increment'), ('fixed', 'fixed')]
	)
	def test_the_editor_of_comfyui(self, word: str, policy: str) -> None:
		"""The word after the seed."""
		workflow = read_workflow(editor(7, word, 20, 8, 'euler', 'normal', 1), KINDS)

		assert policy_of(workflow, '3', 'seed') == policy
		assert [(seed.place, seed.value, seed.policy) for seed in seeds_of(workflow, KINDS)] == [('3.seed', 7, policy)]

	def test_a_named_seed_of_a_node_that_is_switched_off(self) -> None:
		"""The others are set and moved, as if it had no name."""
		document: dict[str, JsonValue] = {
			'lumengraph': 2,
			'inputs': {'seed': {'node': 'a', 'input': 'seed'}},
			'nodes': {
				'a': {'kind': 'KSampler', 'mode': 'mute', 'inputs': {'seed': 5}},
				'b': {'kind': 'KSampler', 'inputs': {'seed': 5}},
			},
		}
		workflow = read_workflow(document, KINDS)

		assert changes_of(workflow, KINDS, [], '7') == {'b.seed': 7}
		assert seeds_after(workflow, KINDS, policy=None, source=random.Random(1)) == {'b.seed': 6}

	def test_one_that_moves_leaves_the_others(self) -> None:
		"""Where some seeds move, those that are fixed stay."""
		document: dict[str, JsonValue] = {
			'lumengraph': 2,
			'nodes': {name: {'kind': 'KSampler', 'inputs': {'seed': 5}} for name in 'ab'},
			'layout': {'nodes': {'a': {'x': 0, 'y': 0, 'seeds': {'seed': 'increment'}}}},
		}
		workflow = read_workflow(document, KINDS)

		assert seeds_after(workflow, KINDS, policy=None, source=random.Random(1)) == {
			'a.seed': 6,
			'b.seed': 5,
		}
