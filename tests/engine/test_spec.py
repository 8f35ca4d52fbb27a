from __future__ import annotations

from typing import Annotated, Any, NamedTuple, TypeVar

import pytest

from engine.declaration import (
	Agreement,
	Choice,
	Fixed,
	FromInput,
	Input,
	NodeInfo,
	Number,
	Output,
	Text,
	Toggle,
	Validator,
)
from engine.errors import NodeUsage
from engine.flow import Expand, Lazy, Skip
from engine.sockets import socket
from engine.spec import Context, node, spec_of

T = TypeVar('T')


@socket('LATENT')
class Latent:
	pass


class Nameless:
	pass


class Both(NamedTuple):
	latent: Latent
	number: int


class Odd(NamedTuple):
	good: int
	bad: Nameless


def info_of(function: object) -> NodeInfo:
	spec = spec_of(function)
	assert spec is not None
	return spec.info


class TestDeclaration:
	def test_everything_is_read_off_the_signature(self) -> None:
		"""Kind, title, description and inputs come from the function itself."""

		@node(category='latent')
		def mix_samples(samples: Latent, steps: Annotated[int, Number(min=1, default=20), 'How many steps']) -> Latent:
			"""Mix samples.

			In two lines.
			"""
			return samples

		assert info_of(mix_samples) == NodeInfo(
			kind='MixSamples',
			title='MixSamples',
			category='latent',
			description='Mix samples.\n\nIn two lines.',
			inputs=(
				Input(name='samples', type='LATENT'),
				Input(name='steps', type='INT', widget=Number(min=1, default=20), tooltip='How many steps'),
			),
			outputs=(Output(name='LATENT', type='LATENT'),),
		)

	def test_what_is_given_by_hand_wins(self) -> None:
		"""Kind, title, version, lane, sink, hidden and time limit are taken from the decorator."""

		@node(
			kind='Save',
			title='Save it',
			category='image',
			version='2',
			lane='disk',
			sink=True,
			hidden=('prompt',),
			time_limit=2.5,
		)
		def function(value: int) -> None: ...

		info = info_of(function)

		assert (info.kind, info.title, info.version, info.lane, info.sink) == ('Save', 'Save it', '2', 'disk', True)
		assert info.hidden == {'prompt': 'prompt'}
		assert info.time_limit == 2.5
		assert info.description == ''
		assert info.outputs == ()

	def test_the_function_stays_a_plain_callable(self) -> None:
		"""A node function is called in tests like any other."""

		@node(category='test')
		def double(value: int) -> int:
			return 2 * value

		assert double(4) == 8

	def test_a_coroutine_function(self) -> None:
		"""Its spec says that the call gives something to await."""

		@node(category='test')
		async def later() -> int:
			return 1

		@node(category='test')
		def now() -> int:
			return 1

		assert [spec.is_async for spec in map(spec_of, (later, now)) if spec is not None] == [True, False]

	def test_a_validator_is_declared(self) -> None:
		"""So that the checker knows that the node is to be asked; without one it is not."""

		@node(category='test', validate=lambda asked: 'never')
		def strict(value: int) -> None: ...

		@node(category='test')
		def easy(value: int) -> None: ...

		assert info_of(strict).validator == Validator()
		assert info_of(easy).validator is None

	def test_what_is_known_beforehand(self) -> None:
		"""Facts stand at their outputs, agreements at the node."""
		agreement = Agreement(fact='channels', inputs=('one', 'other'))

		@node(category='test', facts={'LATENT': {'channels': FromInput(input='one')}}, agreements=(agreement,))
		def blend(one: Latent, other: Latent) -> Latent:
			return one

		info = info_of(blend)

		assert info.outputs == (Output(name='LATENT', type='LATENT', facts={'channels': FromInput(input='one')}),)
		assert info.agreements == (agreement,)

	def test_a_plain_function_has_no_spec(self) -> None:
		"""Only the decorator attaches a spec."""
		assert spec_of(info_of) is None
		assert spec_of(3) is None


class TestInputs:
	def test_primitives_get_a_widget(self) -> None:
		"""A number, a text and a switch can be typed in, starting from the parameter's default."""

		@node(category='test')
		def function(a: int, b: float = 0.5, c: str = 'x', d: bool = True, e: str | None = None) -> None: ...

		assert info_of(function).inputs == (
			Input(name='a', type='INT', widget=Number()),
			Input(name='b', type='FLOAT', widget=Number(default=0.5), required=False),
			Input(name='c', type='STRING', widget=Text(default='x'), required=False),
			Input(name='d', type='BOOLEAN', widget=Toggle(default=True), required=False),
			Input(name='e', type='STRING', widget=Text(), required=False),
		)

	def test_a_widget_takes_the_default_of_the_signature(self) -> None:
		"""The widget and the function agree on what comes when nothing is said."""

		@node(category='test')
		def function(steps: Annotated[int, Number(min=1)] = 20) -> None: ...

		spec = spec_of(function)

		assert spec is not None
		assert spec.info.inputs[0].widget == Number(min=1, default=20)

	def test_a_choice_makes_a_combo(self) -> None:
		"""A parameter with a `Choice` is a COMBO, whatever its annotation."""

		@node(category='test')
		def function(name: Annotated[str, Choice(options=('a', 'b'))]) -> None: ...

		[given] = info_of(function).inputs

		assert given.type == 'COMBO'
		assert given.widget == Choice(options=('a', 'b'))

	def test_other_types_only_come_by_link(self) -> None:
		"""Without a widget an input takes no constant; `Any` takes every type."""

		@node(category='test')
		def function(samples: Latent, anything: Any) -> None: ...

		assert [(given.type, given.widget) for given in info_of(function).inputs] == [('LATENT', None), ('*', None)]

	def test_the_context_is_no_input(self) -> None:
		"""A parameter annotated `Context` is remembered by name and not declared."""

		@node(category='test')
		def function(value: int, here: Context) -> None: ...

		spec = spec_of(function)

		assert spec is not None
		assert spec.context == 'here'
		assert [given.name for given in spec.info.inputs] == ['value']


