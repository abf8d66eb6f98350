"""What happens to a round over its weeks, and where it is kept."""
