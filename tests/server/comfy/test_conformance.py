"""POST /prompt with ComfyUI-style nodes: what is taken, what is refused, and in which words."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from tests.server.client import Api, Graph, call
from tests.server.comfy.hosting import errors_of, fresh, number, show

IMAGE: Mapping[str, object] = {'content': 'WHITE', 'height': 8, 'width': 8, 'batch_size': 1}


def picture(**changed: object) -> Graph:
	"""A picture, shown; some of its inputs are others, those that are None are left out."""
	inputs = {name: value for name, value in {**IMAGE, **changed}.items() if value is not None}
	return {'1': call('TestingImage', **inputs), '2': call('TestingPreview', images=['1', 0])}


async def refused(host: Api, graph: object, **fields: object) -> dict[str, Any]:
	"""The body for a prompt that is refused, by the type of its error."""
	response = await host.post('/prompt', {'prompt': graph, **fields})
	body: dict[str, Any] = await response.json()

	assert response.status == 400, body
	assert body.keys() == {'error', 'node_errors'}
	return body


class TestTaken:
	async def test_the_answer(self, host: Api) -> None:
		"""The client's id, a number, and no errors; the job is found under that id."""
		id = str(uuid.uuid4())
		status, body = await host.prompt(picture(), prompt_id=id)
		entry = await host.ended(id)

		assert (status, body['prompt_id'], body['node_errors']) == (200, id, {})
		assert entry['prompt'][:2] == [body['number'], id]
		assert entry['outputs']['2'] == {'shape': [1, 8, 8, 3], 'mean': [1.0]}

	async def test_a_number_as_text(self, host: Api) -> None:
		"""Is the number that it spells."""
		entry = await host.ended(await host.submit(picture(width='5')))

		assert entry['outputs']['2']['shape'] == [1, 8, 5, 3]

	@pytest.mark.parametrize(
		'source', [call('TestingSplit', text='a'), call('TestingInt', value=3), call('TestingAny', value=3)]
	)
	async def test_a_union_takes_each_of_its_types(self, host: Api, source: dict[str, Any]) -> None:
		"""In any order, with spaces or without; and a wildcard."""
		job = await host.submit({'1': source, '2': call('TestingUnion', value=['1', 0]), '3': show('2')})

		assert (await host.ended(job))['status']['completed']

	async def test_choices_of_several_kinds(self, host: Api) -> None:
		"""A remote list is not known here, several may be chosen where the declaration says so."""
		graph: Graph = {
			'1': call('TestingChoices', value=2.5, remote='any', several={'__value__': ['b', 'a']}, file='a.png'),
			'2': show('1'),
		}

		assert (await host.ended(await host.submit(graph)))['outputs']['2'] == {'text': ['a']}

	async def test_undeclared_constants(self, host: Api) -> None:
		"""Are let pass, and do not reach the node."""
		graph = picture(left='over')

		assert (await host.ended(await host.submit(graph)))['status']['completed']

	async def test_a_good_prompt_after_bad_ones(self, host: Api) -> None:
		"""Nothing of those is left."""
		await refused(host, picture(width=0))
		await refused(host, {'1': call('NoSuchKind')})
		job = await host.submit(picture())

		assert (await host.ended(job))['status']['completed']
		assert list(await host.json('/history')) == [job]

	async def test_front_and_equal_numbers(self, host: Api) -> None:
		"""What is to be in front runs before what waits; equal numbers keep the order in which they came."""
		first = await host.submit({'1': call('TestingUntilInterrupted', value=next(fresh)), '2': show('1')})
		await host.running(first)
		late = await host.submit({'1': number(), '2': show('1')}, number=500)
		later = await host.submit({'1': number(), '2': show('1')}, number=500)
		soon = await host.submit({'1': number(), '2': show('1')}, number=5)
		now = await host.submit({'1': number(), '2': show('1')}, front=True)
		waiting = (await host.json('/queue'))['queue_pending']
		await host.post('/interrupt', {})
		await host.ended(later)

		assert [item[1] for item in sorted(waiting)] == [now, soon, *sorted((late, later))]
		assert list(await host.json('/history')) == [first, now, soon, late, later]


