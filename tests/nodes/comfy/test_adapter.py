import asyncio
import inspect
from collections.abc import Awaitable
from typing import cast

import pytest
import torch

from engine.context import current
from engine.declaration import NodeInfo, Output
from engine.errors import JobCancelled, NodeUsage
from engine.events import NodeProgress, Ui
from engine.flow import Expand, Returned, Skip
from engine.graph import Constant, Given, Link, NodeId
from engine.spec import Probe, ValidationRequest
from nodes.comfy.results import returned
from nodes.comfy.shims.comfy_execution.graph import ExecutionBlocker
from nodes.values import Images, Mask
from tests.nodes.comfy.conftest import Host


class TestCall:
	def test_outputs_are_in_native_form(self, host: Host) -> None:
		"""A mask without a batch gets one."""
		image = host.call('TestingImage', content='WHITE', height=4, width=6, batch_size=2)
		mask = host.call('TestingMask', value=0.5, height=4, width=6)

		assert isinstance(image, Returned)
		assert isinstance(mask, Returned)
		assert image.outputs is not None
		assert mask.outputs is not None
		assert isinstance(image.outputs[0], Images)
		assert image.outputs[0].pixels.shape == (2, 4, 6, 3)
		assert isinstance(mask.outputs[0], Mask)
		assert mask.outputs[0].values.shape == (1, 4, 6)

	def test_inputs_are_in_foreign_form(self, host: Host) -> None:
		"""Native values come as tensors; what the node shows is JSON."""
		given = host.call('TestingPreview', images=Images(torch.ones(1, 2, 2, 3)))

		assert given == Returned(None, Ui({'shape': [1, 2, 2, 3], 'mean': [1.0]}))

	def test_calls_run_in_inference_mode(self, host: Host) -> None:
		"""And leave it."""
		given = host.call('TestingMask', value=1.0, height=1, width=1)

		assert isinstance(given, Returned)
		assert given.outputs is not None
		assert isinstance(given.outputs[0], Mask)
		assert given.outputs[0].values.is_inference()
		assert not torch.is_inference_mode_enabled()

	def test_undeclared_inputs_reach_the_function(self, host: Host) -> None:
		"""Under their names."""
		given = host.call('TestingUndeclared', first=1, other='b')

		assert given == Returned(('first=1,other=b',), Ui({'text': ['first=1', 'other=b']}))

	def test_hidden_inputs(self, host: Host) -> None:
		"""They are added under the names that the class gives them."""
		given = host.call('TestingHidden', host.context('TestingHidden', '7'), value=1)

		assert isinstance(given, Returned)
		assert given.outputs == ('7:TestingHidden:[]:None',)

	def test_lists(self, host: Host) -> None:
		"""A class that takes lists gets them, constants too; a list output is the list of its items."""
		assert host.call('TestingSumList', values=[1, 2], factor=[3]) == Returned((9, 2))
		assert host.call('TestingIntRange', start=0, stop=2) == Returned(([0, 1],))

	def test_an_exception_is_the_nodes_own(self, host: Host) -> None:
		"""The executor tells it."""
		with pytest.raises(RuntimeError, match='Failed on purpose'):
			host.call('TestingError', value=1)

		assert current.get() is None


class TestAsync:
	def test_a_coroutine_function_gives_an_awaitable(self, host: Host) -> None:
		"""The spec says so."""
		given = host.call('TestingSleep', value=1, seconds=0.0)

		assert host.kit.nodes['TestingSleep'].is_async
		assert inspect.isawaitable(given)
		assert asyncio.run(_await(given)) == Returned((1,))

	def test_inference_mode_and_context_do_not_leak(self, host: Host) -> None:
		"""Others run between the steps of a coroutine."""
		seen: list[tuple[bool, object]] = []

		async def both() -> None:
			given = host.call('TestingSleep', value=1, seconds=0.01)
			assert inspect.isawaitable(given)
			task = asyncio.ensure_future(given)
			await asyncio.sleep(0)
			seen.append((torch.is_inference_mode_enabled(), current.get()))
			await task

		asyncio.run(both())

		assert seen == [(False, None)]

	def test_the_running_call_is_known_at_each_step(self, host: Host) -> None:
		"""Also after a wait."""
		given = host.call('TestingWho', host.context('TestingWho', '5', index=2), value=1)

		assert asyncio.run(_await(given)) == Returned(('5:2',))

	def test_a_cancelled_coroutine_is_closed(self, host: Host) -> None:
		"""Cancelling reaches into the node, which cleans up."""

		async def cancel() -> None:
			given = host.call('TestingSleep', value='gone', seconds=60.0)
			assert inspect.isawaitable(given)
			task = asyncio.ensure_future(given)
			await asyncio.sleep(0)
			task.cancel()
			await task

		with pytest.raises(asyncio.CancelledError):
			asyncio.run(cancel())