class TestOutputs:
	def test_a_named_tuple_gives_several(self) -> None:
		"""Every field of a NamedTuple is an output, under its name."""

		@node(category='test')
		def function() -> Both:
			return Both(Latent(), 1)

		assert info_of(function).outputs == (Output(name='latent', type='LATENT'), Output(name='number', type='INT'))

	def test_outputs_can_be_named(self) -> None:
		"""The decorator names outputs where the result's type does not."""

		@node(category='test', outputs=('samples',))
		def function() -> Latent:
			return Latent()

		assert info_of(function).outputs == (Output(name='samples', type='LATENT'),)


class TestShapes:
	def test_lists_and_lazy_inputs(self) -> None:
		"""A list takes all items at once, a lazy input waits to be asked for; both have the type of what they hold."""

		@node(category='test')
		def function(all_of_them: list[Latent], later: Lazy[Latent]) -> list[int]:
			return [1]

		info = info_of(function)

		assert info.inputs == (
			Input(name='all_of_them', type='LATENT', is_list=True),
			Input(name='later', type='LATENT', lazy=True),
		)
		assert info.outputs == (Output(name='INT', type='INT', is_list=True),)

	def test_a_type_variable_takes_any_type(self) -> None:
		"""Inputs and outputs of one variable have one type, whichever comes."""

		@node(category='test', outputs=('value',))
		def function(value: T, later: Lazy[T]) -> T:
			return value

		info = info_of(function)

		assert info.inputs == (
			Input(name='value', type='*', generic='T'),
			Input(name='later', type='*', generic='T', lazy=True),
		)
		assert info.outputs == (Output(name='value', type='*', generic='T'),)

	def test_what_a_node_may_do_instead(self) -> None:
		"""That it may skip or become a subgraph does not show in its outputs."""

		@node(category='test')
		def function() -> Latent | Skip | Expand:
			return Skip()

		assert info_of(function).outputs == (Output(name='LATENT', type='LATENT'),)


class TestRefusals:
	"""What cannot be a node is refused when it is declared, with the node's kind in the sentence."""

	def test_an_open_signature(self) -> None:
		"""`*args` and positional-only parameters cannot be passed by name."""
		with pytest.raises(NodeUsage, match=r"^Wrong: parameter 'values' cannot be passed by name"):

			@node(kind='Wrong', category='test')
			def several(*values: int) -> int:
				return 1

		with pytest.raises(NodeUsage, match=r"^Wrong: parameter 'value' cannot be passed by name"):

			@node(kind='Wrong', category='test')
			def positional(value: int, /) -> int:
				return 1

	def test_a_parameter_of_unknown_type(self) -> None:
		"""A class without a socket name cannot be an input."""
		with pytest.raises(NodeUsage, match=r"^Wrong: parameter 'value': .*Nameless"):

			@node(kind='Wrong', category='test')
			def function(value: Nameless) -> int:
				return 1

	def test_a_result_of_unknown_type(self) -> None:
		"""A class without a socket name cannot be an output, alone or among several."""
		with pytest.raises(NodeUsage, match=r'^Wrong: the result: .*Nameless'):

			@node(kind='Wrong', category='test')
			def one() -> Nameless:
				return Nameless()

		with pytest.raises(NodeUsage, match=r"^Wrong: output 'bad': .*Nameless"):

			@node(kind='Wrong', category='test')
			def several() -> Odd:
				return Odd(1, Nameless())

	def test_missing_annotations(self) -> None:
		"""A parameter or a result without a type says nothing about what may be linked."""
		untyped: dict[str, Any] = {}
		exec('def parameter(value) -> int: ...\ndef result(value: int): ...', untyped)
		wrong = node(kind='Wrong', category='test')

		with pytest.raises(NodeUsage, match=r"^Wrong: parameter 'value' has no type"):
			wrong(untyped['parameter'])
		with pytest.raises(NodeUsage, match=r'^Wrong: the result has no type'):
			wrong(untyped['result'])

	def test_an_annotation_that_names_nothing(self) -> None:
		"""An annotation that cannot be resolved is told with the node's kind."""
		unknown: dict[str, Any] = {}
		exec('from __future__ import annotations\ndef function(value: Unheard) -> int: ...', unknown)

		with pytest.raises(NodeUsage, match=r"^Wrong: .*'Unheard'"):
			node(kind='Wrong', category='test')(unknown['function'])

	def test_facts_of_no_output(self) -> None:
		"""Facts are told of outputs that there are."""
		with pytest.raises(NodeUsage, match=r"^Wrong: facts are given of \['IMAGE'\]"):

			@node(kind='Wrong', category='test', facts={'IMAGE': {'channels': Fixed(value=4)}})
			def function() -> Latent:
				return Latent()

	def test_output_names_that_do_not_fit(self) -> None:
		"""There are as many names as outputs."""
		with pytest.raises(NodeUsage, match=r'^Wrong: 2 output names are given for 1 outputs'):

			@node(kind='Wrong', category='test', outputs=('a', 'b'))
			def function() -> int:
				return 1