class TestRefused:
	@pytest.mark.parametrize(
		('graph', 'type'),
		[
			(None, 'no_prompt'),
			({'1': call('NoSuchKind'), '2': show('1')}, 'missing_node_type'),
			({'1': {'inputs': {}}, '2': show('1')}, 'missing_node_type'),
			({'1': call('TestingInt', value=1)}, 'prompt_no_outputs'),
			({}, 'prompt_no_outputs'),
		],
	)
	async def test_as_a_whole(self, host: Api, graph: Graph | None, type: str) -> None:
		"""No node is at fault, or it cannot even be told what it is."""
		body = await refused(host, graph)

		assert body['error']['type'] == type
		assert body['node_errors'] == {}

	async def test_the_unknown_node_is_named(self, host: Api) -> None:
		"""With its id, its class and its title."""
		unknown = {**call('NoSuchKind'), '_meta': {'title': 'A title'}}
		error = (await refused(host, {'7': unknown, '2': show('7')}))['error']

		assert error['extra_info'] == {'node_id': '7', 'class_type': 'NoSuchKind', 'node_title': 'A title'}
		assert '7' in error['details']

	async def test_empty_targets(self, host: Api) -> None:
		"""Nobody asks for an output."""
		body = await refused(host, picture(), partial_execution_targets=[])

		assert body['error']['type'] == 'prompt_no_outputs'

	async def test_every_output_is_bad(self, host: Api) -> None:
		"""The whole says so, each node says why, and which outputs it spoils."""
		graph = {**picture(width=0), '3': call('TestingPreview', images=['1', 0]), '4': show('nowhere')}
		body = await refused(host, graph)
		errors = body['node_errors']

		assert body['error']['type'] == 'prompt_outputs_failed_validation'
		assert set(errors) == {'1', '4'}
		assert errors['1']['class_type'] == 'TestingImage'
		assert sorted(errors['1']['dependent_outputs']) == ['2', '3']
		assert errors['4']['dependent_outputs'] == ['4']

	async def test_a_circle(self, host: Api) -> None:
		"""Is found before anything runs; each node of it is told."""
		graph: Graph = {
			'1': call('TestingAdd', a=['2', 0], b=1),
			'2': call('TestingAdd', a=['1', 0], b=1),
			'3': show('2'),
		}
		errors = (await refused(host, graph))['node_errors']

		assert {error['type'] for node in ('1', '2') for error in errors[node]['errors']} == {'dependency_cycle'}


