"""What each command does once its options are read: one module a command, named after it."""
