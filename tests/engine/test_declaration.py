import pytest
from pydantic import ValidationError

from engine.declaration import Choice, Input, NodeInfo, Number, Output, Text, Toggle, Validator, accepts

INFO = NodeInfo(
	kind='Everything',
	title='Everything',
	category='test',
	description='All that a declaration can say.',
	version='3',
	inputs=(
		Input(
			name='steps', type='INT', widget=Number(default=20, min=1, max=100, step=1, seed=True), tooltip='How many'
		),
		Input(name='scale', type='FLOAT', widget=Number(default=7.5, round=0.1), required=False),
		Input(name='text', type='STRING', widget=Text(default='a', multiline=True)),
		Input(name='fast', type='BOOLEAN', widget=Toggle(default=True)),
		Input(name='file', type='COMBO', widget=Choice(files_from='input:image', upload=True)),
		Input(name='samples', type='LATENT'),
	),
	outputs=(
		Output(name='IMAGE', type='IMAGE'),
		Output(name='pair', type='MASK', is_list=True),
		Output(name='pair', type='*'),
	),
	lane='disk',
	sink=True,
	hidden={'prompt': 'prompt', 'id': 'unique_id'},
	origin='pack',
)


class TestJson:
	def test_a_declaration_survives_json(self) -> None:
		"""Everything that a declaration says comes back from its JSON, widgets as the same classes."""
		again = NodeInfo.model_validate_json(INFO.model_dump_json())

		assert again == INFO
		assert [type(item.widget) for item in again.inputs] == [Number, Number, Text, Toggle, Choice, type(None)]

	def test_numbers_keep_their_kind(self) -> None:
		"""A whole number stays whole and a fraction stays a fraction."""
		again = NodeInfo.model_validate_json(INFO.model_dump_json())
		steps, scale = again.inputs[0].widget, again.inputs[1].widget

		assert isinstance(steps, Number)
		assert isinstance(scale, Number)
		assert isinstance(steps.default, int)
		assert isinstance(scale.default, float)

	def test_an_unknown_key_is_refused(self) -> None:
		"""What does not belong in a declaration is an error, not silence."""
		with pytest.raises(ValidationError, match='colour'):
			NodeInfo.model_validate({**INFO.model_dump(), 'colour': 'red'})

	def test_a_declaration_cannot_be_changed(self) -> None:
		"""Declarations are shared between threads, so they are frozen."""
		with pytest.raises(ValidationError, match='frozen'):
			setattr(INFO, 'kind', 'Other')  # noqa: B010 - mypy knows that it is frozen


class TestCopies:
	def test_lookups_follow_the_copy(self) -> None:
		"""What was looked up in the original before says nothing of a copy with other inputs."""
		assert 'steps' in INFO.inputs_by_name
		copied = INFO.model_copy(update={'inputs': INFO.inputs[1:]})

		assert 'steps' not in copied.inputs_by_name
		assert copied.kind == INFO.kind


class TestLookups:
	def test_inputs_by_name(self) -> None:
		"""An input is found by its name."""
		assert INFO.inputs_by_name['scale'] is INFO.inputs[1]
		assert 'nothing' not in INFO.inputs_by_name

	def test_what_depends_on_its_id(self) -> None:
		"""A node that is shown its id, or is cached by it."""
		assert INFO.sees_id
		assert INFO.model_copy(update={'hidden': {}, 'caching': 'identity'}).sees_id
		assert not INFO.model_copy(update={'hidden': {}}).sees_id

	def test_what_waits_to_be_asked_for(self) -> None:
		"""Whether any input is lazy."""
		assert not INFO.has_lazy
		assert NodeInfo(kind='A', title='A', category='a', inputs=(Input(name='a', type='*', lazy=True),)).has_lazy

	def test_an_output_is_found_by_a_name_that_only_it_has(self) -> None:
		"""A name that two outputs share, or none has, names no output."""
		assert INFO.output_index('IMAGE') == 0
		assert INFO.output_index('pair') is None
		assert INFO.output_index('nothing') is None


class TestAccepts:
	def test_choices_and_text_feed_each_other(self) -> None:
		"""Text can carry the name of an option, and an option is text; a number is neither."""
		assert accepts('COMBO', 'STRING')
		assert accepts('STRING', 'COMBO')
		assert accepts('COMBO', 'COMBO')
		assert not accepts('COMBO', 'INT')

	def test_otherwise_sockets_decide(self) -> None:
		"""Types join as `joins` says."""
		assert accepts('IMAGE,MASK', 'MASK')
		assert not accepts('IMAGE,MASK', 'LATENT')


class TestValidator:
	def test_what_it_covers(self) -> None:
		"""The inputs that it names, or all."""
		assert Validator(inputs=('a',)).covers('a')
		assert not Validator(inputs=('a',)).covers('b')
		assert Validator(all_inputs=True).covers('b')
