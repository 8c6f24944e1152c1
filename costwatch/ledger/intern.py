"""Interning: every combination of text dimensions once, behind a number."""

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from django.db import models as django_models

from costwatch.ledger.dimensions import ReportedDims, UsageDims, digest
from costwatch.ledger.models import ReportedSeries, Series, UsageGroup

CHUNK = 500
M = TypeVar("M", bound=django_models.Model)
D = TypeVar("D", bound=tuple[Any, ...])


class Numbers(Generic[D]):
    """The numbers of one organization's dimensions of one kind, remembered for one run.

    Shape: the dimensions are named tuples, whose names are the columns of `model`. Call outside of the transaction that
    uses the numbers: interned rows stay when it rolls back, and are harmless.
    """

    def __init__(self, organization_id: int, model: type[django_models.Model]) -> None:
        self.organization_id = organization_id
        self._model = model
        self._known: dict[D, int] = {}

    def of(self, wanted: Iterable[D] = ()) -> Mapping[D, int]:
        """The number of each combination, those met before included, made where it is new."""
        new = {dims: self._digest(dims) for dims in wanted if dims not in self._known}
        if new:
            rows = {
                made: self._model(digest=made, organization_id=self.organization_id, **dims._asdict())  # type: ignore[attr-defined]
                for dims, made in new.items()
            }
            ids = _intern(self._model, rows)
            self._known.update({dims: ids[made] for dims, made in new.items()})
        return self._known

    def _digest(self, dims: D) -> bytes:
        return digest(self.organization_id, tuple(str(value) for value in dims))


class Interned:
    """The numbers of an organization's dimensions, remembered for one run.

    Call outside of the transaction that uses the numbers: interned rows stay when it rolls back, and are harmless.
    """

    def __init__(self, organization_id: int) -> None:
        self.organization_id = organization_id
        self._usage: dict[UsageDims, int] = {}
        self._reported: Numbers[ReportedDims] = Numbers(organization_id, ReportedSeries)

    def usage(self, wanted: Iterable[UsageDims] = ()) -> Mapping[UsageDims, int]:
        """The series of each combination, those met before included, made where it is new."""
        new = {dims for dims in wanted if dims not in self._usage}
        if new:
            groups = self._groups({(dims.workspace_id, dims.model, dims.service_tier) for dims in new})
            digests = {dims: digest(self.organization_id, dims) for dims in new}
            rows = {
                made: Series(
                    digest=made,
                    organization_id=self.organization_id,
                    group_id=groups[dims.workspace_id, dims.model, dims.service_tier],
                    **dims._asdict(),
                )
                for dims, made in digests.items()
            }
            ids = _intern(Series, rows)
            self._usage.update({dims: ids[made] for dims, made in digests.items()})
        return self._usage

    def reported(self, wanted: Iterable[ReportedDims] = ()) -> Mapping[ReportedDims, int]:
        """The reported series of each combination, those met before included, made where it is new."""
        return self._reported.of(wanted)

    def _groups(self, wanted: set[tuple[str, str, str]]) -> dict[tuple[str, str, str], int]:
        digests = {group: digest(self.organization_id, group) for group in wanted}
        rows = {
            digests[group]: UsageGroup(
                digest=digests[group],
                organization_id=self.organization_id,
                workspace_id=group[0],
                model=group[1],
                service_tier=group[2],
            )
            for group in wanted
        }
        ids = _intern(UsageGroup, rows)
        return {group: ids[digests[group]] for group in wanted}


def _intern(model: type[M], rows: Mapping[bytes, M]) -> dict[bytes, int]:
    digests = list(rows)
    ids: dict[bytes, int] = {}
    for start in range(0, len(digests), CHUNK):
        chunk = digests[start : start + CHUNK]
        found = _ids(model, chunk)
        missing = [rows[one] for one in chunk if one not in found]
        if missing:
            # Another writer may intern the same row at the same moment: whoever comes second takes the first one's.
            model._default_manager.bulk_create(missing, ignore_conflicts=True)
            found |= _ids(model, chunk)
        ids |= found
    return ids


def _ids(model: type[M], digests: list[bytes]) -> dict[bytes, int]:
    found = model._default_manager.filter(digest__in=digests).values_list("digest", "id")
    return {bytes(made): number for made, number in found}
