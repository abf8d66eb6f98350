"""Who may serve whom: the rules, the scores and the eligible pairs."""
