"""The figure a person reads in the Console, as they type it."""

import re

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from pricing.money import parse_usd

# Plain digits with at most cents; thousands either all separated or not at all.
_FIGURE = re.compile(r"\$? ?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]{1,2})?")
MOST_DIGITS = 20
# What a single cell of every database holds.
MOST = 9_000_000 * 10**12


class ConsoleForm(forms.Form):
    """One amount in US dollars; its cleaned value is whole pico-dollars."""

    total = forms.CharField(
        max_length=60,
        error_messages={"required": _("Type the total that the Console shows, such as 41,208.77.")},
    )

    def clean_total(self) -> int:
        """Read the amount.

        Raises: ValidationError saying how to write it.
        """
        text = self.cleaned_data["total"].strip()
        if sum(letter.isdigit() for letter in text) > MOST_DIGITS:
            raise ValidationError(_("That has more than 20 digits; type the total with two decimals."))
        if text.startswith(("-", "−", "(")):
            raise ValidationError(_("A month’s total is not negative; type it as the Console shows it."))
        if not text.isascii() or not _FIGURE.fullmatch(text):
            raise ValidationError(_("Type plain digits with a point for cents, such as 41,208.77 or $41208.77."))
        amount = parse_usd(text.lstrip("$ ").replace(",", ""))
        if amount > MOST:
            raise ValidationError(_("That is above 9 million dollars, more than one figure may hold here."))
        return amount
