"""Words for a drawn page: real sentences of one language, and figures between them."""

from __future__ import annotations

import html
import random
from collections.abc import Sequence
from dataclasses import dataclass

RIGHT_TO_LEFT = frozenset({"Arabic", "Hebrew"})


@dataclass(frozen=True)
class Writer:
    """Gives text of one language by chance.

    Args:
        draw: the source of chance.
        messages: real sentences and labels.
        script: that they are written in.
    """

    draw: random.Random
    messages: Sequence[str]
    script: str

    @property
    def direction(self) -> str:
        """As CSS calls it."""
        return "rtl" if self.script in RIGHT_TO_LEFT else "ltr"

    def label(self, longest: int = 24) -> str:
        """A few words."""
        for _ in range(20):
            if len(text := self.draw.choice(self.messages)) <= longest:
                return html.escape(text.rstrip(".:"))
        return html.escape(text[:longest])

    def sentence(self) -> str:
        """A sentence, mostly."""
        for _ in range(6):
            if len(text := self.draw.choice(self.messages)) >= 25:
                break
        return html.escape(text)

    def text(self, sentences: int) -> str:
        """So many sentences."""
        return " ".join(self.sentence() for _ in range(sentences))

    def paragraphs(self, count: int, longest: int = 6) -> str:
        """Paragraphs, as HTML."""
        return "".join(f"<p>{self.text(self.draw.randint(1, longest))}</p>" for _ in range(count))

    def amount(self) -> str:
        """A sum of money or another figure."""
        value = self.draw.choice([9, 99, 999, 9999, 99999]) * self.draw.random()
        return self.draw.choice(["{:.2f}", "{:,.2f}", "{:.0f}", "{:.1f} %", "€ {:.2f}", "{:.3f}"]).format(value)

    def code(self) -> str:
        """A reference number."""
        letters = "".join(self.draw.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(self.draw.randint(0, 3)))
        return f"{letters}{self.draw.choice(['', '-', ' '])}{self.draw.randrange(10 ** self.draw.randint(4, 9))}"

    def date(self) -> str:
        """A date in figures."""
        day, month, year = self.draw.randint(1, 28), self.draw.randint(1, 12), self.draw.randint(1950, 2030)
        return self.draw.choice([f"{day:02}.{month:02}.{year}", f"{year}-{month:02}-{day:02}", f"{month}/{day}/{year}"])
