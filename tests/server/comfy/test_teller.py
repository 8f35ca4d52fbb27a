"""What connected clients are told of jobs: which messages, in which order, to whom."""

from __future__ import annotations

import itertools
import json
from typing import Any

from tests.server.client import Api, Socket, call, saving, shade, slow, stepping

MIX = {'first': ['1', 0], 'second': ['1', 0], 'share': 0.5, 'mode': 'mean', 'note': ''}
PREVIEWS = {'preview_method': 'auto'}
STATUS_KEYS = {'value', 'max', 'state', 'node_id', 'prompt_id', 'display_node_id', 'parent_node_id', 'real_node_id'}


def types(messages: list[dict[str, Any]]) -> list[str]:
	"""The types of messages, in order."""
	return [message['type'] for message in messages]


def data(messages: list[dict[str, Any]], type: str) -> list[dict[str, Any]]:
	"""The data of the messages of one type."""
	return [message['data'] for message in messages if message['type'] == type]


async def run(api: Api, socket: Socket, graph: dict[str, dict[str, Any]], **fields: object) -> list[dict[str, Any]]:
	"""Run a graph as the client `me`; gives its messages to the end."""
	job = await api.submit(graph, client_id='me', **fields)
	return await socket.until_over(job)


class TestSuccess:
	"""A job that succeeds."""

	async def test_order(self, api: Api) -> None:
		"""From the queue to the end: the exact sequence that clients wait for, with the last state before the success."""
		async with api.listening('me') as socket:
			messages = await run(api, socket, saving())

		assert [type for type in types(messages) if type != 'progress_state'] == [
			'status',
			'status',
			'execution_start',
			'execution_cached',
			'executing',
			'executing',
			'executed',
			'execution_success',
			'status',
			'executing',
		]
		assert types(messages)[-4:-2] == ['progress_state', 'execution_success']
		assert [entry['status']['exec_info']['queue_remaining'] for entry in data(messages, 'status')] == [1, 1, 0]
		assert all('sid' not in entry for entry in data(messages, 'status'))

	async def test_frames_are_compact_and_begin_with_the_type(self, api: Api) -> None:
		"""Clients tell text from binary by the first eight bytes."""
		async with api.listening('me', {}) as socket:
			await run(api, socket, saving())

		assert all(isinstance(frame, str) and frame.startswith('{"type":"') for frame in socket.raw)
		assert all(json.dumps(json.loads(frame), separators=(',', ':')) == frame for frame in socket.raw)

	async def test_history_is_there_before_the_end_is_told(self, api: Api) -> None:
		"""Clients read the history at the last status, or at `executing` null: the entry is complete by then."""
		async with api.listening('me') as socket:
			job = await api.submit(saving(), client_id='me')
			await socket.until('status', status={'exec_info': {'queue_remaining': 0}})
			entry = (await api.json('/history'))[job]

		assert entry['status']['completed']
		assert entry['outputs']

	async def test_messages_say_node_and_job(self, api: Api) -> None:
		"""`executing` and `executed` carry node, display node and job as text; the output is that of the history."""
		async with api.listening('me') as socket:
			job = await api.submit(saving(), client_id='me')
			messages = await socket.until_over(job)
		output = (await api.ended(job))['outputs']['2']

		assert data(messages, 'executing') == [
			{'node': '1', 'display_node': '1', 'prompt_id': job},
			{'node': '2', 'display_node': '2', 'prompt_id': job},
			{'node': None, 'prompt_id': job},
		]
		assert data(messages, 'executed') == [{'node': '2', 'display_node': '2', 'output': output, 'prompt_id': job}]

	async def test_history_keeps_what_was_sent(self, api: Api) -> None:
		"""The messages of the history are those of the socket, to the millisecond."""
		async with api.listening('me') as socket:
			job = await api.submit(saving(), client_id='me')
			messages = await socket.until_over(job)
		kept = (await api.ended(job))['status']['messages']

		told = {'execution_start', 'execution_cached', 'execution_success'}
		assert kept == [[item['type'], item['data']] for item in messages if item['type'] in told]

	async def test_sink_that_shows_nothing_is_not_executed(self, api: Api) -> None:
		"""`executed` comes only with something to show."""
		async with api.listening('me') as socket:
			messages = await run(api, socket, {'1': shade(), '2': call('Show', paper=['1', 0])})

		assert data(messages, 'executed') == []


