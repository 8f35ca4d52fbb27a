"""The embedded demo model: drawn pictures, how it was trained on them, and its weights (`lumen-demo.safetensors`)."""
