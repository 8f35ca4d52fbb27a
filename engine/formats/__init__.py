"""JSON in and out: the native workflow file and ComfyUI's API form."""
