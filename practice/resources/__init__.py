"""Practice Resources: documents that only signed-in staff, physicians or referring offices may see."""