class TestCached:
	"""A job whose results are there already."""

	async def test_nothing_runs_and_sinks_are_told_again(self, api: Api) -> None:
		"""No node is `executing`; each sink's stored output is told, also if it is none."""
		graph = {**saving(), '3': call('Show', paper=['1', 0])}
		async with api.listening('me') as socket:
			first = await run(api, socket, graph)
			second = await run(api, socket, graph)

		assert data(second, 'execution_cached')[0]['nodes'] == ['1', '2', '3']
		assert [item['node'] for item in data(second, 'executing')] == [None]
		assert {item['node']: item['output'] for item in data(second, 'executed')} == {
			'2': data(first, 'executed')[0]['output'],
			'3': None,
		}
		assert {node['state'] for node in data(second, 'progress_state')[-1]['nodes'].values()} == {'finished'}
		assert types(second)[-3:] == ['execution_success', 'status', 'executing']

	async def test_twin_of_a_step_is_finished_in_silence(self, api: Api) -> None:
		"""Of two equal steps one runs. The other ends up finished too; it is neither `executing` nor `executed`."""
		start = shade()
		mix = call('Mix', first=['1', 0], second=['2', 0], share=0.5, mode='mean', note='')
		async with api.listening('me') as socket:
			messages = await run(
				api, socket, {'1': start, '2': start, '3': mix, '4': call('Save', paper=['3', 0]), '5': stepping()['1']}
			)
		states = data(messages, 'progress_state')

		assert {id: node['state'] for id, node in states[-1]['nodes'].items()} == dict.fromkeys('12345', 'finished')
		assert len({'1', '2'} & {item['node'] for item in data(messages, 'executing')}) == 1
		assert [item['node'] for item in data(messages, 'executed')] == ['4']

	async def test_twin_of_a_sink_is_told(self, api: Api) -> None:
		"""A client waits for every sink it sent: the one that did not run shows the same, also if it is nothing."""
		graph = saving()
		graph = {**graph, '3': graph['2'], '4': call('Show', paper=['1', 0]), '5': call('Show', paper=['1', 0])}
		async with api.listening('me') as socket:
			messages = await run(api, socket, graph)
		told = {item['node']: item['output'] for item in data(messages, 'executed')}

		assert told['2'] is not None
		assert told['2'] == told['3']
		assert [told[node] for node in ('4', '5') if node in told] == [None]

	async def test_only_what_changed_runs(self, api: Api) -> None:
		"""Every node that runs is `executing`; no cached one is."""
		graph = saving()
		async with api.listening('me') as socket:
			await run(api, socket, graph)
			second = await run(api, socket, {**graph, '3': call('Save', paper=['1', 0], prefix='other')})

		assert data(second, 'execution_cached')[0]['nodes'] == ['1', '2']
		assert [item['node'] for item in data(second, 'executing')] == ['3', None]


