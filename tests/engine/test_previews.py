"""How a job shows what it is making."""

from __future__ import annotations

import pytest

from engine.previews import PREVIEW_METHODS, PreviewMethod, preview_method


class TestMethod:
	@pytest.mark.parametrize('method', PREVIEW_METHODS)
	def test_a_job_has_its_own(self, method: PreviewMethod) -> None:
		"""Whatever the default."""
		assert preview_method(method, 'auto') == preview_method(method, 'none') == method

	@pytest.mark.parametrize('said', [None, 'default', 'TAESD', '', 1, ['auto'], True])
	def test_others_have_the_default(self, said: object) -> None:
		"""What names no method says nothing; `default` is what ComfyUI's editor sends for it."""
		assert preview_method(said, 'latent2rgb') == 'latent2rgb'
		assert preview_method(said, 'none') == 'none'
