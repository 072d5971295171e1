"""Search over the whole site: what people type is understood here; each room finds its own pages."""
