"""Finds a Chromium to test the editor in, and installs Debian's where there is none and we may."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')
# A browser in a test talks to nobody but the page: without these it looks up its maker's hosts at every start.
FLAGS: Sequence[str] = (
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
)


def find_chromium() -> str | None:
	"""The path of a browser, or None."""
	return next((path for path in map(shutil.which, NAMES) if path is not None), None)


def install_chromium() -> None:
	"""Install Debian's Chromium, if this is a Debian and we are root; does nothing elsewhere."""
	apt = shutil.which('apt-get')
	if apt is None or not hasattr(os, 'geteuid') or os.geteuid() != 0:
		return
	environment = {**os.environ, 'DEBIAN_FRONTEND': 'noninteractive'}
	for arguments in (['update', '-qq'], ['install', '-y', '-qq', '--no-install-recommends', 'chromium']):
		subprocess.run([apt, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL)
