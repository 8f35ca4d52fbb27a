"""What clients are told while ComfyUI-style nodes run."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tests.server.client import Api, Graph, call
from tests.server.comfy.hosting import data_of, fresh, messages, names, number, show


class TestOrder:
	async def test_of_a_job(self, host: Api) -> None:
		"""From its start to its end; states come in between, as many as there is to tell."""
		told = await messages(host, {'1': number(), '2': show('1')})
		types = [item['type'] for item in told if item['type'] not in ('status', 'progress_state')]

		assert types == [
			'execution_start',
			'execution_cached',
			'executing',
			'executing',
			'executed',
			'execution_success',
			'executing',
		]
		assert [item['type'] for item in told][-2:] == ['status', 'executing']

	async def test_cached_outputs(self, host: Api) -> None:
		"""Are told in the order of the prompt, with what they showed; none of the nodes is announced."""
		graph: Graph = {'1': number(), **{str(n): show('1') for n in range(2, 6)}}
		graph |= {str(n): call('TestingUndeclared', first=n, more=['1', 0]) for n in range(6, 9)}
		first = await messages(host, graph)
		again = await messages(host, graph)
		shown = {item['node']: item['output'] for item in data_of(first, 'executed')}

		assert set(data_of(again, 'execution_cached')[0]['nodes']) == set(graph)
		assert names(again, 'executing') == []
		assert names(again, 'executed') == [str(n) for n in range(2, 9)]
		assert {item['node']: item['output'] for item in data_of(again, 'executed')} == shown

	async def test_cached_outputs_in_the_history(self, host: Api) -> None:
		"""Of a job that had nothing to run, also one that nobody listens to."""
		graph: Graph = {'1': number(), '2': show('1')}
		first = await host.ended(await host.submit(graph))
		again = await host.ended(await host.submit(graph))

		assert again['outputs'] == first['outputs'] != {}

	async def test_what_was_renumbered(self, host: Api) -> None:
		"""Is told under its new ids."""
		one = number()
		await messages(host, {'1': one, '2': show('1')})
		told = await messages(host, {'8': one, '9': show('8')})

		assert names(told, 'executing') == []
		assert names(told, 'executed') == ['9']


class TestExpansion:
	async def test_each_node_once(self, host: Api) -> None:
		"""The one that expands, then its children, shown at it; its own result comes without another announcement."""
		told = await messages(
			host, {'1': call('TestingSumTo', count=['2', 0]), '2': call('TestingInt', value=1), '3': show('1')}
		)
		running = [item for item in data_of(told, 'executing') if item['node'] is not None]
		inner = [item for item in running if item['node'].startswith('1.')]

		assert [item['node'] for item in running if item not in inner] == ['2', '1', '3']
		assert [item['node'] for item in inner] == ['1.0.0.1', '1.0.0.2']
		assert {item['display_node'] for item in inner} == {'1'}

	async def test_where_children_belong(self, host: Api) -> None:
		"""The last state says of each who became it, and where it is shown; all are finished."""
		graph: Graph = {
			'1': number(),
			'open': call('TestingLoopOpen', value1=['turns', 0], value2=['1', 0]),
			'turns': call('TestingInt', value=2),
			'down': call('TestingAdd', a=['open', 1], b=-1),
			'more': call('TestingLess', a=0, b=['down', 0]),
			'close': call(
				'TestingLoopClose', flow=['open', 0], condition=['more', 0], value1=['down', 0], value2=['open', 2]
			),
			'show': show('close', 1),
		}
		told = await messages(host, graph)
		states = data_of(told, 'progress_state')[-1]['nodes']
		inner = {node: state for node, state in states.items() if node not in graph}

		assert {state['state'] for state in states.values()} == {'finished'}
		assert {state['display_node_id'] for state in inner.values()} == {'open', 'down', 'more', 'close'}
		assert {state['real_node_id'] for state in inner.values()} == {'close'}
		assert inner['close.0.0.down']['parent_node_id'] == 'close'

	@pytest.mark.parametrize('deep', [False, True])
	async def test_an_error_inside(self, host: Api, deep: bool) -> None:
		"""Names the node that was submitted, with its class; the text is that of the child."""
		graph: Graph = {'1': number(), '2': call('TestingFailInside', value=['1', 0], deep=deep), '3': show('2')}
		[error] = data_of(await messages(host, graph), 'execution_error')

		assert (error['node_id'], error['node_type']) == ('2', 'TestingFailInside')
		assert (error['exception_message'], error['exception_type']) == ('Failed on purpose\n', 'RuntimeError')
		assert any('raise RuntimeError' in line for line in error['traceback'])

	async def test_ids_that_are_taken(self, host: Api) -> None:
		"""Are the expanding node's fault."""
		told = await messages(host, {'1': call('TestingDuplicateIds', value=next(fresh)), '2': show('1')})
		[error] = data_of(told, 'execution_error')

		assert (error['node_id'], error['node_type']) == ('1', 'TestingDuplicateIds')
		assert "'1'" in error['exception_message']

	@pytest.mark.parametrize('before', ['TestingDynamicCycle', 'TestingDuplicateIds'])
	async def test_the_next_job(self, host: Api, before: str) -> None:
		"""Is none the worse for it, and what was made is still there."""
		one = number()
		await messages(host, {'1': one, '2': call(before, value=['1', 0]), '3': show('2')})
		told = await messages(host, {'1': one, '2': show('1')})

		assert names(told, 'executing') == ['2']
		assert data_of(told, 'execution_success')

	async def test_native_outputs_inside(self, host: Api) -> None:
		"""A built-in sink that an expansion brings shows its pictures at the expanding node."""
		graph: Graph = {
			'1': call('TestingImage', content='NOISE', height=8, width=8, batch_size=1),
			'2': call('TestingExpandToNative', image=['1', 0]),
			'3': call('TestingPreview', images=['2', 0]),
		}
		told = await messages(host, graph)
		[inner] = [item for item in data_of(told, 'executed') if item['node'] == '2.0.0.shown']
		[image] = inner['output']['images']
		response = await host.get('/view', **image)

		assert inner['display_node'] == '2'
		assert (response.status, response.content_type) == (200, 'image/png')


