"""Nodes that make a workflow fail unless something holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.code.session import RunFailed, Session
from engine.code.workflow import Workflow
from engine.settings import Settings
from nodes.assertion import _equal


@pytest.fixture(scope='module')
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
	"""The built-in nodes."""
	return Session(Settings(base=tmp_path_factory.mktemp('session'), cpu=True))


class TestEqual:
	@pytest.mark.parametrize(
		('value', 'wanted', 'tolerance', 'holds'),
		[
			(3, 3.0, 0, True),
			(3, 3.2, 0.25, True),
			(3, 3.5, 0.25, False),
			(True, 1, 0, False),
			(True, True, 0, True),
			(1, True, 0, False),
			((1, [2.0]), [1, [2]], 0, True),
			([1], [1, 2], 0, False),
			({'a': 1.0}, {'a': 1.1}, 0.2, True),
			({'a': 1}, {'b': 1}, 1, False),
			('x', 'x', 0, True),
			(None, None, 0, True),
		],
	)
	def test_values(self, value: object, wanted: object, tolerance: float, holds: bool) -> None:
		"""Numbers within the tolerance, however deep; true is no number."""
		assert _equal(value, wanted, tolerance) is holds

	def test_in_a_workflow(self, session: Session) -> None:
		"""What holds lets the value pass; what does not fails the workflow, with the note."""
		flow = Workflow(session=session)
		width, _ = flow.ResolutionSelector(aspect_ratio='1:1 (Square)', megapixels=1.0)
		same = flow.AssertEqual(value=width, expected='1024')
		flow.AssertEqual(value=width, expected='1000', tolerance=10, note='too wide', _id='wrong')

		assert flow.run(same)[same] == 1024
		with pytest.raises(RunFailed, match=r'too wide: expected 1000 \(± 10\), got 1024'):
			flow.run()

	def test_text(self, session: Session) -> None:
		"""What is no JSON is text; so is a text of digits."""
		flow = Workflow(session=session)
		flow.AssertEqual(value=flow.PrimitiveString(value='a b'), expected='a b')
		flow.AssertEqual(value=flow.PrimitiveString(value='12'), expected='12')
		flow.run()


class TestImage:
	@pytest.mark.parametrize(
		('sizes', 'sentence'),
		[
			({'width': 9}, 'expected 9 pixels in width, got 8'),
			({'height': 9}, 'expected 9 in height, got 8'),
			({'count': 1}, 'expected 1 pictures, got 2'),
			({}, 'expected more than one colour, got a flat picture'),
		],
	)
	def test_what_does_not_hold(self, session: Session, sizes: dict[str, int], sentence: str) -> None:
		"""Sizes, the number of pictures, and pictures that show nothing."""
		flow = Workflow(session=session)
		flow.AssertImage(images=flow.EmptyImage(width=8, height=8, batch_size=2), **sizes)

		with pytest.raises(RunFailed, match=sentence):
			flow.run()

	def test_what_holds(self, session: Session) -> None:
		"""A picture of the right size that shows something passes."""
		flow = Workflow(session=session)
		left, right = flow.EmptyImage(width=8, height=8), flow.EmptyImage(width=8, height=8, color=255)
		both = flow.ImageStitch(image1=left, image2=right)
		flow.AssertImage(images=both, width=16, height=8, count=1)
		flow.run()


class TestLike:
	def flow(self, session: Session, colour: int, likeness: float = 0.95) -> Workflow:
		"""Two flat pictures, compared."""
		flow = Workflow(session=session)
		got = flow.EmptyImage(width=16, height=16, color=colour)
		flow.AssertImageLike(
			images=got, reference=flow.EmptyImage(width=16, height=16, color=0x808080), likeness=likeness, _id='like'
		)
		return flow

	def test_likeness(self, session: Session) -> None:
		"""Pictures that nobody can tell apart pass, others do not, unless little is asked."""
		self.flow(session, 0x818181).run()
		self.flow(session, 0xFF0000, likeness=0.0).run()
		with pytest.raises(RunFailed, match=r'expected a likeness of 0\.95 or more, got 0'):
			self.flow(session, 0xFF0000).run()

	def test_sizes(self, session: Session, tmp_path: Path) -> None:
		"""Another size, or another number of pictures, is told."""
		flow = Workflow(session=session)
		small, large = flow.EmptyImage(width=8, height=8), flow.EmptyImage(width=16, height=8)
		flow.AssertImageLike(images=small, reference=large)
		with pytest.raises(RunFailed, match='expected 16 × 8 pixels, got 8 × 8 pixels'):
			flow.run()
		flow = Workflow(session=session)
		several = flow.EmptyImage(width=8, height=8, batch_size=3)
		flow.AssertImageLike(images=several, reference=flow.EmptyImage(width=8, height=8, batch_size=2))
		with pytest.raises(RunFailed, match='expected 2 pictures, got 3'):
			flow.run()
