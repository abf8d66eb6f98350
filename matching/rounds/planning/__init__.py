"""From a round to plans: the inputs of the next one, and the accepted one as it is now."""
