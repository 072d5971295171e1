"""A Wagtail site with the content of two of our pages: the same HTML around, the text as blocks of rich text."""