class TestProgress:
	"""How far nodes have come."""

	async def test_every_step_is_told(self, api: Api) -> None:
		"""Each tick is a `progress_state` of that node and a `progress` with the node's own maximum."""
		async with api.listening('me') as socket:
			job = await api.submit(stepping(4), client_id='me')
			messages = await socket.until_over(job)

		assert data(messages, 'progress') == [
			{'value': value, 'max': 4, 'prompt_id': job, 'node': '1'} for value in (1, 2, 3, 4)
		]
		for before, item in itertools.pairwise(messages):
			if item['type'] == 'progress':
				assert before['type'] == 'progress_state'
				assert before['data']['nodes']['1']['value'] == item['data']['value']

	async def test_last_state_holds_all_nodes_that_began(self, api: Api) -> None:
		"""Each node ends at its maximum; a state tells all that clients may look for."""
		async with api.listening('me') as socket:
			messages = await run(api, socket, saving())
		states = data(messages, 'progress_state')

		assert {id: (node['state'], node['value']) for id, node in states[-1]['nodes'].items()} == {
			'1': ('finished', 1),
			'2': ('finished', 1),
		}
		for id, node in states[-1]['nodes'].items():
			assert node.keys() == STATUS_KEYS
			assert node['node_id'] == node['display_node_id'] == node['real_node_id'] == id
			assert node['parent_node_id'] is None

	async def test_long_bars_are_thinned_out(self, api: Api) -> None:
		"""Twenty thousand ticks do not become as many messages; the last one comes."""
		async with api.listening('me') as socket:
			messages = await run(api, socket, stepping(20_000))
		ticks = data(messages, 'progress')

		assert len(ticks) < 1000
		assert ticks[-1]['value'] == ticks[-1]['max'] == 20_000

	async def test_states_hold_what_changed(self, api: Api) -> None:
		"""A running node comes with its first state, and others no more once they were told; the last state is complete."""
		graph = {'1': shade(), '2': call('Mix', **MIX), '3': call('Slow', seconds=33, after=['2', 0])}
		async with api.listening('me') as socket:
			job = await api.submit(graph, client_id='me')
			before = await socket.until('executing', node='3')
			while not any('3' in state['nodes'] for state in data(before, 'progress_state')):
				before += await socket.until('progress_state')
			await api.web.post('/interrupt')
			after = await socket.until_over(job)
		told = [set(state['nodes']) for state in data(before, 'progress_state')]

		assert set().union(*told) == {'1', '2', '3'}
		assert data(before, 'progress_state')[-1]['nodes']['3']['state'] == 'running'
		assert [set(state['nodes']) for state in data(after, 'progress_state')] == [{'1', '2', '3'}]

	async def test_whole_states_for_those_who_told_flags(self, api: Api) -> None:
		"""A client that sent its flags gets every node each time; one that announced that it knows changes, only those."""
		for flags, whole in (({}, True), ({'progress_deltas': True}, False)):
			async with api.listening('me', flags) as socket:
				job = await api.submit(
					{'1': shade(), '2': call('Mix', **MIX), '3': call('Slow', seconds=30, after=['2', 0])},
					client_id='me',
				)
				messages = await socket.until('executing', node='3')
				while not any('3' in state['nodes'] for state in data(messages, 'progress_state')):
					messages += await socket.until('progress_state')
				await api.web.post('/interrupt')
				messages += await socket.until_over(job)
			told = [set(state['nodes']) for state in data(messages, 'progress_state')]

			assert told[-1] == {'1', '2', '3'}
			assert not whole or all(before <= after for before, after in itertools.pairwise(told))

	async def test_large_graphs_are_not_told_again_and_again(self, api: Api) -> None:
		"""A graph of 300 nodes in a row does not send the state of 300 nodes 600 times; its last one is complete."""
		graph = {'0': shade()}
		for index in range(1, 300):
			upstream = [str(index - 1), 0]
			graph[str(index)] = call('Mix', first=upstream, second=upstream, share=0.5, mode='mean', note='')
		graph['end'] = call('Save', paper=['299', 0])
		async with api.listening('me') as socket:
			messages = await run(api, socket, graph)
		states = data(messages, 'progress_state')

		assert sum(len(state['nodes']) for state in states) < 1300
		assert len(states[-1]['nodes']) == 301
		assert {node['state'] for node in states[-1]['nodes'].values()} == {'finished'}
		assert len(data(messages, 'executing')) == 302


