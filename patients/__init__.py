"""Who the visitor is: patients' records and the look-up that lets a guest reach a bill."""
