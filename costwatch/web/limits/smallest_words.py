"""The smallest set of changes in a sentence, or why there is none."""

from fractions import Fraction

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from costwatch.insights.limits.flows import ORGANIZATION, TIGHT
from costwatch.insights.limits.smallest import Smallest
from costwatch.web.limits.named import Named


def smallest_words(found: Smallest, called: Named) -> str:
    """What the search came to; the changes themselves are listed elsewhere."""
    who, tried = called.workspace(found.workspace_key), len(found.levers)
    minute = _("the fullest minute of its limits and the organization's")
    is_organization = found.workspace_key == ORGANIZATION
    if is_organization:
        who, minute = _("the organization"), _("the fullest minute")
    if found.changes is None and not tried:
        text = _("Nothing that can be changed here helps %(who)s: its fullest minute is at %(now)s %%.")
    elif found.changes is None and found.with_all > TIGHT:
        text = _(
            "Nothing that was tried suffices to keep %(who)s under 80 %%: with all of the %(tried)d changes that alone "
            "do most, each in full, %(minute)s is still at %(left)s %%. Without any it is at %(now)s %%."
        )
    elif found.changes is None:
        text = _(
            "No three changes suffice to keep %(who)s under 80 %%. With all of the %(tried)d that do most, each in "
            "full, %(minute)s is at %(left)s %%. Without any it is at %(now)s %%."
        )
    elif not found.changes and is_organization:
        text = _("Nothing is needed: the fullest minute of the organization is at %(now)s %%.")
    elif not found.changes:
        text = _("Nothing is needed: the fullest minute of %(who)s and of the organization is at %(now)s %%.")
    else:
        text = ngettext(
            "The smallest set that keeps %(who)s under 80 %% is %(count)d change, as weak as it can be. Without it "
            "%(minute)s is at %(now)s %%.",
            "The smallest set that keeps %(who)s under 80 %% is %(count)d changes, each as weak as the others allow. "
            "Without them %(minute)s is at %(now)s %%.",
            len(found.changes),
        )
    if found.closest:
        text += " " + ngettext(
            "Tried below is the one that comes closest, in full: %(closest)s %%.",
            "Tried below are the %(close)d that come closest, each in full: %(closest)s %%.",
            len(found.closest),
        )
    return text % {
        "close": len(found.closest),
        "closest": _percent(found.with_closest or Fraction(0)),
        "who": who,
        "minute": minute,
        "tried": tried,
        "left": _percent(found.with_all),
        "now": _percent(found.now),
        "count": len(found.changes or ()),
    }


def _percent(share: Fraction) -> str:
    """Rounded down, as every share of a limit is; what is just above 80 does not read as 80."""
    if TIGHT < share < TIGHT + 1:
        return f"{TIGHT}.{max(1, int(share * 10) % 10)}"
    return f"{int(share)}"
