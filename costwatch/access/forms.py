"""The forms people come in by."""

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

LONGEST_PASSWORD = 1000


class SignInForm(forms.Form):
    """A name and a password."""

    username = forms.CharField(max_length=150, error_messages={"required": _("Type your name.")})
    password = forms.CharField(
        max_length=LONGEST_PASSWORD, strip=False, error_messages={"required": _("Type your password.")}
    )


class FirstAdministratorForm(forms.Form):
    """The administrator's name and a password, typed twice."""

    username = forms.CharField(
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        error_messages={"required": _("Choose a name.")},
    )
    password = forms.CharField(
        max_length=LONGEST_PASSWORD, strip=False, error_messages={"required": _("Choose a password.")}
    )
    again = forms.CharField(
        max_length=LONGEST_PASSWORD, strip=False, error_messages={"required": _("Type the password again.")}
    )

    def clean(self) -> dict[str, Any]:
        """Both passwords agree, and the password is a good one."""
        data = super().clean() or self.cleaned_data
        password = data.get("password")
        if password and data.get("again") and password != data["again"]:
            self.add_error("again", _("The two passwords differ."))
        elif password:
            try:
                validate_password(password, get_user_model()(username=data.get("username", "")))
            except ValidationError as problem:
                self.add_error("password", problem)
        return data
