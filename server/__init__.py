"""HTTP, WebSocket and the command line. Start reading at `README.md` beside this file."""
