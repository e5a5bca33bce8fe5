"""The nouns: frozen values, standard library only. Verbs live in the rooms above."""