class TestReasons:
	@pytest.mark.parametrize(
		('changed', 'type', 'input', 'value'),
		[
			({'width': 0}, 'value_smaller_than_min', 'width', 0),
			({'width': 4097}, 'value_bigger_than_max', 'width', 4097),
			({'width': 'foo'}, 'invalid_input_type', 'width', 'foo'),
			({'content': 'GREEN'}, 'value_not_in_list', 'content', 'GREEN'),
			({'width': ['1']}, 'bad_linked_input', 'width', ['1']),
			({'width': ['1', 0, 0]}, 'bad_linked_input', 'width', ['1', 0, 0]),
		],
	)
	async def test_a_value(self, host: Api, changed: dict[str, object], type: str, input: str, value: object) -> None:
		"""The reason names the input, what was received, and what the class declares."""
		[error] = await errors_of(host, picture(**changed), '1')
		info = error['extra_info']

		assert error['type'] == type
		assert error['details'].startswith(input)
		assert (info['input_name'], info['received_value']) == (input, value)
		assert 'input_config' in info

	async def test_a_value_that_is_not_there(self, host: Api) -> None:
		"""A default does not stand in for it."""
		[error] = await errors_of(host, picture(width=None), '1')

		assert (error['type'], error['details']) == ('required_input_missing', 'width')
		assert error['extra_info'] == {'input_name': 'width'}

	@pytest.mark.parametrize(('kind', 'told'), [('TestingImage', True), ('TestingMany', False)])
	async def test_long_lists_are_left_out(self, host: Api, kind: str, told: bool) -> None:
		"""More than twenty choices do not go along."""
		inputs = {**IMAGE, 'content': 'GREEN'} if kind == 'TestingImage' else {'value': 'GREEN'}
		[error] = await errors_of(host, {'1': call(kind, **inputs), '2': show('1')}, '1')

		assert error['type'] == 'value_not_in_list'
		assert (error['extra_info']['input_config'] is not None) == told

	async def test_a_link_of_another_type(self, host: Api) -> None:
		"""Says what came from where."""
		graph: Graph = {'1': number(), '2': call('TestingPreview', images=['1', 0])}
		[error] = await errors_of(host, graph, '2')

		assert error['type'] == 'return_type_mismatch'
		assert error['extra_info']['received_type'] == 'INT'
		assert error['extra_info']['linked_node'] == ['1', 0]

	async def test_a_union_refuses_others(self, host: Api) -> None:
		"""A truth value is neither text nor a whole number."""
		graph: Graph = {
			'1': call('TestingLess', a=1, b=2),
			'2': call('TestingUnion', value=['1', 0]),
			'3': show('2'),
		}
		[error] = await errors_of(host, graph, '2')

		assert error['type'] == 'return_type_mismatch'

	async def test_secrets_are_kept(self, host: Api) -> None:
		"""Keys that come with a prompt are told nowhere."""
		keys = {'auth_token_comfy_org': 'hush-1', 'api_key_comfy_org': 'hush-2', 'kept': 'open'}
		job = await host.submit(picture(), extra_data=keys)
		await host.ended(job)
		told = [await (await host.get(path)).text() for path in ('/queue', '/history', f'/api/jobs/{job}')]

		assert 'open' in told[1]
		assert 'hush' not in ''.join(told)


class TestValidators:
	async def test_no_bounds_for_any_input(self, host: Api) -> None:
		"""Where `**kwargs` takes them all."""
		graph: Graph = {'1': call('TestingValidateAll', value=99, other=98), '2': show('1')}

		assert (await host.ended(await host.submit(graph)))['outputs']['2'] == {'text': ['99']}

	async def test_bounds_of_inputs_that_it_does_not_name(self, host: Api) -> None:
		"""Hold as ever."""
		[error] = await errors_of(host, {'1': call('TestingValidateValue', value=50, other=11), '2': show('1')}, '1')

		assert (error['type'], error['extra_info']['input_name']) == ('value_bigger_than_max', 'other')

	@pytest.mark.parametrize('kind', ['TestingValidateValue', 'TestingValidateAll', 'TestingValidateAsync'])
	async def test_links_are_none(self, host: Api, kind: str) -> None:
		"""What will come is not known yet, so that it is let pass."""
		graph: Graph = {'1': call('TestingInt', value=999), '2': call(kind, value=['1', 0]), '3': show('2')}

		assert (await host.ended(await host.submit(graph)))['outputs']['3'] == {'text': ['999']}

	async def test_one_that_raises(self, host: Api) -> None:
		"""Refuses, with what it raised."""
		[error] = await errors_of(host, {'1': call('TestingValidateError', value=1), '2': show('1')}, '1')

		assert error['type'] == 'custom_validation_failed'
		assert 'cannot judge' in error['details']

	async def test_the_other_outputs_run(self, host: Api) -> None:
		"""A refused node spoils what needs it, and nothing else."""
		graph: Graph = {'1': call('TestingValidateAsync', value=51), '2': show('1'), '3': number(), '4': show('3')}
		status, body = await host.prompt(graph)
		entry = await host.ended(body['prompt_id'])

		assert status == 200
		assert body['node_errors']['1']['dependent_outputs'] == ['2']
		assert list(entry['outputs']) == ['4']