class TestCoroutines:
	async def test_announced_once(self, host: Api) -> None:
		"""However many turns they take; all begin before the first has ended."""
		graph: Graph = {}
		for n in range(3):
			graph[f's{n}'] = call('TestingSleep', value=next(fresh), seconds=0.4)
			graph[f'show{n}'] = show(f's{n}')
		told = names(await messages(host, graph), 'executing')

		assert sorted(told) == sorted(graph)
		assert set(told[:3]) == {'s0', 's1', 's2'}

	async def test_inside_of_an_expansion(self, host: Api) -> None:
		"""Sleepers that a node became sleep together as well."""
		told = await messages(host, {'1': call('TestingSleepInside', value=next(fresh)), '2': show('1')})

		assert set(names(told, 'executing')[1:4]) == {'1.0.0.1', '1.0.0.2', '1.0.0.3'}

	async def test_an_error(self, host: Api) -> None:
		"""Ends the job as any other does; what was asleep is not executed."""
		graph: Graph = {
			'0': number(),
			'1': call('TestingSleep', value=['0', 0], seconds=9.0),
			'2': show('1'),
			'3': call('TestingAsyncError', value=['0', 0], seconds=0.05),
			'4': show('3'),
		}
		told = await messages(host, graph)
		[error] = data_of(told, 'execution_error')

		assert (error['node_id'], error['exception_message']) == ('3', 'Failed on purpose, later\n')
		assert error['executed'] == ['0']
		assert not data_of(told, 'execution_success')

	@pytest.mark.parametrize('kind', ['TestingProgress', 'TestingProgressAsync', 'TestingProgressSync'])
	async def test_progress(self, host: Api, kind: str) -> None:
		"""Each tick, with the node's own maximum."""
		told = await messages(host, {'1': number(), '2': call(kind, value=['1', 0], steps=3), '3': show('2')})
		ticks = [(item['node'], item['value'], item['max']) for item in data_of(told, 'progress')]

		assert ticks == [('2', 1, 3), ('2', 2, 3), ('2', 3, 3)]

	async def test_progress_of_another_node(self, host: Api) -> None:
		"""Is told of that one; a node that has its results stays finished."""
		graph: Graph = {
			'1': number(),
			'2': call('TestingProgressElsewhere', value=['1', 0], node='1'),
			'3': show('2'),
		}
		told = await messages(host, graph)
		states = data_of(told, 'progress_state')[-1]['nodes']

		assert [(item['node'], item['value'], item['max']) for item in data_of(told, 'progress')] == [('1', 2, 4)]
		assert {
			node: (state['value'], state['max'], state['state']) for node, state in states.items()
		} == dict.fromkeys(graph, (1, 1, 'finished'))


