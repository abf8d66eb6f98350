"""The forms of People and Needs, and what a change of the register touches."""
