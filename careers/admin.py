"""The hiring office's pages are in `careers/office/`; importing them registers them."""

from careers.office import applications, certificates, mails, openings

__all__ = ["applications", "certificates", "mails", "openings"]
