"""Files people open in a spreadsheet."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_cell(value: object) -> str:
    """The value as text that no spreadsheet takes for a formula: one that looks like it gets an apostrophe in front.

    Source: OWASP, "CSV Injection".
    """
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text
