"""ComfyUI's `comfy_api`, by version."""
