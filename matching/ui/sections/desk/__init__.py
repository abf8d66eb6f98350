"""The forms of the contact desk."""
