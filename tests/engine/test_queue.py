import pytest

from engine.events import Event, EventBus, Failure, JobFinished, JobStarted, NodeProgress, QueueChanged
from engine.graph import Graph
from engine.jobs import IllegalTransition, JobId, JobNotFound, JobState, MemoryJobStore, Submission
from engine.queue import JobQueue

SUBMISSION = Submission(Graph({}), ())


class Told:
	"""A queue, and all that it told."""

	def __init__(self) -> None:
		self.store = MemoryJobStore()
		self.bus = EventBus()
		self.queue = JobQueue(self.store, self.bus)
		self.events: list[Event] = []
		self.bus.subscribe(self.events.append)

	@property
	def remaining(self) -> list[int]:
		"""What the changes of the queue told, one after the other."""
		return [event.remaining for event in self.events if isinstance(event, QueueChanged)]


@pytest.fixture
def told() -> Told:
	"""An empty queue."""
	return Told()


class TestSubmit:
	def test_a_job_is_queued_and_told(self, told: Told) -> None:
		"""Subscribers hear how many wait; whoever runs jobs is called after that."""
		order: list[str] = []
		told.bus.subscribe(lambda event: order.append('told'))
		told.queue.when_queued(lambda: order.append('called'))
		job = told.queue.submit(SUBMISSION)

		assert job.state is JobState.QUEUED
		assert told.store.get(job.id) is job
		assert told.remaining == [1]
		assert order == ['told', 'called']

	def test_ids_are_made_or_given(self, told: Told) -> None:
		"""A client's own id is kept."""
		first, second = told.queue.submit(SUBMISSION), told.queue.submit(SUBMISSION)

		assert first.id != second.id
		assert told.queue.submit(SUBMISSION, id='mine').id == 'mine'

	def test_a_taken_id_changes_nothing(self, told: Told) -> None:
		"""A refused submission is neither queued nor told."""
		told.queue.submit(SUBMISSION, id='mine')
		with pytest.raises(IllegalTransition):
			told.queue.submit(SUBMISSION, id='mine')

		assert told.remaining == [1]
		assert told.queue.remaining == 1

	def test_numbers_follow_arrival(self, told: Told) -> None:
		"""Without a number a job takes the next; a number of its own does not use one up."""
		jobs = [told.queue.submit(SUBMISSION), told.queue.submit(SUBMISSION, number=-7), told.queue.submit(SUBMISSION)]

		assert [job.number for job in jobs] == [0, -7, 1]

	def test_front(self, told: Told) -> None:
		"""The number is negated, so the job goes before all that wait, the last such first."""
		for id, front in (('a', False), ('b', False), ('c', True), ('d', True)):
			told.queue.submit(SUBMISSION, id=id, number=told.queue.take_number(front=front))

		assert [job.id for job in told.store.queued()] == ['d', 'c', 'a', 'b']


class TestRunning:
	def test_a_claim_is_told(self, told: Told) -> None:
		"""A running job still counts as remaining; claiming from an empty queue tells nothing."""
		told.queue.submit(SUBMISSION, id='a')
		claimed = told.queue.claim()

		assert claimed is not None
		assert claimed.id == 'a'
		assert told.remaining == [1, 1]
		assert told.queue.claim() is None
		assert told.remaining == [1, 1]

	def test_events_are_recorded_and_passed_on(self, told: Told) -> None:
		"""Ticks are passed on too, but not kept."""
		told.queue.submit(SUBMISSION, id='a')
		told.queue.claim()
		started, tick = JobStarted(job='a'), NodeProgress(job='a', node='n', done=1, total=2)
		told.queue.tell(started)
		told.queue.tell(tick)

		assert told.events[-2:] == [started, tick]
		assert told.store.get('a').events == [started]

	def test_the_end_is_in_the_store_before_it_is_told(self, told: Told) -> None:
		"""Who hears of the end and asks, finds it; that the queue is shorter is told after."""
		seen: list[tuple[str, JobState, int]] = []
		told.queue.submit(SUBMISSION, id='a')
		told.queue.claim()
		told.bus.subscribe(
			lambda event: seen.append((type(event).__name__, told.store.get('a').state, told.queue.remaining))
		)
		told.queue.tell(JobFinished(job='a', state='succeeded'))

		assert seen == [('JobFinished', JobState.SUCCEEDED, 0), ('QueueChanged', JobState.SUCCEEDED, 0)]

	@pytest.mark.parametrize('state', ['succeeded', 'failed', 'cancelled'])
	def test_a_job_ends_as_told(self, told: Told, state: str) -> None:
		"""State and failure of the last event become the job's."""
		failure = Failure(message='no', exception_type='ValueError') if state == 'failed' else None
		told.queue.submit(SUBMISSION, id='a')
		told.queue.claim()
		told.queue.tell(JobFinished.model_validate({'job': 'a', 'state': state, 'failure': failure}))
		job = told.store.get('a')

		assert (job.state, job.failure) == (state, failure)
		assert isinstance(job.events[-1], JobFinished)
		assert told.store.ended() == [job]

	def test_a_job_ends_once(self, told: Told) -> None:
		"""A second end is refused and not told."""
		told.queue.submit(SUBMISSION, id='a')
		told.queue.claim()
		told.queue.tell(JobFinished(job='a', state='succeeded'))
		count = len(told.events)
		with pytest.raises(IllegalTransition):
			told.queue.tell(JobFinished(job='a', state='failed'))

		assert told.store.get('a').state is JobState.SUCCEEDED
		assert len(told.events) == count

	def test_an_unknown_job_cannot_be_told_of(self, told: Told) -> None:
		"""Nobody hears of a job that is not there."""
		with pytest.raises(JobNotFound):
			told.queue.tell(JobStarted(job='x'))

		assert told.events == []

	def test_a_lost_job_has_failed(self, told: Told) -> None:
		"""Its end is told like any other, with the cause and the node it was at."""
		told.queue.submit(SUBMISSION, id='a')
		told.queue.claim()
		failure = Failure(message='gone', exception_type='WorkerLost', node='n', kind='Wait')
		told.queue.lose(JobId('a'), failure)
		[end] = [event for event in told.events if isinstance(event, JobFinished)]

		assert told.store.get('a').state is JobState.FAILED
		assert (end.state, end.failure, end.node, end.kind) == ('failed', failure, 'n', 'Wait')


class TestRemove:
	def test_waiting_jobs_are_dropped(self, told: Told) -> None:
		"""The running one and unknown ones are passed over; the change is told once."""
		for id in 'abc':
			told.queue.submit(SUBMISSION, id=id)
		told.queue.claim()
		before = len(told.remaining)

		assert told.queue.remove(['a', 'b', 'x']) == 1
		assert [job.id for job in told.store.queued()] == ['c']
		assert told.remaining[before:] == [2]

	def test_nothing_removed_is_not_told(self, told: Told) -> None:
		"""The queue did not change."""
		assert told.queue.remove(['x']) == 0
		assert told.queue.clear() == 0
		assert told.events == []

	def test_clear(self, told: Told) -> None:
		"""Every waiting job goes, the running one stays."""
		for id in 'abc':
			told.queue.submit(SUBMISSION, id=id)
		told.queue.claim()

		assert told.queue.clear() == 2
		assert told.queue.remaining == 1
		assert [job.id for job in told.store.running()] == ['a']
