"""Workflows as tests: a plugin of pytest, and what a workflow is expected to give."""
