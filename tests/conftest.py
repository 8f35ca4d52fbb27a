"""What all tests share: folders of their own, and no way out of the machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.settings import Settings

# Loading a model must never ask a hub; should something try, it fails at once and not after a time-out.
os.environ.setdefault('HF_HUB_OFFLINE', '1')
os.environ.setdefault('TRANSFORMERS_OFFLINE', '1')
# Tiny models are quicker on one thread, and so is a machine that runs several tests at once.
os.environ.setdefault('OMP_NUM_THREADS', '1')


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
	"""Settings whose every folder is empty and the test's own."""
	return Settings(base=tmp_path)
