from nodes.demo.curve import plot, read_log

LOG = """step 50 loss 0.9 0.1 s a step
step 100 loss 0.7 0.1 s a step
judged at 100: back 1.000 pair color 0.250 score 0.600
step 100 loss 0.6 0.1 s a step
"""


class TestLog:
	def test_is_read_by_curve_and_later_words_count(self) -> None:
		assert read_log(LOG) == {'loss': [(50, 0.9), (100, 0.6)], 'back': [(100, 1.0)], 'pair color': [(100, 0.25)]}

	def test_other_lines_are_passed_over(self) -> None:
		assert read_log('Warning: step by step\n') == {}


class TestPlot:
	def test_every_curve_is_drawn(self) -> None:
		picture = plot(read_log(LOG))
		colors = {color for _, color in picture.getcolors(100_000) or []}

		assert picture.width > picture.height
		assert {(0, 0, 0), (0x22, 0x77, 0xBB), (0x22, 0xAA, 0x44)} <= colors
