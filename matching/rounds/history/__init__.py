"""What happens to a round: its events, what they come to, and what may be recorded next."""
