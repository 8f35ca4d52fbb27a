from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events import (
	Event,
	EventBus,
	Failure,
	JobDropped,
	JobFinished,
	JobQueued,
	JobStarted,
	NodeFinished,
	NodeProgress,
	QueueChanged,
	Ui,
)
from engine.graph import Graph
from engine.jobs import (
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
from engine.queue import MOST_ATTEMPTS, JobQueue

SUBMISSION = Submission(Graph({}), ())
GONE = Failure(message='gone', exception_type='WorkerLost', node='n', kind='Wait')


class Ledger(MemoryJobStore):
	"""A store that writes down what it is told, as it stands at that moment."""

	def __init__(self) -> None:
		super().__init__()
		self.told: list[tuple[str, str]] = []
		self.refuses = False

	def add(self, job: Job) -> None:
		if self.refuses:
			raise OSError('no')
		super().add(job)
		self.told.append(('stored', f'{job.id} {job.state}'))

	def update(self, job: Job) -> None:
		super().update(job)
		self.told.append(('stored', f'{job.id} {job.state}'))

	def pause(self, paused: bool) -> None:
		super().pause(paused)
		self.told.append(('stored', f'paused {paused}'))


class Told:
	"""A queue, and all that it told."""

	def __init__(self) -> None:
		self.store = Ledger()
		self.bus = EventBus()
		self.queue = JobQueue(self.store, self.bus)
		self.events: list[Event] = []
		self.calls = 0
		self.bus.subscribe(self.events.append)
		self.bus.subscribe(self._write_down)
		self.queue.when_queued(self._called)

	def _write_down(self, event: Event) -> None:
		self.store.told.append(('told', type(event).__name__))

	def _called(self) -> None:
		self.calls += 1
		self.store.told.append(('called', ''))

	@property
	def order(self) -> list[str]:
		"""The waiting jobs."""
		return [job.id for job in self.queue.queued()]

	@property
	def remaining(self) -> list[int]:
		"""What the changes of the queue told, one after the other."""
		return [event.remaining for event in self.events if isinstance(event, QueueChanged)]

	def submit(self, ids: str, **others: float) -> None:
		"""A job for each letter."""
		for id in ids:
			self.queue.submit(SUBMISSION, id=id, **others)

	def begin(self, id: str = 'a') -> Job:
		"""A job that runs, and nothing told of it so far."""
		self.submit(id)
		claimed = self.queue.claim()
		assert claimed is not None
		self.events.clear()
		self.store.told.clear()
		return claimed

	def end(self, id: str) -> None:
		"""A running job succeeds."""
		self.queue.tell(JobFinished(job=id, state='succeeded'))


@pytest.fixture
def told() -> Told:
	"""An empty queue."""
	return Told()


class TestSubmit:
	"""Submissions become jobs."""

	def test_stored_then_told_then_called(self, told: Told) -> None:
		"""The store has the job before anybody hears of it; whoever runs jobs is called after that."""
		job = told.queue.submit(SUBMISSION, id='a')

		assert job.state is JobState.QUEUED
		assert told.queue.get('a') is job
		assert told.remaining == [1]
		assert told.store.told == [
			('stored', 'a queued'),
			('told', 'JobQueued'),
			('told', 'QueueChanged'),
			('called', ''),
		]

	def test_ids_are_made_or_given(self, told: Told) -> None:
		"""A client's own id is kept."""
		first, second = told.queue.submit(SUBMISSION), told.queue.submit(SUBMISSION)

		assert first.id != second.id
		assert told.queue.submit(SUBMISSION, id='mine').id == 'mine'

	@pytest.mark.parametrize('state', ['queued', 'running', 'succeeded', 'cancelled'])
	def test_a_taken_id_changes_nothing(self, told: Told, state: str) -> None:
		"""Whether its job waits, runs or is over: the submission is neither stored nor told."""
		told.submit('a')
		if state == 'cancelled':
			told.queue.remove(['a'])
		elif state != 'queued':
			told.queue.claim()
		if state == 'succeeded':
			told.end('a')
		before = len(told.store.told)
		with pytest.raises(IdTaken, match="'a'") as caught:
			told.submit('a')

		assert caught.value.job == 'a'
		assert len(told.store.told) == before

	def test_what_cannot_be_stored_is_no_job(self, told: Told) -> None:
		"""It does not run in secret."""
		told.store.refuses = True
		with pytest.raises(OSError, match='no'):
			told.submit('a')

		assert told.queue.remaining == 0
		assert told.queue.claim() is None
		assert told.events == []
		told.store.refuses = False
		told.submit('a')

		assert told.order == ['a']

	def test_numbers_follow_arrival(self, told: Told) -> None:
		"""Without a number a job takes the next; a number of its own does not use one up."""
		jobs = [told.queue.submit(SUBMISSION), told.queue.submit(SUBMISSION, number=-7), told.queue.submit(SUBMISSION)]

		assert [job.number for job in jobs] == [0, -7, 1]


class TestKeys:
	"""A submission that comes twice is one job."""

	def keyed(self, told: Told, key: str, id: str | None = None) -> Job:
		return told.queue.submit(Submission(Graph({}), (), key=key), id=id)

	def test_the_job_that_waits_or_runs_is_given(self, told: Told) -> None:
		"""Nothing is stored or told a second time, whatever id the second one wants."""
		first = self.keyed(told, 'k', 'a')
		before = len(told.store.told)

		assert self.keyed(told, 'k', 'b') is first
		told.queue.claim()
		assert self.keyed(told, 'k') is first
		assert len(told.store.told) == before + 2
		assert told.queue.of_key('k') is first
		assert told.queue.remaining == 1

	def test_the_key_of_a_job_that_is_over(self, told: Told) -> None:
		"""Is refused with the id of the job, which the store can tell of."""
		first = self.keyed(told, 'k')
		told.queue.claim()
		told.end(first.id)
		with pytest.raises(KeyTaken) as caught:
			self.keyed(told, 'k')

		assert (caught.value.key, caught.value.job) == ('k', first.id)
		assert told.queue.remaining == 0
		assert told.queue.of_key('k') is None

	def test_other_keys_and_none(self, told: Told) -> None:
		"""Submissions without a key, or with another, are jobs of their own."""
		jobs = [self.keyed(told, key) for key in ('', '', 'k', 'l')]

		assert len({job.id for job in jobs}) == 4
		told.queue.remove([jobs[0].id])
		assert told.queue.of_key('k') is jobs[2]
		assert told.queue.of_key('') is None


class TestOrder:
	"""Who runs first."""

	def test_lower_numbers_then_arrival(self, told: Told) -> None:
		"""The number decides, among equal ones who came first; the id does not matter."""
		for id, number in (('z', 1), ('c', 3), ('a', 1), ('x', -1), ('m', 1), ('h', 2.5)):
			told.queue.submit(SUBMISSION, id=id, number=number)

		assert told.order == ['x', 'z', 'a', 'm', 'h', 'c']

	def test_front(self, told: Told) -> None:
		"""The number is negated, so the job goes before all that wait, the last such first."""
		for id, front in (('a', False), ('b', False), ('c', True), ('d', True)):
			told.queue.submit(SUBMISSION, id=id, number=told.queue.take_number(front=front))

		assert told.order == ['d', 'c', 'a', 'b']
		assert [told.queue.get(id).number for id in 'dc'] == [-3, -2]

	def test_front_of_low_numbers(self, told: Told) -> None:
		"""Also before those that clients or moves gave numbers below zero."""
		told.submit('a', number=-1000)
		told.queue.submit(SUBMISSION, id='b', number=told.queue.take_number(front=True))

		assert told.order == ['b', 'a']

	def test_front_of_nothing(self, told: Told) -> None:
		"""The first number of all is 0, front or not."""
		assert told.queue.take_number(front=True) == 0


class TestClaim:
	"""A job begins."""

	def test_takes_the_first(self, told: Told) -> None:
		"""It is stored as running, still counts as remaining, and waits no more."""
		told.submit('ab')
		told.store.told.clear()
		claimed = told.queue.claim()

		assert claimed is not None
		assert (claimed.id, claimed.state, claimed.attempts) == ('a', JobState.RUNNING, 1)
		assert told.store.told == [('stored', 'a running'), ('told', 'QueueChanged')]
		assert told.remaining[-1] == 2
		assert told.queue.running() == [claimed]
		assert told.order == ['b']

	def test_empty_queue(self, told: Told) -> None:
		"""Gives nothing and tells nothing."""
		assert told.queue.claim() is None
		assert told.events == []

	def test_running_ones_longest_first(self, told: Told) -> None:
		"""Several workers may run several jobs."""
		told.submit('abc')
		for _ in range(2):
			told.queue.claim()

		assert [job.id for job in told.queue.running()] == ['a', 'b']


class TestTell:
	"""What a worker tells of a running job."""

	def test_events_are_recorded_and_passed_on(self, told: Told) -> None:
		"""Ticks are passed on too, but not kept."""
		job = told.begin()
		started, tick = JobStarted(job='a'), NodeProgress(job='a', node='n', done=1, total=2)
		told.queue.tell(started)
		told.queue.tell(tick)

		assert told.events == [started, tick]
		assert job.events == [started]

	def test_the_end_is_stored_before_it_is_told(self, told: Told) -> None:
		"""Who hears of the end and asks, finds it; that the queue is shorter is told after."""
		told.begin()
		told.end('a')

		assert told.store.told == [('stored', 'a succeeded'), ('told', 'JobFinished'), ('told', 'QueueChanged')]
		assert told.remaining == [0]

	def test_subscribers_find_the_job_at_its_end(self, told: Told) -> None:
		"""It leaves the queue after they have heard."""
		found: list[JobState] = []
		told.begin()
		told.bus.subscribe(
			lambda event: found.append(told.queue.get('a').state) if isinstance(event, JobFinished) else None
		)
		told.end('a')

		assert found == [JobState.SUCCEEDED]
		with pytest.raises(JobNotFound):
			told.queue.get('a')

	@pytest.mark.parametrize('state', ['succeeded', 'failed', 'cancelled'])
	def test_a_job_ends_as_told(self, told: Told, state: str) -> None:
		"""State and failure of the last event become the job's."""
		failure = GONE if state == 'failed' else None
		job = told.begin()
		told.queue.tell(JobFinished.model_validate({'job': 'a', 'state': state, 'failure': failure}))

		assert (job.state, job.failure) == (state, failure)
		assert isinstance(job.events[-1], JobFinished)
		assert told.queue.remaining == 0

	def test_a_job_ends_once(self, told: Told) -> None:
		"""A second end is refused and not told."""
		job = told.begin()
		told.end('a')
		count = len(told.store.told)
		with pytest.raises(JobNotFound):
			told.queue.tell(JobFinished(job='a', state='failed'))

		assert job.state is JobState.SUCCEEDED
		assert len(told.store.told) == count

	def test_a_waiting_job_cannot_be_told_of(self, told: Told) -> None:
		"""What comes late from a worker that is given up leaves no trace."""
		told.submit('a')
		before = len(told.store.told)
		for event in (JobStarted(job='a'), JobFinished(job='a', state='failed', failure=GONE)):
			with pytest.raises(IllegalTransition, match="'a' is queued"):
				told.queue.tell(event)
		job = told.queue.get('a')

		assert (job.state, job.events, job.failure) == (JobState.QUEUED, [], None)
		assert len(told.store.told) == before

	def test_an_unknown_job_cannot_be_told_of(self, told: Told) -> None:
		"""Nobody hears of a job that is not there."""
		with pytest.raises(JobNotFound):
			told.queue.tell(JobStarted(job='x'))

		assert told.events == []


class TestLose:
	"""The worker dies over a job."""

	def test_the_first_time_it_waits_again(self, told: Told) -> None:
		"""Before its equals, with the reason told; what it had told is forgotten."""
		job = told.begin()
		told.submit('bc', number=0)
		told.queue.tell(JobStarted(job='a'))
		told.events.clear()
		told.store.told.clear()
		told.queue.lose('a', GONE)
		queued = told.events[0]

		assert (job.state, job.losses, job.attempts, job.events) == (JobState.QUEUED, 1, 1, [])
		assert told.order == ['a', 'b', 'c']
		assert isinstance(queued, JobQueued)
		assert (queued.job, queued.reason) == ('a', 'gone')
		assert told.store.told == [
			('stored', 'a queued'),
			('told', 'JobQueued'),
			('told', 'QueueChanged'),
			('called', ''),
		]

	def test_the_second_time_it_is_parked(self, told: Told) -> None:
		"""It ends as failed like any other, with the cause, the node it was at and those that were done."""
		job = told.begin()
		told.queue.lose('a', GONE)
		told.queue.claim()
		told.queue.tell(NodeFinished(job='a', node='m', kind='Add', seconds=1, ui=Ui({'text': ['x']})))
		told.queue.lose('a', GONE)
		[end] = [event for event in told.events if isinstance(event, JobFinished)]

		assert (job.state, job.failure, job.losses) == (JobState.FAILED, GONE, 2)
		assert (end.state, end.failure, end.node, end.kind, end.executed) == ('failed', GONE, 'n', 'Wait', ('m',))
		assert list(job.outputs) == ['m']
		assert told.queue.remaining == 0

	def test_without_retry(self, told: Told) -> None:
		"""What would fail again fails at once."""
		job = told.begin()
		told.queue.lose('a', GONE, retry=False)

		assert (job.state, job.failure) == (JobState.FAILED, GONE)

	def test_as_often_as_set(self) -> None:
		"""The number of retries is the queue's."""
		queue = JobQueue(MemoryJobStore(), EventBus(), retries=0)
		queue.submit(SUBMISSION, id='a')
		job = queue.claim()
		queue.lose('a', GONE)

		assert job is not None
		assert job.state is JobState.FAILED

	def test_unknown(self, told: Told) -> None:
		"""There is nobody to lose."""
		with pytest.raises(JobNotFound):
			told.queue.lose('x', GONE)


class TestEnd:
	"""A running job is ended from outside."""

	def test_cancelled(self, told: Told) -> None:
		"""Without a failure."""
		job = told.begin()
		told.queue.end('a', None)
		[end] = [event for event in told.events if isinstance(event, JobFinished)]

		assert (job.state, job.failure, end.state, end.node) == (JobState.CANCELLED, None, 'cancelled', None)

	def test_only_a_running_one(self, told: Told) -> None:
		"""A waiting job is removed, not ended."""
		told.submit('a')
		with pytest.raises(IllegalTransition):
			told.queue.end('a', GONE)

		assert told.order == ['a']


class TestRequeue:
	"""A running job waits again, through no fault of its own."""

	def test_not_for_ever(self, told: Told) -> None:
		"""What takes down everything that runs it ends as failed at last, and says how often it was begun."""
		job = told.begin()
		for _ in range(MOST_ATTEMPTS - 1):
			told.queue.requeue('a', 'the server fell')
			told.queue.claim()
		told.queue.requeue('a', 'the server fell')

		assert job.state is JobState.FAILED
		assert job.failure is not None
		assert f'begun {MOST_ATTEMPTS} times' in job.failure.message
		assert 'the server fell' in job.failure.message
		assert told.queue.remaining == 0

	def test_only_a_running_one(self, told: Told) -> None:
		"""One that waits stays where it is, once."""
		told.submit('a')
		with pytest.raises(IllegalTransition):
			told.queue.requeue('a', 'why not')

		assert told.order == ['a']


class TestRetire:
	"""The server ends."""

	def test_nothing_begins_and_running_jobs_wait(self, told: Told) -> None:
		"""They stand first again, and the attempt is not held against them, however often servers are stopped."""
		told.submit('abc')
		told.queue.claim()
		told.queue.claim()
		told.queue.retire()

		assert told.order == ['a', 'b', 'c']
		assert [told.queue.get(id).attempts for id in 'abc'] == [0, 0, 0]
		assert told.queue.claim() is None
		assert told.store.told[-1] == ('called', '')

	def test_it_may_have_been_begun_often(self, told: Told) -> None:
		"""A job at the limit is not parked by a stop."""
		job = told.begin()
		job.attempts = MOST_ATTEMPTS
		told.queue.retire()

		assert (job.state, job.attempts) == (JobState.QUEUED, MOST_ATTEMPTS - 1)


class TestRemove:
	"""Waiting jobs are cancelled."""

	def test_waiting_jobs_are_dropped(self, told: Told) -> None:
		"""The running one and unknown ones are passed over; each is stored and told, the change once."""
		told.submit('abcd')
		told.queue.claim()
		dropped = told.queue.get('b')
		told.store.told.clear()

		assert told.queue.remove(['a', 'b', 'c', 'x']) == 2
		assert dropped.state is JobState.CANCELLED
		assert told.order == ['d']
		assert told.store.told == [
			('stored', 'b cancelled'),
			('told', 'JobDropped'),
			('stored', 'c cancelled'),
			('told', 'JobDropped'),
			('told', 'QueueChanged'),
		]
		assert [event.job for event in told.events if isinstance(event, JobDropped)] == ['b', 'c']
		assert told.remaining[-1] == 2

	def test_nothing_removed_is_not_told(self, told: Told) -> None:
		"""The queue did not change."""
		assert told.queue.remove(['x']) == 0
		assert told.queue.clear() == 0
		assert told.events == []

	def test_clear(self, told: Told) -> None:
		"""Every waiting job goes, the running one stays."""
		told.submit('abc')
		told.queue.claim()

		assert told.queue.clear() == 2
		assert told.queue.remaining == 1
		assert [job.id for job in told.queue.running()] == ['a']


class TestRenumber:
	"""A waiting job gets another number."""

	def test_behind_those_that_have_it(self, told: Told) -> None:
		"""And before those with higher ones; it is stored and told."""
		for id, number in (('a', 1), ('b', 2), ('c', 2), ('d', 3)):
			told.submit(id, number=number)
		told.store.told.clear()
		told.queue.renumber('a', 2)

		assert told.order == ['b', 'c', 'a', 'd']
		assert told.store.told == [('stored', 'a queued'), ('told', 'QueueChanged')]

		told.queue.renumber('d', -5)

		assert told.order == ['d', 'b', 'c', 'a']

	def test_only_waiting_ones(self, told: Told) -> None:
		"""Who runs has no place any more."""
		told.begin()
		with pytest.raises(IllegalTransition):
			told.queue.renumber('a', 2)
		with pytest.raises(JobNotFound):
			told.queue.renumber('x', 2)


class TestMove:
	"""A waiting job goes right before another."""

	@pytest.mark.parametrize(
		('moved', 'before', 'expected'),
		[('d', 'a', 'dabc'), ('d', 'b', 'adbc'), ('a', 'd', 'bcad'), ('a', 'b', 'abcd'), ('b', 'a', 'bacd')],
	)
	@pytest.mark.parametrize('numbers', [(0, 1, 2, 3), (5, 5, 5, 5), (1, 1, 2, 2), (-1e300, 1, 1, 1e300)])
	def test_to_its_place(self, told: Told, moved: str, before: str, expected: str, numbers: Sequence[float]) -> None:
		"""Whatever numbers they have, equal ones too; the places stay in the order of the queue."""
		for id, number in zip('abcd', numbers, strict=True):
			told.submit(id, number=number)
		told.queue.move(moved, before=before)
		places = [job.place for job in told.queue.queued()]

		assert ''.join(told.order) == expected
		assert places == sorted(set(places))

	def test_alone_is_stored(self, told: Told) -> None:
		"""The others keep their numbers, and those that come later go behind."""
		told.submit('abc')
		told.store.told.clear()
		told.queue.move('c', before='b')

		assert told.store.told == [('stored', 'c queued'), ('told', 'QueueChanged')]
		assert [told.queue.get(id).number for id in 'ab'] == [0, 1]
		told.submit('d')
		assert told.order == ['a', 'c', 'b', 'd']

	def test_before_itself(self, told: Told) -> None:
		"""Is where it stands."""
		told.submit('ab')
		before = len(told.store.told)
		told.queue.move('b', before='b')

		assert told.order == ['a', 'b']
		assert len(told.store.told) == before

	@pytest.mark.parametrize('numbers', [(0, 1), (5, 5)])
	def test_when_no_number_is_left_in_between(self, told: Told, numbers: Sequence[float]) -> None:
		"""Halves end after some fifty; then all get new numbers, and the order holds all the same."""
		told.submit('a', number=numbers[0])
		told.submit('z', number=numbers[1])
		expected = ['a', 'z']
		for count in range(150):
			id = f'{count}'
			told.queue.submit(SUBMISSION, id=id)
			told.queue.move(id, before='z')
			expected.insert(-1, id)

		assert told.order == expected
		places = [job.place for job in told.queue.queued()]
		assert places == sorted(set(places))
		assert all(told.store.jobs[id].place == told.queue.get(id).place for id in expected)
		told.queue.submit(SUBMISSION, id='late')
		told.queue.submit(SUBMISSION, id='soon', number=told.queue.take_number(front=True))
		assert told.order == ['soon', *expected, 'late']

	def test_only_waiting_ones(self, told: Told) -> None:
		"""Neither a running job nor before one; unknown ones are not found."""
		told.begin()
		told.submit('b')
		for moved, before in (('a', 'b'), ('b', 'a')):
			with pytest.raises(IllegalTransition):
				told.queue.move(moved, before=before)
		for moved, before in (('x', 'b'), ('b', 'x')):
			with pytest.raises(JobNotFound):
				told.queue.move(moved, before=before)

		assert told.order == ['b']

	@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=60), st.data())
	def test_any_moves(self, moves: Sequence[tuple[int, int]], data: st.DataObject) -> None:
		"""Many moves are those of a list."""
		told = Told()
		for id in 'abcdefgh':
			told.submit(id, number=data.draw(st.sampled_from([0, 1, 1.5, -3, 1e17])))
		model = told.order
		for moved, before in moves:
			one, other = 'abcdefgh'[moved], 'abcdefgh'[before]
			told.queue.move(one, before=other)
			if one != other:
				model.remove(one)
				model.insert(model.index(other), one)

			assert told.order == model
		restored = Told()
		restored.queue.restore(sorted(told.queue.queued(), key=lambda job: job.place))
		assert restored.order == model


