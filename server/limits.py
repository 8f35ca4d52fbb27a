"""How much the server takes from a client, unless it is told otherwise."""

from __future__ import annotations

MEGABYTE = 2**20
MAX_BODY = 100 * MEGABYTE
"""Bytes of a request's body: an upload, a workflow, a prompt."""