class TestExpansion:
	"""A node that becomes others."""

	async def test_children_are_shown_at_their_parent(self, api: Api) -> None:
		"""Messages about a child name it, and the node at which it is shown; the history says where it belongs."""
		graph = {'1': shade(9), '2': call('Twice', paper=['1', 0]), '3': call('Show', paper=['2', 0])}
		async with api.listening('me') as socket:
			job = await api.submit(graph, client_id='me')
			messages = await socket.until_over(job)
		entry = await api.ended(job)
		child = next(item for item in data(messages, 'executing') if item['node'] not in (*graph, None))
		states = data(messages, 'progress_state')[-1]['nodes']

		assert child == {'node': '2.0.1', 'display_node': '2', 'prompt_id': job}
		assert data(messages, 'executed') == [
			{'node': '2.0.1', 'display_node': '2', 'output': {'text': ['shade 9']}, 'prompt_id': job}
		]
		assert [item['node'] for item in data(messages, 'progress')] == ['2.0.1']
		assert {node['state'] for node in states.values()} == {'finished'}
		assert states['2.0.1'] == {
			'value': 2,
			'max': 2,
			'state': 'finished',
			'node_id': '2.0.1',
			'prompt_id': job,
			'display_node_id': '2',
			'parent_node_id': '2',
			'real_node_id': '2',
		}
		assert entry['outputs'] == {'2.0.1': {'text': ['shade 9']}}
		assert entry['meta']['2.0.1'] == {
			'node_id': '2.0.1',
			'display_node': '2',
			'parent_node': '2',
			'real_node_id': '2',
		}

	async def test_failure_names_the_submitted_node(self, api: Api) -> None:
		"""A client cannot know the child that raised, and is told of the node that it sent, live and in the history."""
		graph = {'1': shade(), '2': call('Twice', paper=['1', 0], fails=True), '3': call('Show', paper=['2', 0])}
		async with api.listening('me') as socket:
			job = await api.submit(graph, client_id='me')
			[error] = data(await socket.until_over(job), 'execution_error')
		kept = (await api.ended(job))['status']['messages'][-1]

		assert (error['node_id'], error['node_type'], error['exception_message']) == ('2', 'Twice', 'inside\n')
		assert kept == ['execution_error', error]


class TestBlocked:
	"""A node that is passed over, with a message."""

	async def test_is_told_and_the_run_goes_on(self, api: Api) -> None:
		"""It looks like a failure without a traceback; the rest is saved, the job succeeds, the history is silent."""
		graph = {**saving(), '3': call('Gate', paper=['1', 0]), '4': call('Show', paper=['3', 0])}
		async with api.listening('me') as socket:
			job = await api.submit(graph, client_id='me')
			messages = await socket.until_over(job)
		[error] = data(messages, 'execution_error')
		entry = await api.ended(job)

		assert (error['node_id'], error['node_type']) == ('4', 'Show')
		assert (error['exception_type'], error['exception_message']) == ('ExecutionBlocked', 'The gate is closed.\n')
		assert error['traceback'] == []
		assert error['current_inputs'] == {}
		assert [item['node'] for item in data(messages, 'executed')] == ['2']
		assert types(messages)[-3:] == ['execution_success', 'status', 'executing']
		assert entry['status']['completed']
		assert 'execution_error' not in [name for name, _ in entry['status']['messages']]


class TestFailure:
	"""A job whose node raises."""

	async def test_order_and_fields(self, api: Api) -> None:
		"""`execution_error` with everything about it, then `status` and the end; no success, nothing more is run."""
		graph = {'1': shade(7), '2': call('Fail', paper=['1', 0], text='it broke'), '3': call('Save', paper=['2', 0])}
		async with api.listening('me') as socket:
			messages = await run(api, socket, graph)
		error = data(messages, 'execution_error')[0]

		assert types(messages)[-3:] == ['execution_error', 'status', 'executing']
		assert 'execution_success' not in types(messages)
		assert [item['node'] for item in data(messages, 'executing')] == ['1', '2', None]
		assert (error['node_id'], error['node_type'], error['executed']) == ('2', 'Fail', ['1'])
		assert error['exception_message'] == 'it broke\n'
		assert error['exception_type'] == 'RuntimeError'
		assert any('fail' in line for line in error['traceback'])
		assert error['current_inputs']['text'] == ['it broke']
		assert isinstance(error['current_inputs']['paper'][0], str)
		assert isinstance(error['current_outputs'], list)
		assert isinstance(error['timestamp'], int)

	async def test_next_job_works(self, api: Api) -> None:
		"""What was finished before the failure is not run again."""
		start = shade()
		failing = {'1': start, '2': call('Fail', paper=['1', 0], text='x'), '3': call('Save', paper=['2', 0])}
		async with api.listening('me') as socket:
			await run(api, socket, failing)
			messages = await run(api, socket, {'1': start, '2': call('Save', paper=['1', 0])})

		assert data(messages, 'execution_cached')[0]['nodes'] == ['1']
		assert types(messages)[-3:] == ['execution_success', 'status', 'executing']


