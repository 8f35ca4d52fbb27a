"""What outlives the process: jobs, their outputs and events, in one SQLite file."""
