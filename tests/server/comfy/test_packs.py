"""ComfyUI-style packs through the real server: what clients see of checking, running and failing."""

from __future__ import annotations

import pytest

from tests.server.client import Api, Graph, call
from tests.server.comfy.hosting import errors_of, fresh, messages, names, number, show


class TestDiscovery:
	async def test_object_info(self, host: Api) -> None:
		"""A pack's nodes are listed with their origin, and with options that nobody here knows."""
		info = await host.json('/object_info')

		assert info['SingleFileDouble']['python_module'] == 'custom_nodes.single_file'
		assert info['TestingLazyMix']['input']['required']['image1'] == ['IMAGE', {'lazy': True}]
		assert info['TestingSumList']['is_input_list'] is True
		assert info['TestingIntRange']['output_is_list'] == [True]
		assert info['TestingChoices']['input']['required']['file'][1]['unknown_key'] == {'kept': [1, 2]}
		assert info['TestingChoices']['input']['required']['value'][0] == [1, 2.5, True, 'text']

	async def test_packs(self, host: Api) -> None:
		"""How each was loaded; a class that cannot be described does not keep its pack's others away."""
		packs = (await host.json('/v1/packs'))['packs']
		broken = {pack['name']: 'no inputs today' in pack['error'] for pack in packs}
		assert broken == {'companion pack': True, 'single_file': False, 'testing-pack': False}


class TestChecking:
	@pytest.mark.parametrize(
		('kind', 'value', 'words'),
		[
			('TestingValidateValue', 101, 'value must lie from 0 to 100'),
			('TestingValidateAll', 101, 'too large: value'),
			('TestingValidateAsync', 51, 'value must be 50 at most'),
			('TestingValidateFalse', 5, ''),
		],
	)
	async def test_a_validator_refuses(self, host: Api, kind: str, value: int, words: str) -> None:
		"""In its own words; also where it is a coroutine."""
		[error] = await errors_of(host, {'1': call(kind, value=value), '2': show('1')}, '1')

		assert error['type'] == 'custom_validation_failed'
		assert words in error['details']

	@pytest.mark.parametrize(
		('kind', 'value'), [('TestingValidateValue', 50), ('TestingValidateAll', 50), ('TestingValidateAsync', 50)]
	)
	async def test_a_validator_takes_what_the_declaration_would_not(self, host: Api, kind: str, value: int) -> None:
		"""Bounds of inputs that it names are its own affair."""
		job = await host.submit({'1': call(kind, value=value), '2': show('1')})

		assert (await host.ended(job))['outputs']['2'] == {'text': ['50']}

	async def test_the_type_is_checked_all_the_same(self, host: Api) -> None:
		"""A word for a number is refused, a number written as a text is taken."""
		[error] = await errors_of(host, {'1': call('TestingValidateValue', value='foo'), '2': show('1')}, '1')
		job = await host.submit({'1': call('TestingValidateValue', value='42'), '2': show('1')})

		assert error['type'] == 'invalid_input_type'
		assert (await host.ended(job))['outputs']['2'] == {'text': ['42']}

	async def test_a_validator_of_types(self, host: Api) -> None:
		"""It sees what the links bring, and the declaration's type does not count."""
		good = await host.submit({'1': number(), '2': call('TestingValidateTypes', value=['1', 0]), '3': show('2')})
		bad: Graph = {
			'1': call('TestingSplit', text='a'),
			'2': call('TestingValidateTypes', value=['1', 0]),
			'3': show('2'),
		}
		[error] = await errors_of(host, bad, '2')

		assert (await host.ended(good))['status']['completed']
		assert 'a number is wanted, not STRING' in error['details']

	async def test_wildcards_join_anything(self, host: Api) -> None:
		"""A class of type that is equal to all others, on either side."""
		job = await host.submit({'1': number(), '2': call('TestingAny', value=['1', 0]), '3': show('2')})

		assert (await host.ended(job))['status']['completed']

	async def test_a_type_mismatch(self, host: Api) -> None:
		"""Text where a number is taken."""
		graph: Graph = {
			'1': call('TestingSplit', text='a'),
			'2': call('TestingAdd', a=['1', 0], b=1),
			'3': show('2'),
		}
		[error] = await errors_of(host, graph, '2')

		assert error['type'] == 'return_type_mismatch'

	async def test_one_output_of_two_is_bad(self, host: Api) -> None:
		"""The other one runs, and the answer tells of the first."""
		graph: Graph = {'1': number(), '2': show('1'), '3': call('TestingShow', value=['nowhere', 0])}
		status, body = await host.prompt(graph)

		assert status == 200
		assert list(body['node_errors']) == ['3']
		assert list((await host.ended(body['prompt_id']))['outputs']) == ['2']

	async def test_partial_targets(self, host: Api) -> None:
		"""Only the listed outputs and what they need; ids that are none are passed over; an empty list is refused."""
		graph: Graph = {'1': number(), '2': show('1'), '3': show('1')}
		job = await host.submit(graph, partial_execution_targets=['3', '1'])
		status, _ = await host.prompt(graph, partial_execution_targets=[])

		assert list((await host.ended(job))['outputs']) == ['3']
		assert status == 400

	async def test_a_list_as_a_value(self, host: Api) -> None:
		"""`__value__` keeps it from being read as a link."""
		graph: Graph = {'1': call('TestingUndeclared', first=1, more={'__value__': [1, 2]})}
		job = await host.submit(graph)

		assert (await host.ended(job))['outputs']['1'] == {'text': ['first=1', 'more=[1, 2]']}


