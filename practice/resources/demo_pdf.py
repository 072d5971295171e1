"""A one-page PDF of a title and a few lines, so that the demo has something to download."""

import io

import pikepdf
from pikepdf import Dictionary, Name


def one_page(title: str, lines: list[str]) -> bytes:
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(612, 792))
    fonts = {
        name: pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name(f"/{base}")))
        for name, base in (("/F1", "Helvetica-Bold"), ("/F2", "Helvetica"))
    }
    page.Resources = Dictionary(Font=Dictionary(fonts))
    text = [f"BT /F1 20 Tf 72 700 Td ({_escape(title)}) Tj ET"]
    text += [f"BT /F2 12 Tf 72 {660 - 22 * row} Td ({_escape(line)}) Tj ET" for row, line in enumerate(lines)]
    page.Contents = pdf.make_stream("\n".join(text).encode("latin-1"))
    pdf.docinfo["/Title"] = title
    target = io.BytesIO()
    pdf.save(target, deterministic_id=True)
    return target.getvalue()


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
