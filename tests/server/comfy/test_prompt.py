"""POST /prompt: what is queued, what is refused and how that is told."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.server.client import Api, Graph, call, saving, shade, slow, stepping


async def refused(api: Api, graph: object, **fields: object) -> dict[str, Any]:
	"""The body of a prompt that is refused; both keys that clients look for are there."""
	response = await api.post('/prompt', {'prompt': graph, **fields})
	body: dict[str, Any] = await response.json()

	assert response.status == 400, body
	assert body.keys() == {'error', 'node_errors'}
	assert body['error'].keys() == {'type', 'message', 'details', 'extra_info'}
	return body


async def reason(api: Api, node: dict[str, Any], others: Graph | None = None) -> dict[str, Any]:
	"""The only reason why a graph with this sink is refused."""
	body = await refused(api, {'1': shade(), '2': node, **(others or {})})

	assert body['error']['type'] == 'prompt_outputs_failed_validation'
	assert list(body['node_errors']) == ['2']
	assert body['node_errors']['2']['dependent_outputs'] == ['2']
	assert body['node_errors']['2']['class_type'] == node['class_type']
	reasons = body['node_errors']['2']['errors']
	assert len(reasons) == 1
	assert reasons[0].keys() == {'type', 'message', 'details', 'extra_info'}
	assert reasons[0]['details'] in body['error']['details']
	found: dict[str, Any] = reasons[0]
	return found


class TestAccepted:
	"""Graphs that run."""

	async def test_answer_names_the_job(self, api: Api) -> None:
		"""A good graph gives its id, its number, and no errors."""
		status, body = await api.prompt(saving())

		assert status == 200
		assert body.keys() == {'prompt_id', 'number', 'node_errors'}
		assert str(uuid.UUID(body['prompt_id'])) == body['prompt_id']
		assert body['node_errors'] == {}
		await api.ended(body['prompt_id'])

	@pytest.mark.parametrize('id', ['0b8a5c1e-6f0d-4a57-9d3c-2f1f3c0f6f1a', 'my job 7', 'a/b?c'])
	async def test_client_chooses_the_id(self, api: Api, id: str) -> None:
		"""A client's own id is used everywhere."""
		async with api.listening('chooser') as socket:
			job = await api.submit(saving(), prompt_id=id, client_id='chooser')
			messages = await socket.until_over(id)
		history = await api.json('/history')

		assert job == id
		assert history[id]['prompt'][1] == id
		assert {message['data'].get('prompt_id', id) for message in messages} == {id}

	async def test_numeric_and_null_ids(self, api: Api) -> None:
		"""A number is taken as text; null is as good as nothing."""
		assert await api.submit(saving(), prompt_id=77) == '77'
		assert len(await api.submit(saving(), prompt_id=None)) == 36

	async def test_number_in_text_is_converted(self, api: Api) -> None:
		"""`"5"` for a whole number is accepted, and listed as the number it is."""
		graph = {'1': call('Shade', value='5', seed='1'), '2': call('Save', paper=['1', 0])}
		entry = await api.ended(await api.submit(graph))

		assert entry['prompt'][2]['1']['inputs'] == {'value': 5, 'seed': 1}
		assert entry['status']['completed']

	async def test_wrapped_list_is_no_link(self, api: Api) -> None:
		"""`{"__value__": [1, 2]}` is data: it is taken for a value, here one that does not fit."""
		graph = {'1': shade(), '2': call('Save', paper=['1', 0], prefix={'__value__': ['1', 0]})}
		found = (await refused(api, graph))['node_errors']['2']['errors'][0]

		assert found['type'] == 'invalid_input_type'
		assert found['extra_info']['received_value'] == ['1', 0]

	async def test_undeclared_inputs_are_let_pass(self, api: Api) -> None:
		"""Front ends send values of widgets that only they know."""
		graph = {'1': shade(), '2': call('Save', paper=['1', 0], upload='image', speed=[1, 2, 3])}

		assert (await api.ended(await api.submit(graph)))['status']['completed']

	async def test_good_sink_runs_beside_a_bad_one(self, api: Api) -> None:
		"""With one sink good, the answer is 200, tells of the bad one, and the good one's picture is made."""
		graph = {**saving(), '3': call('Save', paper=['missing', 0])}
		status, body = await api.prompt(graph)
		entry = await api.ended(body['prompt_id'])

		assert status == 200
		assert list(body['node_errors']) == ['3']
		assert body['node_errors']['3']['errors'][0]['type'] == 'bad_linked_input'
		assert entry['prompt'][4] == ['2']
		assert list(entry['outputs']) == ['2']

	async def test_targets_select_sinks(self, api: Api) -> None:
		"""Only the listed sinks run, with what they need; ids that are no sinks are passed over."""
		graph: Graph = {**saving(), '3': shade(), '4': call('Save', paper=['3', 0])}
		async with api.listening('part') as socket:
			fields = {'partial_execution_targets': ['4', '1', 'nowhere'], 'client_id': 'part'}
			messages = await socket_run(api, graph, socket, fields)

		executed = [item['data']['node'] for item in messages if item['type'] == 'executing' and item['data']['node']]
		assert executed == ['3', '4']

	async def test_secrets_are_never_listed(self, api: Api) -> None:
		"""Keys to paid services that clients send along are in neither queue nor history."""
		secrets = {'auth_token_comfy_org': 'SECRET-1', 'api_key_comfy_org': 'SECRET-2', 'other': 'kept'}
		first = await api.submit(slow(), extra_data=secrets)
		second = await api.submit(saving(), extra_data=secrets)
		await api.running(first)
		queue = await (await api.get('/queue')).text()
		await api.web.post('/interrupt')
		await api.ended(second)
		history = await (await api.get('/history')).text()

		for text in (queue, history):
			assert 'SECRET' not in text
			assert text.count('"other":"kept"') == 2

	@pytest.mark.parametrize(('extra', 'told'), [({}, 'header'), ({'comfy_usage_source': 'body'}, 'body')])
	async def test_what_the_client_is(self, api: Api, extra: dict[str, str], told: str) -> None:
		"""Is said in a header, unless the extra data say it."""
		body = {'prompt': saving(), 'extra_data': extra}
		response = await api.web.post('/prompt', json=body, headers={'Comfy-Usage-Source': 'header'})
		entry = await api.ended((await response.json())['prompt_id'])

		assert entry['prompt'][3]['comfy_usage_source'] == told

	async def test_extra_data_holds_client_and_time(self, api: Api) -> None:
		"""The client's id and the moment of arrival in milliseconds are among the extra data."""
		entry = await api.ended(await api.submit(saving(), client_id='someone', extra_data={'create_time': 1}))

		assert entry['prompt'][3]['client_id'] == 'someone'
		assert entry['prompt'][3]['create_time'] > 1_600_000_000_000


