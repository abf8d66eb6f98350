"""What the app keeps between clicks: the open round, results and running jobs."""
