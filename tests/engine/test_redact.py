from engine.events import AnyEvent, Failure, JobFinished, NodeStarted
from engine.redact import redacted, redacted_event


class TestText:
	def test_secrets_go(self) -> None:
		"""Every one, wherever it stands."""
		assert redacted('a=key-1234&b=key-1234, other', ['key-1234', 'other']) == 'a=***&b=***, ***'

	def test_short_ones_stay(self) -> None:
		"""Else every text with an `a` in it would be spoilt."""
		assert redacted('a banana', ['', 'a', 'nan']) == 'a banana'


class TestEvent:
	def test_a_failure_that_quotes_a_secret(self) -> None:
		"""Message and traceback are told without it; all else is as it was."""
		failure = Failure(message='no: key-1234', exception_type='ValueError', node='n', traceback=('x key-1234',))
		event = JobFinished(job='j', state='failed', failure=failure, node='n', kind='A', executed=('m',))
		told = redacted_event(event, ['key-1234'])

		assert isinstance(told, JobFinished)
		assert told.failure == failure.model_copy(update={'message': 'no: ***', 'traceback': ('x ***',)})
		assert told.model_copy(update={'failure': failure}) == event

	def test_all_others_are_handed_on(self) -> None:
		"""The very same."""
		events: list[AnyEvent] = [NodeStarted(job='j', node='n', kind='A'), JobFinished(job='j', state='succeeded')]

		assert all(redacted_event(event, ['key-1234']) is event for event in events)