async def socket_run(api: Api, graph: Graph, socket: Any, fields: dict[str, Any]) -> list[dict[str, Any]]:
	"""Run a graph and give its messages."""
	job = await api.submit(graph, **fields)
	messages: list[dict[str, Any]] = await socket.until_over(job)
	return messages


class TestNumbers:
	"""The order of the queue."""

	async def order(self, api: Api, fields: list[dict[str, object]]) -> list[str]:
		"""Submit behind a job that holds the worker; gives names in the order of the queue."""
		await api.idle()
		first = await api.submit(slow())
		await api.running(first)
		jobs = {await api.submit(saving(), **given): str(index) for index, given in enumerate(fields)}
		return [jobs[item[1]] for item in (await api.json('/queue'))['queue_pending']]

	async def test_arrival_order(self, api: Api) -> None:
		"""Jobs run in the order in which they came, also those with equal numbers."""
		assert await self.order(api, [{}, {}, {}]) == ['0', '1', '2']
		assert await self.order(api, [{'number': 5}, {'number': 5}, {'number': 5}]) == ['0', '1', '2']

	async def test_front_and_number(self, api: Api) -> None:
		"""`front` goes before what waits, an explicit number to its place."""
		assert await self.order(api, [{}, {'front': True}, {'number': -1e9}]) == ['2', '1', '0']

	async def test_refused_prompt_uses_up_a_number(self, api: Api) -> None:
		"""Numbers are given before the graph is looked at."""
		_, before = await api.prompt(saving())
		await refused(api, {})
		_, after = await api.prompt(saving())

		assert after['number'] == before['number'] + 2


