import logging

import pytest
from pydantic import JsonValue, TypeAdapter

from engine.events import (
	AddedNode,
	AnyEvent,
	Event,
	EventBus,
	Failure,
	GraphExpanded,
	JobFinished,
	JobProgress,
	JobStarted,
	ModelLoading,
	NodeBlocked,
	NodeFinished,
	NodeMessage,
	NodePreview,
	NodeProgress,
	NodesCached,
	NodeStarted,
	NodeText,
	SavedFile,
	Ui,
	Why,
)

EVENTS: list[AnyEvent] = [
	JobStarted(job='j'),
	NodesCached(job='j', nodes=('a',), pending=('b', 'c')),
	NodeStarted(job='j', node='b', kind='B'),
	NodeProgress(job='j', node='b', done=1, total=2, phase='sampling'),
	ModelLoading(
		job='j', node='b', load='l', model='a.sft', part='vae', place='cpu', phase='loading_model', done=1, total=2
	),
	NodePreview(job='j', node='b', image=bytes(range(256))),
	NodePreview(job='j', node='b', image=b'', format='PNG'),
	NodeText(job='j', node='b', text='ü'),
	NodeMessage(job='j', node='b', name='mine', data={'a': [1, None, {'b': 'ü'}]}, everyone=True),
	NodeFinished(job='j', node='b', kind='B', seconds=0.5, ui=Ui.of_images(SavedFile(filename='ä.png', subfolder='s'))),
	NodeFinished(
		job='j', node='b', kind='B', seconds=0.0, cached=True, why=Why(code='input_changed', text="input 'a' changed")
	),
	NodeBlocked(job='j', node='d', kind='D', message='too large'),
	GraphExpanded(job='j', node='e', added=(AddedNode(node='e.0.1', kind='F', display='e'),)),
	JobProgress(job='j', fraction=0.25, seconds_left=None),
	JobFinished(
		job='j',
		state='failed',
		failure=Failure(
			message='no', exception_type='ValueError', node='c', traceback=('x',), inputs={'a': [1, 'b', None]}
		),
		node='c',
		kind='C',
		executed=('b',),
	),
]


class TestJson:
	@pytest.mark.parametrize('event', EVENTS, ids=lambda event: event.type)
	def test_an_event_survives_json(self, event: AnyEvent) -> None:
		"""Each kind of event comes back equal and of its own class, the bytes of pictures too."""
		adapter: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)
		again = adapter.validate_json(event.model_dump_json())

		assert again == event
		assert type(again) is type(event)


class TestUi:
	def test_pictures_are_files(self) -> None:
		"""As they were put in."""
		files = (SavedFile(filename='a.png'), SavedFile(filename='b.png', subfolder='s', type='temp'))

		assert Ui.of_images(*files).images == files
		assert Ui.of_images(*files).files == files

	def test_files_of_any_name_count(self) -> None:
		"""Sounds and films are files too; what is no file of ours is passed over."""
		sound: JsonValue = {'filename': 'a.flac', 'subfolder': '', 'type': 'output', 'more': 1}
		odd: list[JsonValue] = ['text', 5, None, {'filename': 3, 'type': 'output'}, {'filename': 'x', 'type': 'web'}]
		ui = Ui({'audio': [sound], 'text': odd, 'images': odd})

		assert ui.images == ()
		assert ui.files == (SavedFile(filename='a.flac'),)


class TestBus:
	def test_everyone_hears_everything_in_order(self) -> None:
		"""Each subscriber gets each event, in the order of publishing."""
		bus, first, second = EventBus(), list[Event](), list[Event]()
		with bus.subscribe(first.append), bus.subscribe(second.append):
			for event in EVENTS:
				bus.publish(event)

		assert first == second == EVENTS

	def test_a_subscription_ends_with_its_context(self) -> None:
		"""Who has left hears nothing, the others go on; a method is one subscriber, not another at each access."""
		bus, first, second = EventBus(), list[Event](), list[Event]()
		with bus.subscribe(first.append):
			with bus.subscribe(second.append):
				bus.publish(EVENTS[0])
			bus.publish(EVENTS[1])
		bus.publish(EVENTS[2])

		assert first == EVENTS[:2]
		assert second == EVENTS[:1]

	def test_a_subscriber_may_leave_while_it_is_told(self) -> None:
		"""The others still hear the event that is on its way."""
		bus, heard = EventBus(), list[Event]()

		def once(event: Event) -> None:
			heard.append(event)
			subscription.__exit__(None, None, None)

		subscription = bus.subscribe(once)
		with bus.subscribe(heard.append):
			bus.publish(EVENTS[0])
			bus.publish(EVENTS[1])

		assert heard == [EVENTS[0], EVENTS[0], EVENTS[1]]

	def test_a_subscriber_that_fails_does_not_stop_the_others(self, caplog: pytest.LogCaptureFixture) -> None:
		"""Its error is logged; the publisher and the other subscribers do not notice."""
		bus, heard = EventBus(), list[Event]()

		def broken(event: Event) -> None:
			raise ValueError('a closed socket')

		with bus.subscribe(broken), bus.subscribe(heard.append), caplog.at_level(logging.ERROR):
			bus.publish(EVENTS[0])

		assert heard == [EVENTS[0]]
		assert 'JobStarted' in caplog.text
		assert 'a closed socket' in caplog.text