class TestPictures:
	@pytest.mark.parametrize(('format', 'number'), [('PNG', 2), ('JPEG', 1)])
	async def test_of_a_progress_bar(self, host: Api, format: str, number: int) -> None:
		"""Are sent whole, in their format, each after its tick, though nobody asked for previews."""
		graph: Graph = {
			'1': call('TestingImage', content='WHITE', height=8, width=600 + next(fresh), batch_size=2),
			'2': call('TestingSend', images=['1', 0], format=format),
		}
		async with host.listening('me') as socket:
			told = await socket.until_over(await host.submit(graph, client_id='me'))
		sent = [frame for frame in socket.raw if isinstance(frame, bytes)]
		sizes = []
		for frame in sent:
			with Image.open(io.BytesIO(frame[8:])) as picture:
				sizes.append((picture.format, picture.size))

		assert [frame[:8] for frame in sent] == [bytes((0, 0, 0, 1, 0, 0, 0, number))] * 2
		assert sizes == [(format, (graph['1']['inputs']['width'], 8))] * 2
		assert [item['value'] for item in data_of(told, 'progress')] == [1, 2]

	@pytest.mark.parametrize('whole', [True, False])
	async def test_of_the_typed_interface(self, host: Api, whole: bool) -> None:
		"""The first of a batch, at most 512 pixels a side unless the node wants it whole."""
		graph: Graph = {
			'1': call('TestingImage', content='WHITE', height=8, width=1024 + next(fresh), batch_size=2),
			'2': call('TestingSendTyped', images=['1', 0], whole=whole),
		}
		async with host.listening('me') as socket:
			await socket.until_over(await host.submit(graph, client_id='me'))
		[frame] = [frame for frame in socket.raw if isinstance(frame, bytes)]
		with Image.open(io.BytesIO(frame[8:])) as picture:
			assert (picture.format, picture.width) == ('JPEG', graph['1']['inputs']['width'] if whole else 512)


class TestLazy:
	async def test_announced_again(self, host: Api) -> None:
		"""A node that asks is announced before and after; what it does not ask for is not announced at all."""
		graph: Graph = {
			'mask': call('TestingMask', value=0.0, height=8, width=next(fresh)),
			'a': call('TestingImage', content='WHITE', height=8, width=8, batch_size=1),
			'b': call('TestingImage', content='BLACK', height=8, width=8, batch_size=next(fresh)),
			'mix': call('TestingLazyMix', image1=['a', 0], image2=['b', 0], mask=['mask', 0]),
			'show': call('TestingPreview', images=['mix', 0]),
		}
		graph['a']['inputs']['batch_size'] = next(fresh)
		told = await messages(host, graph)
		states = data_of(told, 'progress_state')[-1]['nodes']

		assert names(told, 'executing') == ['mask', 'mix', 'a', 'mix', 'show']
		assert 'b' not in states


