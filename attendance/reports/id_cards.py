"""ID cards as a PDF, ready to print and cut: ISO/IEC 7810 ID-1 (85.6 × 54 mm), ten to an A4 page, crop marks."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import segno
from fpdf import FPDF

CARD_WIDTH_MM, CARD_HEIGHT_MM = 85.6, 54.0
_PER_ROW, _PER_COLUMN = 2, 5
_LEFT_MM = (210 - _PER_ROW * CARD_WIDTH_MM) / 2
_TOP_MM = (297 - _PER_COLUMN * CARD_HEIGHT_MM) / 2
_QR_MM = 30.0
_MARK_MM = 4.0
_INK = (20, 33, 61)
_ACCENT = (15, 118, 110)


@dataclass(frozen=True, slots=True)
class IdCard:
    """What stands on one card; ``payload`` is what the QR code says."""

    name: str
    student_id: str
    section: str
    payload: str


def id_cards(cards: Iterable[IdCard], school: str) -> bytes:
    """The PDF."""
    pdf = FPDF(unit="mm", format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_title(f"ID cards, {_printable(school)}")
    for number, card in enumerate(cards):
        place = number % (_PER_ROW * _PER_COLUMN)
        if place == 0:
            pdf.add_page()
            _crop_marks(pdf)
        x = _LEFT_MM + place % _PER_ROW * CARD_WIDTH_MM
        y = _TOP_MM + place // _PER_ROW * CARD_HEIGHT_MM
        _card(pdf, x, y, card, school)
    return bytes(pdf.output())


def _card(pdf: FPDF, x: float, y: float, card: IdCard, school: str) -> None:
    pdf.set_fill_color(*_INK)
    pdf.rect(x, y, CARD_WIDTH_MM, 11, style="F")
    pdf.set_text_color(255, 255, 255)
    _line(pdf, x + 5, y + 2.5, CARD_WIDTH_MM - 10, school, 11, "B")
    _qr(pdf, x + CARD_WIDTH_MM - _QR_MM - 4, y + 15, card.payload)
    width = CARD_WIDTH_MM - _QR_MM - 13
    pdf.set_text_color(*_INK)
    last, comma, first = card.name.partition(", ")
    _line(pdf, x + 5, y + 17, width, last if comma else card.name, 15, "B")
    _line(pdf, x + 5, y + 24, width, first, 11, "")
    pdf.set_text_color(*_ACCENT)
    _line(pdf, x + 5, y + 33, width, card.section, 11, "B")
    pdf.set_text_color(*_INK)
    _line(pdf, x + 5, y + 39, width, card.student_id, 11, "")
    pdf.set_fill_color(*_ACCENT)
    pdf.rect(x, y + CARD_HEIGHT_MM - 2, CARD_WIDTH_MM, 2, style="F")


def _line(pdf: FPDF, x: float, y: float, width: float, text: str, size: float, style: str) -> None:
    """One line of text that shrinks until it fits, then ends in dots."""
    text = _printable(text)
    pdf.set_font("Helvetica", style, size)
    while pdf.get_string_width(text) > width and size > 7:
        size -= 0.5
        pdf.set_font_size(size)
    while pdf.get_string_width(text) > width:
        text = text[:-4] + "..."
    pdf.set_xy(x, y)
    pdf.cell(width, 6, text)


def _qr(pdf: FPDF, x: float, y: float, payload: str) -> None:
    """The code as vector squares, with the quiet zone inside ``_QR_MM``: sharp on any printer."""
    matrix = [bytes(row) for row in segno.make_qr(payload, error="m").matrix_iter(border=4)]
    module = _QR_MM / len(matrix)
    pdf.set_fill_color(0, 0, 0)
    for row, modules in enumerate(matrix):
        start = None
        for column, dark in enumerate([*modules, 0]):
            if dark and start is None:
                start = column
            elif not dark and start is not None:
                pdf.rect(x + start * module, y + row * module, (column - start) * module, module, style="F")
                start = None


def _crop_marks(pdf: FPDF) -> None:
    pdf.set_draw_color(120, 120, 120)
    pdf.set_line_width(0.1)
    right, bottom = _LEFT_MM + _PER_ROW * CARD_WIDTH_MM, _TOP_MM + _PER_COLUMN * CARD_HEIGHT_MM
    for column in range(_PER_ROW + 1):
        x = _LEFT_MM + column * CARD_WIDTH_MM
        pdf.line(x, _TOP_MM - _MARK_MM - 1, x, _TOP_MM - 1)
        pdf.line(x, bottom + 1, x, bottom + _MARK_MM + 1)
    for row in range(_PER_COLUMN + 1):
        y = _TOP_MM + row * CARD_HEIGHT_MM
        pdf.line(_LEFT_MM - _MARK_MM - 1, y, _LEFT_MM - 1, y)
        pdf.line(right + 1, y, right + _MARK_MM + 1, y)


def _printable(text: str) -> str:
    """The text in the PDF's built-in alphabet (Latin-1, so ñ stays); other letters lose their marks or become ``?``."""
    return "".join(
        c
        if c.encode("latin-1", "ignore")
        else unicodedata.normalize("NFKD", c).encode("latin-1", "ignore").decode() or "?"
        for c in unicodedata.normalize("NFC", text)
    )