class TestResults:
	info = NodeInfo(
		kind='Kind',
		title='',
		category='',
		outputs=(Output(name='a', type='INT'), Output(name='b', type='INT', is_list=True)),
	)

	@pytest.mark.parametrize(
		('result', 'outputs'),
		[
			((1, [2]), (1, [2])),
			([1, (2, 3), 'too many'], (1, [2, 3])),
			({'result': (1, [2])}, (1, [2])),
			(None, None),
			({'ui': {}}, None),
			(ExecutionBlocker('no'), (Skip('no'), Skip('no'))),
			((ExecutionBlocker(None), [ExecutionBlocker('x')]), (Skip(), [Skip('x')])),
		],
	)
	def test_forms(self, result: object, outputs: tuple[object, ...] | None) -> None:
		"""Tuples, lists, dicts, blockers and None."""
		assert returned(result, self.info, '1').outputs == outputs

	def test_anything_else_is_an_error_that_names_the_node(self) -> None:
		"""So is what cannot be shown as JSON."""
		with pytest.raises(NodeUsage, match=r"Node '1' \(Kind\) gave a int; a tuple"):
			returned(5, self.info, '1')
		with pytest.raises(NodeUsage, match=r"Node '1' shows a object in 'text'"):
			returned({'ui': {'text': [object()]}}, self.info, '1')

	def test_wrapped_numbers_are_shown_as_numbers(self) -> None:
		"""Those of numpy and torch."""
		shown = returned({'ui': {'n': (torch.tensor(1.5), torch.ones(2).numpy()[0])}}, self.info, '1').ui

		assert shown == Ui({'n': [1.5, 1.0]})

	def test_an_expansion(self) -> None:
		"""Links become links, plain values constants, all else is handed over as it is."""
		held = {'a': 1}
		graph = {
			'x': {'class_type': 'A', 'inputs': {'l': ['y', 1], 'c': 'text', 'o': held, 'p': [1, 2]}},
			'y': {'class_type': 'B', 'inputs': {}, 'override_display_id': '9'},
		}
		found = returned({'expand': graph, 'result': (['x', 0], [5])}, self.info, '1')
		assert found.expand is not None
		inputs = found.expand.calls[NodeId('x')].inputs

		assert found.outputs == found.expand.outputs == (Link(NodeId('x'), 0), [5])
		assert (inputs['l'], inputs['c']) == (Link(NodeId('y'), 1), Constant('text'))
		assert isinstance(inputs['o'], Given)
		assert inputs['o'].value is held
		assert isinstance(inputs['p'], Given)
		assert found.expand.displays == {'y': '9'}

	def test_a_malformed_graph_is_an_error(self) -> None:
		"""The node that gave it is named."""
		with pytest.raises(NodeUsage, match=r"Node '1' expands to a graph whose node 'x'"):
			returned({'expand': {'x': {'inputs': {}}}}, self.info, '1')


class TestExpanding:
	def test_ids_follow_from_the_call(self, host: Host) -> None:
		"""Equal calls build graphs of equal ids."""
		ids = []
		for _ in range(2):
			given = host.call('TestingSumTo', host.context('TestingSumTo', '4', index=1), count=2)
			assert isinstance(given, Returned)
			assert isinstance(given.expand, Expand)
			ids.append(list(given.expand.calls))

		assert ids == [['4.1.0.1', '4.1.0.2']] * 2

	def test_a_raw_link_is_handed_over_as_a_list(self, host: Host) -> None:
		"""A loop whose condition fails hands its values on."""
		given = host.call('TestingLoopClose', flow=Link(NodeId('1'), 0), condition=False, value1=5)

		assert given == Returned((5, None, None))


class TestLazies:
	def test_the_node_names_what_it_needs(self, host: Host) -> None:
		"""What is not computed comes as None."""
		wants = host.kit.nodes['TestingLazyMix'].wants
		assert wants is not None
		mask = Mask(torch.ones(1, 2, 2))

		assert wants(host.context(), {'mask': mask, 'image1': None, 'image2': None}) == ('image2',)

	def test_with_lists(self, host: Host) -> None:
		"""What is not computed is a list of one None."""
		wants = host.kit.nodes['TestingLazyList'].wants
		assert wants is not None

		assert wants(host.context(), {'on': [True], 'values': (None,)}) == ('values',)
		assert wants(host.context(), {'on': [False], 'values': (None,)}) == ()

	async def test_asynchronously(self, host: Host) -> None:
		"""Also where a loop runs already."""
		wants = host.kit.nodes['TestingAsyncLazy'].wants
		assert wants is not None

		assert wants(host.context(), {'first': True, 'a': None, 'b': None}) == ('a',)