class TestBlocked:
	async def test_some_items(self, host: Api) -> None:
		"""The output shows the others; nothing is told of those."""
		graph: Graph = {
			'1': number(),
			'range': call('TestingIntRange', start=0, stop=4),
			'big': call('TestingLess', a=1, b=['range', 0]),
			'block': call('TestingBlock', value=['range', 0], block=['big', 0], verbose=False),
			'sum': call('TestingAdd', a=['block', 0], b=['1', 0]),
			'show': show('sum'),
		}
		told = await messages(host, graph)
		first = graph['1']['inputs']['value']

		assert [item['output'] for item in data_of(told, 'executed')] == [{'text': [str(first), str(first + 1)]}]
		assert not data_of(told, 'execution_error')

	async def test_a_message_is_told_each_time(self, host: Api) -> None:
		"""A reason is no result: the same prompt says it again, and succeeds again."""
		graph: Graph = {
			'1': number(),
			'2': call('TestingBlock', value=['1', 0], block=True, verbose=True),
			'3': call('TestingAny', value=['2', 0]),
			'4': show('3'),
		}
		for _ in range(2):
			told = await messages(host, graph)
			[error] = data_of(told, 'execution_error')

			assert (error['node_id'], error['exception_type']) == ('3', 'ExecutionBlocked')
			assert data_of(told, 'execution_success')

	async def test_inside_of_an_expansion(self, host: Api) -> None:
		"""The submitted node is named."""
		graph: Graph = {'1': number(), '2': call('TestingBlockInside', value=['1', 0], verbose=True), '3': show('2')}
		[error] = data_of(await messages(host, graph), 'execution_error')

		assert (error['node_id'], error['node_type']) == ('2', 'TestingBlockInside')


class TestInterrupted:
	async def test_a_node_that_swallows_exceptions(self, host: Api) -> None:
		"""Is stopped all the same, and told of; what came before is kept."""
		graph: Graph = {'1': number(), '2': call('TestingUntilInterrupted', value=['1', 0]), '3': show('2')}
		async with host.listening('me') as socket:
			job = await host.submit(graph, client_id='me')
			await socket.until('progress', node='2')
			await host.post('/interrupt', {'prompt_id': 'another'})
			await host.post('/interrupt', {})
			told = await socket.until_over(job)
		[stopped] = data_of(told, 'execution_interrupted')
		entry = await host.ended(job)
		after = await messages(host, {'1': graph['1'], '2': show('1')})

		assert (stopped['node_id'], stopped['node_type']) == ('2', 'TestingUntilInterrupted')
		assert stopped['executed'] == ['1']
		assert not data_of(told, 'execution_error')
		assert (entry['status']['status_str'], entry['status']['completed']) == ('error', False)
		assert names(after, 'executing') == ['2']

	async def test_sleepers(self, host: Api) -> None:
		"""Do not sleep to their end."""
		graph: Graph = {'1': number(), '2': call('TestingSleep', value=['1', 0], seconds=10.0), '3': show('2')}
		async with host.listening('me') as socket:
			job = await host.submit(graph, client_id='me')
			await socket.until('executing', node='2')
			await host.post('/interrupt', {})
			told = await socket.until_over(job)
		[stopped] = data_of(told, 'execution_interrupted')

		assert (stopped['node_id'], stopped['executed']) == ('2', ['1'])


class TestOwners:
	async def test_only_the_owner_hears(self, host: Api) -> None:
		"""Another client gets the status and nothing else."""
		async with host.listening('you') as other:
			await messages(host, {'1': number(), '2': call('TestingProgress', value=['1', 0], steps=3), '3': show('2')})
			job = await host.submit({'1': number(), '2': show('1')}, client_id='you')
			told = await other.until_over(job)
		jobs = {item['data']['prompt_id'] for item in told if item['type'] != 'status'}

		assert jobs == {job}
