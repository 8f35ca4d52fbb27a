"""What outlives the process: jobs, their steps, outputs and events, in one SQLite file."""