class TestValidate:
	@pytest.mark.parametrize(
		('kind', 'constants', 'links', 'refusal'),
		[
			('TestingValidateValue', {'value': 50}, {}, None),
			('TestingValidateValue', {'value': 500}, {}, 'value must lie from 0 to 100'),
			('TestingValidateValue', {}, {'value': 'INT'}, None),
			('TestingValidateFalse', {'value': 1}, {}, 'TestingValidateFalse does not accept its inputs.'),
			('TestingValidateAll', {'value': 1, 'other': 200}, {}, 'too large: other'),
			('TestingValidateAll', {'other': 200}, {'value': 'INT'}, 'too large: other'),
			('TestingValidateTypes', {}, {'value': 'FLOAT'}, None),
			('TestingValidateTypes', {}, {'value': 'IMAGE'}, 'a number is wanted, not IMAGE'),
			('TestingValidateAsync', {'value': 50}, {}, None),
			('TestingValidateAsync', {'value': 60}, {}, 'value must be 50 at most'),
			(
				'TestingValidateError',
				{'value': 1},
				{},
				'TestingValidateError could not check its inputs: RuntimeError: cannot judge',
			),
		],
	)
	async def test_verdicts(
		self, host: Host, kind: str, constants: dict[str, int], links: dict[str, str], refusal: str | None
	) -> None:
		"""A text refuses, False does so without a reason; asynchronous ones are waited for on a loop of their own."""
		validate = host.kit.nodes[kind].validate
		assert validate is not None

		assert validate(ValidationRequest(NodeId('1'), kind, constants, links)) == refusal


class TestFingerprint:
	def told(self, host: Host, kind: str, value: object, links: tuple[str, ...] = ()) -> str | None:
		"""The fingerprint of a node that is given this value."""
		fingerprint = host.kit.nodes[kind].fingerprint
		assert fingerprint is not None
		constants = {} if links else {'value': value}
		return fingerprint(Probe(host.storage, NodeId('1'), cast(dict[str, int], constants), links))

	def test_values_of_several_types_differ(self, host: Host) -> None:
		"""True, 1 and '1' are three; equal values are one."""
		told = [self.told(host, 'TestingChangedValue', value) for value in (True, 1, '1', [1], None, 1)]

		assert len(set(told)) == 5
		assert told[1] == told[5]

	def test_asynchronous_probes(self, host: Host) -> None:
		"""They are waited for."""
		assert self.told(host, 'TestingChangedAsync', 3) == self.told(host, 'TestingChangedValue', 3)

	def test_links_count_as_none(self, host: Host) -> None:
		"""Nothing has run yet."""
		assert self.told(host, 'TestingChangedValue', 0, ('value',)) == self.told(host, 'TestingChangedValue', None)

	def test_nan_and_exceptions_are_never_the_same(self, host: Host, caplog: pytest.LogCaptureFixture) -> None:
		"""The exception is logged."""
		assert self.told(host, 'TestingChangedNaN', 1) is None
		assert self.told(host, 'TestingChangedError', 1) is None
		assert 'cannot tell' in caplog.text

	def test_without_a_probe_there_is_none(self, host: Host) -> None:
		"""The inputs say all."""
		assert host.kit.nodes['TestingCounter'].fingerprint is None


class TestInstances:
	def count(self, host: Host, kind: str = 'TestingCounter', node: str = '1', **graph: str) -> object:
		"""Call a counter in a new job of this graph."""
		given = host.call(kind, host.context(kind, node, graph=host.graph(**graph)), value=0)
		assert isinstance(given, Returned)
		assert given.outputs is not None
		return given.outputs[0]

	def test_an_instance_lives_while_its_node_stays(self, host: Host) -> None:
		"""From job to job; another node has another."""
		both = {'1': 'TestingCounter', '2': 'TestingCounter'}

		assert [self.count(host, **both), self.count(host, **both), self.count(host, node='2', **both)] == [1, 2, 1]

	def test_it_ends_with_its_node(self, host: Host) -> None:
		"""A job in which the node is missing, or of another kind, ends it."""
		mine = {'1': 'TestingCounter', '2': 'TestingCounter'}
		counts = [
			self.count(host, **mine),
			self.count(host, node='2', **{'2': 'TestingCounter'}),
			self.count(host, **mine),
		]

		assert counts == [1, 1, 1]


class TestProgress:
	@pytest.mark.parametrize('kind', ['TestingProgress', 'TestingProgressSync', 'TestingProgressAsync'])
	def test_all_ways_of_telling(self, host: Host, kind: str) -> None:
		"""The bar, and both versioned interfaces."""
		given = host.call(kind, value=1, steps=2)
		if inspect.isawaitable(given):
			given = asyncio.run(_await(given))

		assert given == Returned((1,))
		assert [(event.done, event.total) for event in host.events if isinstance(event, NodeProgress)] == [
			(1, 2),
			(2, 2),
		]

	def test_an_interruption_is_ours(self, host: Host) -> None:
		"""Whether the bar or the node asks; no `except Exception` of a node swallows it."""
		host.cancel.cancel()

		with pytest.raises(JobCancelled):
			host.call('TestingProgress', value=1, steps=1)
		with pytest.raises(JobCancelled):
			host.call('TestingUntilInterrupted', value=1)


async def _await(value: object) -> object:
	assert isinstance(value, Awaitable)
	return await value