class TestPause:
	"""No further jobs begin."""

	def test_pause_and_resume(self, told: Told) -> None:
		"""What runs goes on, what waits waits; resuming calls whoever runs jobs."""
		told.submit('ab')
		told.queue.claim()
		told.queue.pause()
		paused = told.queue.claim()
		told.end('a')
		calls = told.calls
		told.queue.resume()

		assert paused is None
		assert told.calls == calls + 1
		assert told.queue.claim() is not None

	def test_it_is_stored_and_told_once(self, told: Told) -> None:
		"""Pausing twice is pausing."""
		told.queue.pause()
		told.queue.pause()
		changes = [event.paused for event in told.events if isinstance(event, QueueChanged)]

		assert told.queue.paused
		assert changes == [True]
		assert told.store.told == [('stored', 'paused True'), ('told', 'QueueChanged')]

	def test_submissions_wait(self, told: Told) -> None:
		"""A paused queue takes jobs."""
		told.queue.pause()
		told.submit('a')

		assert told.order == ['a']
		assert told.queue.claim() is None


class TestRestore:
	"""What an earlier process left is taken over."""

	def left(self, id: str, number: float, arrival: float, state: str = 'queued', attempts: int = 0) -> Job:
		return Job(JobId(id), number, SUBMISSION, arrival, state=JobState(state), attempts=attempts)

	def test_order_and_numbers(self, told: Told) -> None:
		"""Those that wait keep their places; the next numbers go on."""
		told.queue.restore([self.left('b', 1, 1), self.left('a', 1, 0), self.left('c', -4, 2)], number=9, arrival=3)
		told.submit('d')
		told.submit('e', number=1)

		assert told.order == ['c', 'a', 'b', 'e', 'd']
		assert told.queue.get('d').number == 9

	def test_running_ones_wait_before_their_equals(self, told: Told) -> None:
		"""Each is stored and told as waiting again, with the reason."""
		jobs = [self.left('b', 1, 1), self.left('a', 1, 0, 'running', attempts=1), self.left('c', 0, 2)]
		jobs[1].started = 5.0
		told.queue.restore(jobs)
		[queued] = [event for event in told.events if isinstance(event, JobQueued)]

		assert told.order == ['c', 'a', 'b']
		assert (queued.job, queued.reason != '') == ('a', True)
		assert told.store.told[0] == ('stored', 'a queued')
		assert jobs[1].started is None

	def test_paused(self, told: Told) -> None:
		"""A paused queue is paused still."""
		told.queue.restore([self.left('a', 0, 0)], paused=True)

		assert told.queue.paused
		assert told.queue.claim() is None
		told.queue.resume()
		assert told.queue.claim() is not None

	def test_begun_too_often(self, told: Told) -> None:
		"""A job that took the server down each time is parked, and the others run."""
		bad = self.left('a', 0, 0, 'running', attempts=MOST_ATTEMPTS)
		told.queue.restore([bad, self.left('b', 1, 1)])

		assert bad.state is JobState.FAILED
		assert bad.failure is not None
		assert bad.failure.exception_type == 'WorkerLost'
		assert [type(event) for event in told.events] == [JobFinished, QueueChanged]
		assert told.order == ['b']

	def test_keys(self, told: Told) -> None:
		"""A submission that comes again after the restart is still the same job."""
		job = Job(JobId('a'), 0, Submission(Graph({}), (), key='k'))
		told.queue.restore([job])

		assert told.queue.submit(Submission(Graph({}), (), key='k')) is job

	def test_nothing(self, told: Told) -> None:
		"""An empty store tells nothing."""
		told.queue.restore([])

		assert told.events == []
		assert told.queue.remaining == 0
