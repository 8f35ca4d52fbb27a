"""Jobs become rows and jobs again."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events import (
	AddedNode,
	Event,
	Failure,
	GraphExpanded,
	JobDropped,
	JobFinished,
	JobQueued,
	JobStarted,
	NodeBlocked,
	NodeFinished,
	NodesCached,
	NodeStarted,
	Ui,
	Why,
)
from engine.graph import BadLink, Call, Constant, Graph, Link, NodeId
from engine.jobs import Job, JobId, JobState, Submission
from server.store.rows import (
	event_row,
	job_of,
	last_attempt,
	output_rows,
	queue_number,
	read_events,
	read_failure,
	read_job,
	read_ui,
	row_of,
	submission_row,
	text_of,
	workflow_of,
)
from server.store.tables import JobRow, SubmissionRow

values = st.recursive(
	st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec='utf-8')),
	lambda inner: (
		st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec='utf-8')), inner, max_size=3)
	),
	max_leaves=8,
)
names = st.text(st.characters(codec='utf-8'), max_size=8)
nodes = names.map(NodeId)
graphs = st.dictionaries(
	nodes,
	st.builds(
		Call,
		names,
		st.dictionaries(names, st.builds(Constant, values) | st.builds(Link, nodes, st.integers(0, 2**70)), max_size=3),
		names,
	),
	max_size=4,
).map(Graph)


def again(job: Job) -> Job:
	"""A job that went through its row."""
	return job_of(JobRow(**row_of(job)), SubmissionRow(**submission_row(job)), job.outputs, job.events)


def job(**others: Any) -> Job:
	"""A job that has all there is."""
	fields: dict[str, Any] = {
		'id': JobId('a'),
		'number': 3,
		'submission': Submission(
			graph=Graph({NodeId('1'): Call('A', {'x': Constant(1)}, 'Title')}),
			targets=(NodeId('1'),),
			client='me',
			extra={'extra_pnginfo': {'workflow': {'id': 'w'}}},
			previews='latent2rgb',
			key='k',
			webhook='http://localhost/',
		),
		'arrival': 2.0,
		'created': 1.25,
		'state': JobState.FAILED,
		'started': 2.25,
		'finished': 3.25,
		'attempts': 2,
		'losses': 1,
		'failure': Failure(message='no', exception_type='E', node='1', kind='A', traceback=('x',), inputs={'a': [1]}),
		'outputs': {'1': Ui({'text': ['t']})},
		'events': [JobStarted(job='a')],
	}
	return Job(**{**fields, **others})


class TestJob:
	"""A row holds all of a job but its secrets."""

	def test_everything_comes_back(self) -> None:
		"""Field by field."""
		before = job()
		after = again(before)

		assert vars(after) == vars(before)

	def test_secrets_do_not(self) -> None:
		"""No column has them."""
		secret = Submission(Graph({}), (), secrets={'token': 'hush'})
		one = job(submission=secret)

		assert 'hush' not in f'{row_of(one)} {submission_row(one)}'
		assert again(job(submission=secret)).submission.secrets == {}

	@given(graphs, st.dictionaries(names, values, max_size=3), st.lists(nodes, max_size=3))
	def test_any_submission(self, graph: Graph, extra: dict[str, Any], targets: list[NodeId]) -> None:
		"""Whatever letters and numbers it has."""
		before = Submission(graph, tuple(targets), extra=extra)
		after = again(job(submission=before)).submission

		assert json.dumps(after.prompt) == json.dumps(before.prompt)
		assert (after.extra, after.targets) == (before.extra, before.targets)

	def test_numbers_that_are_none(self) -> None:
		"""NaN and infinity in the extra data or a constant are kept as they are."""
		odd = {'nan': math.nan, 'inf': math.inf, 'minus': -math.inf}
		graph = Graph({NodeId('1'): Call('A', {name: Constant(value) for name, value in odd.items()})})
		after = again(job(submission=Submission(graph, (), extra=dict(odd)))).submission

		assert str(dict(after.extra)) == str(odd)
		assert str(after.graph.calls[NodeId('1')].inputs['nan']) == 'Constant(value=nan)'

	def test_bad_links(self) -> None:
		"""What a submission may hold beside the sinks that run."""
		graph = Graph(
			{NodeId('1'): Call('A', {'x': BadLink(['2'], 'a link is a list of two: node id and output number')})}
		)

		assert again(job(submission=Submission(graph, ()))).submission.graph == graph

	@pytest.mark.parametrize('number', [0, -3, 2.5, 1e300, -1e300, 2**53, 2**70])
	def test_queue_numbers(self, number: float) -> None:
		"""Whole ones stay whole as far as floats can tell; large ones fit."""
		after = again(job(number=number)).number

		assert after == number
		assert isinstance(after, int) is (isinstance(number, int) and abs(number) < 2**53)
		assert queue_number(-0.0) == 0

	@pytest.mark.parametrize(
		'change',
		[
			{'prompt_json': '{'},
			{'prompt_json': '[]'},
			{'prompt_json': '{"1": 5}'},
			{'prompt_json': None},
			{'targets_json': '7'},
			{'extra_json': '"text"'},
			{'state': 'lost'},
			{'number': 'first'},
		],
	)
	def test_damaged(self, change: dict[str, object], caplog: pytest.LogCaptureFixture) -> None:
		"""A job that cannot be read is none, and the log names it."""
		row, asked = JobRow(**row_of(job())), SubmissionRow(**submission_row(job()))
		for name, value in change.items():
			setattr(asked if hasattr(asked, name) else row, name, value)

		assert read_job(row, asked, {}, ()) is None
		assert "'a'" in caplog.text

	def test_without_a_submission(self, caplog: pytest.LogCaptureFixture) -> None:
		"""A row that somebody has deleted."""
		assert read_job(JobRow(**row_of(job())), None, {}, ()) is None
		assert "'a'" in caplog.text

	def test_damaged_failure(self, caplog: pytest.LogCaptureFixture) -> None:
		"""The job is read without it."""
		row = JobRow(**{**row_of(job()), 'failure_json': '{"x": 1}'})
		found = read_job(row, SubmissionRow(**submission_row(job())), {}, ())

		assert found is not None
		assert (found.state, found.failure) == (JobState.FAILED, None)
		assert "'a'" in caplog.text


class TestParts:
	"""What belongs to a job."""

	def test_outputs(self) -> None:
		"""In the order in which nodes were done."""
		shown = {'2': Ui({'text': ['b']}), '1': Ui({'text': ['a']})}

		assert output_rows(job(outputs=shown)) == [
			{'job': 'a', 'position': 0, 'node': '2', 'ui_json': '{"text":["b"]}'},
			{'job': 'a', 'position': 1, 'node': '1', 'ui_json': '{"text":["a"]}'},
		]

	def test_damaged_ones(self, caplog: pytest.LogCaptureFixture) -> None:
		"""Are logged and none."""
		assert read_ui('a', 'n', '{"text": 5}') is None
		assert read_failure('a', '') is None
		assert len(caplog.records) == 2

	def test_those_that_are_not_there(self, caplog: pytest.LogCaptureFixture) -> None:
		"""Are none too, and nobody complains."""
		assert read_failure('a', None) is None
		assert caplog.records == []


KEPT: list[Event] = [
	JobQueued(job='a', number=1, reason='why'),
	JobDropped(job='a'),
	JobStarted(job='a'),
	NodesCached(job='a', nodes=('1',), pending=('2',)),
	NodeStarted(job='a', node='2', kind='B'),
	GraphExpanded(job='a', node='2', added=(AddedNode(node='2.1', kind='C', display='2'),)),
	NodeFinished(job='a', node='2', kind='B', seconds=1, ui=Ui({'images': [{'filename': 'x'}]}), why=Why(code='twin')),
	NodeBlocked(job='a', node='3', kind='D', message='no'),
	JobFinished(job='a', state='failed', failure=Failure(message='é', exception_type='E'), executed=('1', '2')),
]


class TestEvents:
	"""Events that came together are one row."""

	def test_each_kind_comes_back(self) -> None:
		"""With its number."""
		numbered = list(enumerate(KEPT, 10))
		row = event_row(numbered)

		assert (row['last'], row['job']) == (18, 'a')
		assert read_events([str(row['body_json'])]) == numbered

	def test_damaged_ones_are_left_out(self, caplog: pytest.LogCaptureFixture) -> None:
		"""One bad event, or one of a kind that this version does not know, does not take the others with it."""
		good = JobStarted(job='a', at=1.0)
		body = f'[[1,{good.model_dump_json()}],[2,{{"type":"from_the_future","job":"a"}}],[3,{good.model_dump_json()}]]'
		found = read_events(['{', body, '[]'])

		assert found == [(1, good), (3, good)]
		assert len(caplog.records) == 2

	def test_last_attempt(self) -> None:
		"""What was told before a job waited again does not count."""
		queued, started = JobQueued(job='a', number=1), JobStarted(job='a')
		told: list[Event] = [queued, started, queued, started, JobFinished(job='a', state='succeeded')]

		assert last_attempt(enumerate(told)) == told[3:]
		assert last_attempt(enumerate(told[:3])) == []


class TestText:
	"""JSON text."""

	@pytest.mark.parametrize(
		('extra', 'found'),
		[
			({'extra_pnginfo': {'workflow': {'id': 'w'}}}, 'w'),
			({'extra_pnginfo': {'workflow': {'id': 5}}}, None),
			({'extra_pnginfo': {'workflow': []}}, None),
			({}, None),
		],
	)
	def test_workflow_id(self, extra: dict[str, Any], found: str | None) -> None:
		"""Where editors write it, if it is one."""
		assert workflow_of(Submission(Graph({}), (), extra=extra)) == found

	def test_deep_data(self) -> None:
		"""As deep as requests may be."""
		deep: Any = 'x'
		for _ in range(200):
			deep = [deep]

		assert text_of({'extra': deep}).count('[') == 200

	def test_large_integers(self) -> None:
		"""Seeds have 64 bits and more."""
		graph = Graph({NodeId('1'): Call('A', {'seed': Constant(2**64 - 1), 'huge': Constant(10**100)})})

		assert again(job(submission=Submission(graph, ()))).submission.graph == graph
