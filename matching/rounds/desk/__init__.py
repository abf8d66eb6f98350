"""The contact desk of a round: from proposed to completed, with consents, dates and what is due."""