class TestRefused:
	"""Graphs of which nothing can run."""

	async def test_no_prompt(self, api: Api) -> None:
		"""A body without a prompt."""
		response = await api.post('/prompt', {'client_id': 'x'})
		body = await response.json()

		assert response.status == 400
		assert body['error']['type'] == 'no_prompt'
		assert body['node_errors'] == {}

	@pytest.mark.parametrize('prompt', [[], 'text', 5, True, {'1': None}, {'1': []}, {'1': {'inputs': []}}])
	async def test_prompt_that_is_no_graph(self, api: Api, prompt: object) -> None:
		"""A prompt that is not an object of objects."""
		assert (await refused(api, prompt))['error']['type'] == 'invalid_prompt'

	async def test_unknown_kind_names_the_node(self, api: Api) -> None:
		"""A kind that is not installed is told with id, kind and title of the node, even far from any sink."""
		graph = {**saving(), '9': {'class_type': 'Sahde', 'inputs': {}, '_meta': {'title': 'My node'}}}
		body = await refused(api, graph)

		assert body['error']['type'] == 'missing_node_type'
		assert body['error']['extra_info'] == {'node_id': '9', 'class_type': 'Sahde', 'node_title': 'My node'}
		assert "'#9'" in body['error']['details']
		assert "'Shade'" in body['error']['details']
		assert body['node_errors'] == {}

	async def test_node_without_class_type(self, api: Api) -> None:
		"""The official front end sends nodes that it does not know without a kind."""
		body = await refused(api, {**saving(), '9': {'inputs': {'UNKNOWN': 1}}})

		assert body['error']['type'] == 'missing_node_type'
		assert body['error']['extra_info']['class_type'] is None

	@pytest.mark.parametrize('graph', [{}, {'1': call('Shade', value=1, seed=1)}])
	async def test_no_sink(self, api: Api, graph: Graph) -> None:
		"""A graph that saves and shows nothing."""
		error = (await refused(api, graph))['error']

		assert error['type'] == 'prompt_no_outputs'
		assert error['details'] == ''
		assert error['extra_info'] == {}

	async def test_empty_targets_select_nothing(self, api: Api) -> None:
		"""An empty list of targets is not the same as none."""
		body = await refused(api, saving(), partial_execution_targets=[])

		assert body['error']['type'] == 'prompt_no_outputs'

	async def test_empty_id(self, api: Api) -> None:
		"""An id of no characters is none."""
		assert (await refused(api, saving(), prompt_id=''))['error']['type'] == 'invalid_prompt_id'

	async def test_taken_id(self, api: Api) -> None:
		"""An id that a job has is refused, whether that job waits, runs or is over; the job is left alone."""
		job = await api.submit(slow(), prompt_id='taken')
		await api.running(job)
		running = await refused(api, saving(), prompt_id='taken')
		await api.web.post('/interrupt')
		await api.ended(job)
		over = await refused(api, saving(), prompt_id='taken')

		assert running['error']['type'] == over['error']['type'] == 'invalid_prompt_id'
		assert 'taken' in running['error']['message']

	async def test_missing_input(self, api: Api) -> None:
		"""A required input that is not there."""
		found = await reason(api, call('Save'))

		assert found['type'] == 'required_input_missing'
		assert found['details'] == 'paper'
		assert found['extra_info'] == {'input_name': 'paper'}

	@pytest.mark.parametrize(('count', 'type'), [(0, 'value_smaller_than_min'), (100_001, 'value_bigger_than_max')])
	async def test_number_out_of_bounds(self, api: Api, count: int, type: str) -> None:
		"""A number below its minimum or above its maximum, with the bounds and the value."""
		found = await reason(api, call('Steps', count=count, seed=0))

		assert found['type'] == type
		assert found['extra_info']['input_name'] == 'count'
		assert found['extra_info']['received_value'] == count
		assert found['extra_info']['input_config'] == ['INT', {'default': 3, 'min': 1, 'max': 100_000}]

	async def test_value_of_wrong_type(self, api: Api) -> None:
		"""Text that is no number."""
		found = await reason(api, call('Steps', count='foo', seed=0))

		assert found['type'] == 'invalid_input_type'
		assert found['details'].startswith('count')
		assert found['extra_info']['received_value'] == 'foo'
		assert 'foo' in found['extra_info']['exception_message']

	async def test_value_not_in_list(self, api: Api) -> None:
		"""A choice that is none; the list goes along unless it is long."""
		node = call('Pick', number='99', image='none.png', model='none.safetensors')
		reasons = (await refused(api, {'1': node}))['node_errors']['1']['errors']
		number, image, model = (found['extra_info'] for found in reasons)

		assert {found['type'] for found in reasons} == {'value_not_in_list'}
		assert number == {'input_name': 'number', 'input_config': None, 'received_value': '99'}
		assert reasons[0]['details'] == "number: '99' not in (list of length 30)"
		assert model['input_config'][0] == ['one.safetensors', 'sub/two.safetensors']
		assert 'seen.png' in image['input_config'][0]
		assert reasons[1]['details'].startswith("image: 'none.png' not in [")

	@pytest.mark.parametrize('link', [[], ['1'], ['1', 0, 0], [{}, 0], ['1', 'x'], ['1', 9], ['1', -1], ['no', 0]])
	async def test_bad_link(self, api: Api, link: list[object]) -> None:
		"""A link of the wrong form, to no node, or to no output."""
		found = await reason(api, call('Save', paper=link))

		assert found['type'] == 'bad_linked_input'
		assert found['details'].startswith('paper')
		assert found['extra_info']['received_value'] == link
		assert found['extra_info']['input_config'] == ['PAPER', {}]

	async def test_type_mismatch(self, api: Api) -> None:
		"""A link that brings what the input does not take."""
		others = {'5': call('Mix', first=['1', 0], second=['1', 0], share=0.5, mode='mean', note='')}
		found = await reason(api, call('Save', paper=['5', 1]), others)

		assert found['type'] == 'return_type_mismatch'
		assert found['extra_info']['received_type'] == 'INT'
		assert found['extra_info']['linked_node'] == ['5', 1]
		assert found['extra_info']['input_config'] == ['PAPER', {}]
		assert 'PAPER' in found['details']
		assert 'INT' in found['details']

	async def test_circle(self, api: Api) -> None:
		"""Nodes that need each other are all told, each with the whole circle."""
		graph = {
			'a': call('Fail', paper=['b', 0], text=''),
			'b': call('Fail', paper=['a', 0], text=''),
			's': call('Save', paper=['b', 0]),
		}
		errors = (await refused(api, graph))['node_errors']

		assert errors.keys() == {'a', 'b'}
		for node, told in errors.items():
			assert told['dependent_outputs'] == ['s']
			assert told['errors'][0]['type'] == 'dependency_cycle'
			assert told['errors'][0]['extra_info']['node_id'] == node
			assert set(told['errors'][0]['extra_info']['cycle_nodes']) == {'a', 'b'}
			assert '(Fail) -> ' in told['errors'][0]['details']

	async def test_all_problems_are_told(self, api: Api) -> None:
		"""Every problem of every node in one answer, each node with the sinks that it spoils."""
		graph = {
			'1': call('Shade', value=999, seed=-1),
			'2': call('Save', paper=['1', 0]),
			'3': call('Save', paper=['1', 0], prefix=[]),
		}
		body = await refused(api, graph)

		assert len(body['node_errors']['1']['errors']) == 2
		assert body['node_errors']['1']['dependent_outputs'] == ['2', '3']
		assert '2' not in body['node_errors']
		assert len(body['error']['details'].splitlines()) == 3

	async def test_good_prompt_works_after_refusals(self, api: Api) -> None:
		"""A refused prompt leaves no trace: not in the queue, not in the history, not in the next job."""
		for graph in ({}, {'1': call('Nope')}, {'1': call('Save')}):
			await refused(api, graph)
		job = await api.submit(saving())
		await api.ended(job)

		assert list(await api.json('/history')) == [job]

	async def test_the_same_again_after_its_file_has_gone(self, api: Api, base: Path) -> None:
		"""A prompt that was good is looked at anew each time: what it names must still be there."""
		graph = {'1': call('Pick', number='1', image='seen.png', model='gone.safetensors')}
		model = base / 'models' / 'checkpoints' / 'gone.safetensors'
		model.write_bytes((2).to_bytes(8, 'little') + b'{}')
		await api.ended(await api.submit(graph))
		model.unlink()
		body = await refused(api, graph)

		assert [error['type'] for error in body['node_errors']['1']['errors']] == ['value_not_in_list']

	async def test_deep_chain_is_checked(self, api: Api) -> None:
		"""A graph of a thousand nodes in a row is checked and run as any other."""
		graph = {'0': shade()}
		for index in range(1, 1000):
			upstream = [str(index - 1), 0]
			graph[str(index)] = call('Mix', first=upstream, second=upstream, share=0.5, mode='mean', note='')
		graph['end'] = call('Save', paper=['999', 0])

		assert (await api.ended(await api.submit(graph)))['status']['completed']


