"""What patients read: topics, articles in two languages, the glossary, content packs."""
