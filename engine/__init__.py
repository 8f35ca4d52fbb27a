"""The engine: knows graphs, not pictures. Start reading at `README.md` beside this file."""
