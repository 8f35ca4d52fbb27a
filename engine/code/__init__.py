"""Workflows as Python code: see `engine/code/workflow.py`."""