class TestInterrupted:
	"""A job that is stopped."""

	async def test_order_and_fields(self, api: Api) -> None:
		"""`execution_interrupted` says where, then `status` and the end."""
		graph = {'1': shade(), '2': call('Mix', **MIX), '3': call('Slow', seconds=33, after=['2', 0])}
		async with api.listening('me') as socket:
			job = await api.submit(graph, client_id='me')
			await socket.until('executing', node='3')
			await api.web.post('/interrupt')
			messages = await socket.until_over(job)
		stopped = data(messages, 'execution_interrupted')[0]

		assert types(messages)[-4:] == ['progress_state', 'execution_interrupted', 'status', 'executing']
		assert stopped.keys() == {'prompt_id', 'node_id', 'node_type', 'executed', 'timestamp'}
		assert (stopped['prompt_id'], stopped['node_id'], stopped['node_type']) == (job, '3', 'Slow')
		assert set(stopped['executed']) == {'1', '2'}

	async def test_of_a_job_without_client_is_told_to_all(self, api: Api) -> None:
		"""Nobody owns it, so everybody hears."""
		async with api.listening('me') as socket:
			job = await api.submit(slow())
			await api.running(job)
			await api.web.post('/interrupt')
			messages = await socket.until('execution_interrupted', prompt_id=job)

		assert set(types(messages)) == {'status', 'execution_interrupted'}


class TestWhoIsTold:
	"""Each job's events go to the client that submitted it."""

	async def test_events_reach_only_the_owner(self, api: Api) -> None:
		"""Another client, and one without an id, get the status and nothing else."""
		async with api.listening('me') as mine, api.listening('other') as other, api.listening() as nameless:
			job = await api.submit(stepping(2), client_id='me', extra_data=PREVIEWS)
			messages = await mine.until_over(job)
			for socket in (other, nameless):
				await socket.until('status', status={'exec_info': {'queue_remaining': 0}})
				assert await socket.silent()

		assert 'executing' in types(messages)
		for socket in (other, nameless):
			assert {json.loads(frame)['type'] for frame in socket.raw} == {'status'}

	async def test_job_without_client_runs_in_silence(self, api: Api) -> None:
		"""Nothing but the status is told; the history is complete."""
		async with api.listening('me') as socket:
			entry = await api.ended(await api.submit({**saving(), '3': stepping(2)['1']}))
			await socket.until('status', status={'exec_info': {'queue_remaining': 0}})
			assert await socket.silent()

		assert {json.loads(frame)['type'] for frame in socket.raw} == {'status'}
		assert entry['status']['completed']
		assert entry['outputs']

	async def test_client_named_in_the_extra_data(self, api: Api) -> None:
		"""Some clients say who they are only there."""
		async with api.listening('inside') as socket:
			job = await api.submit(saving(), extra_data={'client_id': 'inside'})

			assert 'execution_success' in types(await socket.until_over(job))

	async def test_absent_owner_hurts_nobody(self, api: Api) -> None:
		"""A job whose client is not connected runs all the same."""
		assert (await api.ended(await api.submit(stepping(), client_id='nobody')))['status']['completed']

	async def test_everybody_hears_of_the_queue(self, api: Api) -> None:
		"""Coming, starting and ending of every job are told to all."""
		async with api.listening('a') as one, api.listening('b') as two:
			await api.ended(await api.submit(saving(), client_id='a'))
			for socket in (one, two):
				await socket.until('status', status={'exec_info': {'queue_remaining': 0}})
		counts = [
			[
				message['data']['status']['exec_info']['queue_remaining']
				for message in map(json.loads, socket.raw)
				if message['type'] == 'status'
			]
			for socket in (one, two)
		]

		# The first is that of the greeting.
		assert counts == [[0, 1, 1, 0], [0, 1, 1, 0]]
