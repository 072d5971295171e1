"""Content packs: folders of Markdown files that articles and glossary are loaded from and written back to."""
