"""What people are told of the models in memory."""

from __future__ import annotations

from engine.modelreport import WorkReport, report
from engine.models import CPU
from tests.engine.device import Bench, FakePatch, fake


class TestReport:
	def test_residents_and_work(self) -> None:
		"""All that is used is accounted for: weights, and what is kept free to work with them."""
		bench = Bench(20)
		with bench.store.use(fake('a:4', FakePatch(2, (fake('d:1'),))), working_bytes=5):
			told = report(bench.store)

		assert {(item.model, item.patches): (item.places, item.leases) for item in told.residents} == {
			('d:1', ()): ({CPU: 1}, 0),
			('a:4', ()): ({CPU: 4}, 0),
			('a:4', ('Fake d:1',)): ({CPU: 2}, 1),
		}
		assert told.work == (WorkReport(label='work with unet of a:4 + Fake d:1', nbytes=5),)
		assert told.used[CPU] == sum(item.nbytes for item in told.residents) + 5
		assert report(bench.store).work == ()
