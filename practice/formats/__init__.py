"""How dates and times are written and read here, where Django's own formats are not enough."""
