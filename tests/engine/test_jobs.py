import itertools

import pytest

from engine.errors import NotFound
from engine.events import Failure, JobProgress, NodeFinished, NodePreview, NodeProgress, NodeStarted, SavedFile, Ui
from engine.graph import Graph
from engine.jobs import LEGAL, IllegalTransition, Job, JobId, JobNotFound, JobState, MemoryJobStore, Submission

SUBMISSION = Submission(Graph({}), ())


def job(id: str, number: float = 0) -> Job:
	"""A queued job."""
	return Job(JobId(id), number, SUBMISSION)


def ids(jobs: object) -> list[str]:
	"""The jobs' ids."""
	assert isinstance(jobs, list)
	return [item.id for item in jobs]


class TestTransitions:
	@pytest.mark.parametrize(('before', 'after'), list(itertools.product(JobState, JobState)))
	def test_only_legal_ones(self, before: JobState, after: JobState) -> None:
		"""Waiting jobs begin or are cancelled, running ones end, ended ones stay."""
		legal = {
			('queued', 'running'),
			('queued', 'cancelled'),
			('running', 'succeeded'),
			('running', 'failed'),
			('running', 'cancelled'),
		}
		one = job('a')
		one.state = before
		if (before, after) in legal:
			one.become(after)

			assert one.state is after
		else:
			with pytest.raises(IllegalTransition, match=f"'a' is {before} and cannot become {after}"):
				one.become(after)

			assert one.state is before

	def test_times_are_taken(self) -> None:
		"""A job knows when it was made, began and ended."""
		one = job('a')
		one.become(JobState.RUNNING)
		begun = (one.started, one.finished)
		one.become(JobState.SUCCEEDED)

		assert one.started is not None
		assert begun == (one.started, None)
		assert one.finished is not None
		assert one.created <= one.started <= one.finished

	def test_over(self) -> None:
		"""A state is over when nothing follows."""
		assert [state for state in JobState if state.over] == ['succeeded', 'failed', 'cancelled']
		assert set(LEGAL) == set(JobState)


class TestRecord:
	def test_what_happened_is_kept(self) -> None:
		"""Steps are kept for the history, with what sinks showed; ticks and previews pass by."""
		one = job('a')
		ui = Ui.of_images(SavedFile(filename='x.png'))
		started = NodeStarted(job='a', node='n', kind='Save')
		finished = NodeFinished(job='a', node='n', kind='Save', seconds=1, ui=ui)
		for event in (
			started,
			NodeProgress(job='a', node='n', done=1, total=2),
			NodePreview(job='a', node='n', image=b''),
			JobProgress(job='a', fraction=0.5),
			finished,
		):
			one.record(event)

		assert one.events == [started, finished]
		assert one.outputs == {'n': ui}


class TestOrder:
	def test_lower_numbers_run_first(self) -> None:
		"""The number decides, whatever came first."""
		store = MemoryJobStore()
		for id, number in (('c', 3), ('a', -1), ('b', 2.5)):
			store.add(job(id, number))

		assert ids(store.queued()) == ['a', 'b', 'c']

	def test_equal_numbers_keep_their_order_of_arrival(self) -> None:
		"""The id does not matter."""
		store = MemoryJobStore()
		for id in ('z', 'a', 'm'):
			store.add(job(id, 1))

		assert ids(store.queued()) == ['z', 'a', 'm']

	def test_claim_takes_the_first(self) -> None:
		"""A claimed job is running and no longer waits; an empty queue gives None."""
		store = MemoryJobStore()
		store.add(job('b', 2))
		store.add(job('a', 1))
		claimed = store.claim()

		assert claimed is not None
		assert claimed.id == 'a'
		assert claimed.state is JobState.RUNNING
		assert ids(store.running()) == ['a']
		assert ids(store.queued()) == ['b']
		assert store.claim() is not None
		assert store.claim() is None

	def test_numbers_count_up(self) -> None:
		"""From 0, by one."""
		store = MemoryJobStore()

		assert [store.next_number() for _ in range(3)] == [0, 1, 2]


