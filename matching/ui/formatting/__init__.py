"""Tables, words and HTML as people read them."""
