import itertools

import pytest

from engine.errors import EngineError, NotFound
from engine.events import (
	Failure,
	JobFinished,
	JobProgress,
	NodeFinished,
	NodePreview,
	NodeProgress,
	NodeStarted,
	SavedFile,
	Ui,
)
from engine.graph import Call, Constant, Graph, Link, NodeId
from engine.jobs import (
	LEGAL,
	IdTaken,
	IllegalTransition,
	Job,
	JobId,
	JobNotFound,
	JobState,
	KeyTaken,
	MemoryJobStore,
	Submission,
)

SUBMISSION = Submission(Graph({}), ())
LEGAL_PAIRS = {
	('queued', 'running'),
	('queued', 'cancelled'),
	('running', 'succeeded'),
	('running', 'failed'),
	('running', 'cancelled'),
	('running', 'queued'),
}


def job(id: str = 'a', number: float = 0, key: str = '') -> Job:
	"""A queued job."""
	return Job(JobId(id), number, Submission(Graph({}), (), key=key))


class TestTransitions:
	"""Which state follows which."""

	@pytest.mark.parametrize(('before', 'after'), list(itertools.product(JobState, JobState)))
	def test_only_legal_ones(self, before: JobState, after: JobState) -> None:
		"""Waiting jobs begin or are cancelled, running ones end or wait again, ended ones stay."""
		one = job()
		one.state = before
		if (before, after) in LEGAL_PAIRS:
			one.become(after)

			assert one.state is after
		else:
			with pytest.raises(IllegalTransition, match=f"'a' is {before} and cannot become {after}"):
				one.become(after)

			assert one.state is before
			assert (one.started, one.finished, one.attempts) == (None, None, 0)

	def test_every_state_is_in_the_table(self) -> None:
		"""A new state must say what follows it."""
		assert set(LEGAL) == set(JobState)

	def test_over(self) -> None:
		"""A state is over when nothing follows."""
		assert [state for state in JobState if state.over] == ['succeeded', 'failed', 'cancelled']

	def test_times_are_taken(self) -> None:
		"""A job knows when it was made, began and ended."""
		one = job()
		one.become(JobState.RUNNING)
		begun = (one.started, one.finished)
		one.become(JobState.SUCCEEDED)

		assert one.started is not None
		assert begun == (one.started, None)
		assert one.finished is not None
		assert one.created <= one.started <= one.finished

	def test_dropped_job_never_began(self) -> None:
		"""It has an end only."""
		one = job()
		one.become(JobState.CANCELLED)

		assert one.started is None
		assert one.finished is not None
		assert one.attempts == 0

	def test_waiting_again_forgets_the_attempt_and_counts_it(self) -> None:
		"""What the first attempt told is told anew by the second; how often it was begun is remembered."""
		one = job()
		one.become(JobState.RUNNING)
		one.record(NodeFinished(job='a', node='n', kind='K', seconds=1, ui=Ui({'text': ['x']})))
		one.become(JobState.QUEUED)

		assert (one.started, one.outputs, one.events, one.attempts) == (None, {}, [], 1)

		one.become(JobState.RUNNING)

		assert one.attempts == 2


class TestRecord:
	"""What a job keeps of its events."""

	def test_what_happened_is_kept(self) -> None:
		"""Steps are kept for the history, with what sinks showed; ticks and previews pass by."""
		one = job()
		ui = Ui.of_images(SavedFile(filename='x.png'))
		started = NodeStarted(job='a', node='n', kind='Save')
		finished = NodeFinished(job='a', node='n', kind='Save', seconds=1, ui=ui)
		silent = NodeFinished(job='a', node='m', kind='Add', seconds=1)
		end = JobFinished(job='a', state='succeeded')
		for event in (
			started,
			NodeProgress(job='a', node='n', done=1, total=2),
			NodePreview(job='a', node='n', image=b''),
			JobProgress(job='a', fraction=0.5),
			finished,
			silent,
			end,
		):
			one.record(event)

		assert one.events == [started, finished, silent, end]
		assert one.outputs == {'n': ui}

	def test_newest_output_counts(self) -> None:
		"""A node that is told twice shows what it showed last."""
		one = job()
		for text in ('first', 'second'):
			one.record(NodeFinished(job='a', node='n', kind='Show', seconds=1, ui=Ui({'text': [text]})))

		assert one.outputs == {'n': Ui({'text': ['second']})}


class TestPlace:
	"""Where a job stands."""

	def test_number_then_arrival(self) -> None:
		"""The id and the time of making do not matter."""
		jobs = [
			Job(JobId(id), number, SUBMISSION, arrival)
			for id, number, arrival in (('a', 2, 0), ('b', 1, 3), ('c', 1, 2), ('d', -1, 9))
		]

		assert [job.id for job in sorted(jobs, key=lambda job: job.place)] == ['d', 'c', 'b', 'a']


class TestSubmission:
	"""What was asked for."""

	def test_prompt_is_the_graph_in_api_form(self) -> None:
		"""For worker, history and pictures."""
		graph = Graph(
			{NodeId('1'): Call('A', {'x': Constant([1, 2])}), NodeId('2'): Call('B', {'y': Link(NodeId('1'), 0)}, 'B!')}
		)

		assert Submission(graph, ()).prompt == {
			'1': {'class_type': 'A', 'inputs': {'x': {'__value__': [1, 2]}}},
			'2': {'class_type': 'B', 'inputs': {'y': ['1', 0]}, '_meta': {'title': 'B!'}},
		}

	def test_what_goes_into_pictures(self) -> None:
		"""`extra_pnginfo` is taken from the extra data if it is an object."""
		assert Submission(Graph({}), (), extra={'extra_pnginfo': {'workflow': 1}}).extra_pnginfo == {'workflow': 1}
		assert Submission(Graph({}), (), extra={'extra_pnginfo': [1]}).extra_pnginfo == {}
		assert SUBMISSION.extra_pnginfo == {}

	def test_secrets_are_not_shown(self) -> None:
		"""Whoever logs a submission logs no secret."""
		assert 'hush' not in repr(Submission(Graph({}), (), secrets={'token': 'hush'}))


class TestMemoryJobStore:
	"""The store of whoever has no database."""

	def test_knows_ids_and_keys(self) -> None:
		"""Of jobs in any state."""
		store = MemoryJobStore()
		store.add(job('a', key='k'))
		over = job('b')
		store.add(over)
		over.become(JobState.CANCELLED)
		store.update(over)

		assert [store.knows(id) for id in 'abc'] == [True, True, False]
		assert [store.holder(key) for key in ('k', 'other')] == ['a', None]

	def test_remembers_pausing(self) -> None:
		"""Until its process ends."""
		store = MemoryJobStore()
		store.pause(True)

		assert store.paused


class TestErrors:
	"""They carry what they are about."""

	def test_sentences(self) -> None:
		"""Each names the job."""
		errors: list[EngineError] = [
			JobNotFound('j'),
			IdTaken('j'),
			KeyTaken('k', 'j'),
			IllegalTransition('j', JobState.FAILED, JobState.RUNNING),
		]

		assert all("'j'" in str(error) for error in errors)
		assert isinstance(errors[0], NotFound)

	def test_failure_is_data(self) -> None:
		"""A job's failure crosses borders as JSON."""
		one = job()
		one.failure = Failure(message='no', exception_type='ValueError', traceback=('a', 'b'))

		assert Failure.model_validate_json(one.failure.model_dump_json()) == one.failure