class TestMessages:
	async def test_a_lazy_node_is_announced_twice(self, host: Api) -> None:
		"""Before and after its input."""
		graph: Graph = {
			'1': number(),
			'2': number(),
			'3': call('TestingAsyncLazy', first=True, a=['1', 0], b=['2', 0]),
			'4': show('3'),
		}

		assert names(await messages(host, graph), 'executing') == ['3', '1', '3', '4']

	async def test_an_expansion(self, host: Api) -> None:
		"""Its nodes are shown at the node that became them; the history says where they belong."""
		graph: Graph = {
			'1': call('TestingExpandToOutputs', value=['2', 0]),
			'2': number(),
			'3': show('1'),
		}
		told = await messages(host, graph)
		inner = [item['data'] for item in told if item['type'] == 'executed' and item['data']['node'].startswith('1.')]
		[job] = {item['data']['prompt_id'] for item in told if item['type'] == 'executed'}
		entry = await host.ended(job)

		assert [item['display_node'] for item in inner] == ['1']
		assert entry['meta'][inner[0]['node']] == {
			'node_id': inner[0]['node'],
			'display_node': '1',
			'parent_node': '1',
			'real_node_id': '1',
		}

	async def test_a_blocked_branch(self, host: Api) -> None:
		"""Is told as an error of its own kind; the run goes on and succeeds."""
		graph: Graph = {
			'1': number(),
			'2': call('TestingBlock', value=['1', 0], block=True, verbose=True),
			'3': show('2'),
			'4': show('1'),
		}
		told = await messages(host, graph)
		[error] = [item['data'] for item in told if item['type'] == 'execution_error']
		entry = await host.ended(error['prompt_id'])

		assert (error['node_id'], error['exception_type']) == ('3', 'ExecutionBlocked')
		assert 'Blocked on purpose' in error['exception_message']
		assert (error['traceback'], error['current_inputs']) == ([], {})
		assert 'execution_success' in [item['type'] for item in told]
		assert list(entry['outputs']) == ['4']
		assert 'execution_error' not in [name for name, _ in entry['status']['messages']]

	async def test_a_circle_that_an_expansion_made(self, host: Api) -> None:
		"""Is blamed on the expanding node, by the name that clients know."""
		told = await messages(host, {'1': call('TestingDynamicCycle', value=next(fresh)), '2': show('1')})
		[error] = [item['data'] for item in told if item['type'] == 'execution_error']

		assert (error['node_id'], error['exception_type']) == ('1', 'graph.DependencyCycleError')
		assert error['traceback'] == []

	async def test_an_error_inside_an_expansion(self, host: Api) -> None:
		"""Names the node that was submitted."""
		graph: Graph = {
			'1': call('TestingLoopOpen', value1=['2', 0]),
			'2': number(),
			'3': call('TestingError', value=['1', 1]),
			'4': show('3'),
		}
		told = await messages(host, graph)
		[error] = [item['data'] for item in told if item['type'] == 'execution_error']

		assert (error['node_id'], error['node_type']) == ('3', 'TestingError')

	async def test_sleepers_together(self, host: Api) -> None:
		"""All are announced before any of them has ended."""
		graph: Graph = {'0': number()}
		for index in range(3):
			graph[f's{index}'] = call('TestingSleep', value=['0', 0], seconds=0.2 + index / 1000)
			graph[f'show{index}'] = show(f's{index}')
		told = await messages(host, graph)
		announced = names(told, 'executing')

		assert sorted(announced[1:4]) == ['s0', 's1', 's2']

	async def test_cached_outputs_are_told_again(self, host: Api) -> None:
		"""With what they showed, and without being announced."""
		graph: Graph = {'1': number(), '2': show('1')}
		await messages(host, graph)
		told = await messages(host, graph)
		executed = [item['data'] for item in told if item['type'] == 'executed']

		assert names(told, 'executing') == []
		assert [item['output'] for item in executed] == [{'text': [str(graph['1']['inputs']['value'])]}]

	async def test_a_job_after_a_failed_one(self, host: Api) -> None:
		"""Works, and finds what the failed one had made."""
		one = number()
		await messages(host, {'1': one, '2': call('TestingAsyncError', value=['1', 0], seconds=0.0), '3': show('2')})
		told = await messages(host, {'1': one, '2': show('1')})

		assert names(told, 'executing') == ['2']
		assert 'execution_success' in [item['type'] for item in told]


class TestFreeing:
	async def test_free_memory(self, host: Api) -> None:
		"""Makes the next identical job run again."""
		graph: Graph = {'1': number(), '2': show('1')}
		await messages(host, graph)
		await host.post('/free', {'free_memory': True})
		told = await messages(host, graph)

		assert names(told, 'executing') == ['1', '2']
