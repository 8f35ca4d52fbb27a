"""`comfy_api.v0_0_2`: an earlier version, of which the same is provided as of the latest."""

from __future__ import annotations

from nodes.comfy.shims.comfy_api.latest import ComfyAPI, ComfyAPISync

__all__ = ['ComfyAPI', 'ComfyAPISync']
