"""The hiring office's pages in the admin, one module for each thing they are about."""