class TestMemory:
	def ended(self, store: MemoryJobStore, *names: str) -> None:
		for name in names:
			store.add(job(name))
			store.claim()
			store.finish(JobId(name), JobState.SUCCEEDED)

	def test_a_taken_id_is_refused(self) -> None:
		"""Whether its job waits, runs or has ended."""
		store = MemoryJobStore()
		store.add(job('a'))
		with pytest.raises(IllegalTransition):
			store.add(job('a'))
		store.claim()
		with pytest.raises(IllegalTransition):
			store.add(job('a'))
		store.finish(JobId('a'), JobState.SUCCEEDED)
		with pytest.raises(IllegalTransition):
			store.add(job('a'))

		assert store.queued() == []

	def test_an_unknown_job(self) -> None:
		"""Asking for it tells its id."""
		with pytest.raises(JobNotFound, match="no job 'x'") as caught:
			MemoryJobStore().get('x')
		assert isinstance(caught.value, NotFound)

	def test_finish_keeps_the_failure(self) -> None:
		"""An ended job is found with its cause."""
		store = MemoryJobStore()
		store.add(job('a'))
		store.claim()
		failure = Failure(message='no', exception_type='ValueError')
		store.finish(JobId('a'), JobState.FAILED, failure)

		assert store.get('a').failure == failure
		assert store.running() == []
		assert ids(store.ended()) == ['a']

	def test_only_a_running_job_can_be_finished(self) -> None:
		"""A waiting job is not among the ended ones by mistake."""
		store = MemoryJobStore()
		store.add(job('a'))
		with pytest.raises(IllegalTransition):
			store.finish(JobId('a'), JobState.SUCCEEDED)

		assert store.ended() == []
		assert ids(store.queued()) == ['a']

	def test_ended_jobs_stand_in_the_order_in_which_they_ended(self) -> None:
		"""Not in that of their numbers or beginnings."""
		store = MemoryJobStore()
		for name in ('a', 'b'):
			store.add(job(name))
			store.claim()
		store.finish(JobId('b'), JobState.CANCELLED)
		store.finish(JobId('a'), JobState.SUCCEEDED)

		assert ids(store.ended()) == ['b', 'a']

	def test_the_oldest_are_forgotten(self) -> None:
		"""Only so many ended jobs are kept; waiting ones are not counted."""
		store = MemoryJobStore(keep=2)
		store.add(job('waiting', 9))
		self.ended(store, 'a', 'b', 'c')

		assert ids(store.ended()) == ['b', 'c']
		assert store.get('waiting').state is JobState.QUEUED
		with pytest.raises(JobNotFound):
			store.get('a')

	def test_waiting_jobs_can_be_removed(self) -> None:
		"""Running, ended and unknown ones are passed over."""
		store = MemoryJobStore()
		self.ended(store, 'old')
		for name in ('runs', 'b', 'c'):
			store.add(job(name))
		store.claim()

		assert store.remove_queued(['old', 'runs', 'b', 'nothing']) == 1
		assert ids(store.queued()) == ['c']
		assert ids(store.running()) == ['runs']
		with pytest.raises(JobNotFound):
			store.get('b')

	def test_ended_jobs_can_be_forgotten(self) -> None:
		"""These, or all; others are passed over."""
		store = MemoryJobStore()
		self.ended(store, 'a', 'b', 'c')
		store.add(job('waiting'))
		store.forget(['b', 'waiting', 'nothing'])
		assert ids(store.ended()) == ['a', 'c']
		store.forget()

		assert store.ended() == []
		assert ids(store.queued()) == ['waiting']

	def test_a_forgotten_id_may_come_again(self) -> None:
		"""A client may use an id anew once its job is gone."""
		store = MemoryJobStore()
		self.ended(store, 'a')
		store.forget()
		store.add(job('a'))

		assert ids(store.queued()) == ['a']


class TestSubmission:
	def test_what_goes_into_pictures(self) -> None:
		"""`extra_pnginfo` is taken from the extra data if it is an object."""
		assert Submission(Graph({}), (), extra={'extra_pnginfo': {'workflow': 1}}).extra_pnginfo == {'workflow': 1}
		assert Submission(Graph({}), (), extra={'extra_pnginfo': [1]}).extra_pnginfo == {}
		assert SUBMISSION.extra_pnginfo == {}