class TestValidators:
	"""Nodes that judge their values themselves."""

	async def test_refusal_is_told_with_the_value(self, api: Api) -> None:
		"""The worker is asked before anything is queued; what the node says is in the details."""
		found = await reason(api, call('Even', value=3))

		assert found['type'] == 'custom_validation_failed'
		assert '3 is odd.' in found['details']
		assert found['extra_info']['received_value'] == 3

	async def test_accepted_value_runs(self, api: Api) -> None:
		"""A node that has nothing against its value runs like any other."""
		assert (await api.ended(await api.submit({'1': call('Even', value=4)})))['status']['completed']

	async def test_while_a_job_runs(self, api: Api) -> None:
		"""A validator is asked at once, whatever the worker is computing."""
		await api.running(await api.submit(slow()))
		found = await reason(api, call('Even', value=5))

		assert '5 is odd.' in found['details']

	async def test_other_sinks_run(self, api: Api) -> None:
		"""One refused sink does not hold back the others."""
		status, body = await api.prompt({**saving(), '3': call('Even', value=7)})

		assert status == 200
		assert list(body['node_errors']) == ['3']
		assert list((await api.ended(body['prompt_id']))['outputs']) == ['2']


class TestPreviews:
	"""Previews are asked for by the job."""

	@pytest.mark.parametrize(
		('method', 'count'), [(None, 0), ('none', 0), ('default', 0), ('auto', 3), ('latent2rgb', 3), ('taesd', 3)]
	)
	async def test_preview_method(self, api: Api, method: str | None, count: int) -> None:
		"""No binary frames by default: simple clients take each for a result."""
		async with api.listening('looker') as socket:
			job = await api.submit(stepping(3), client_id='looker', extra_data={'preview_method': method})
			await socket.until_over(job)

		assert sum(isinstance(frame, bytes) for frame in socket.raw) == count
