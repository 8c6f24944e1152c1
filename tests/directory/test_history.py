"""Any past state of the mirror can be told from today's rows and the changes after it."""

import random
from datetime import timedelta

import pytest

from costwatch import clock
from costwatch.directory.history import last_seen, states_at
from costwatch.directory.kinds import MEMBERS, WORKSPACE_MEMBERS
from costwatch.directory.mirror.replace import replace
from costwatch.directory.models import DirectoryChange, Kind, Member, Organization, Reading, WorkspaceMember

START = clock.parse("2026-11-20T00:00:00Z")
HOUR = timedelta(hours=1)
State = dict[tuple[str, ...], dict[str, str]]


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_every_reading_can_be_told_afterwards(organization: Organization, seed: int) -> None:
    chance = random.Random(seed)
    snapshots: list[State] = []
    for step in range(12):
        people = [number for number in range(6) if step == 0 or chance.random() < 0.6]
        state = {(f"user_{one}",): {"name": f"N{one}", "email": "", "role": chance.choice("abc")} for one in people}
        replace(MEMBERS, organization, list(state.items()), START + step * HOUR)
        snapshots.append(state)
    for step, state in enumerate(snapshots):
        for moment in (START + step * HOUR, START + step * HOUR + timedelta(minutes=59)):
            assert states_at(MEMBERS, organization, ("name", "email", "role"), moment) == state
    assert states_at(MEMBERS, organization, ("name", "email", "role"), START - HOUR) == snapshots[0]


def test_what_is_added_later_was_not_there_before(organization: Organization) -> None:
    replace(MEMBERS, organization, [(("user_1",), {"name": "Ada", "email": "", "role": ""})], START)
    both = [((one,), {"name": one, "email": "", "role": ""}) for one in ("user_1", "user_2")]
    replace(MEMBERS, organization, both, START + HOUR)
    assert set(states_at(MEMBERS, organization, ("name",), START)) == {("user_1",)}
    assert states_at(MEMBERS, organization, ("name",), START)["user_1",] == {"name": "Ada"}
    assert Member.objects.get(external_id="user_2").first_seen_at == START + HOUR


def test_a_workspace_read_for_the_first_time_adds_nothing_to_history(organization: Organization) -> None:
    def found(*workspaces: str) -> list[tuple[tuple[str, ...], dict[str, str]]]:
        return [((workspace, "user_1"), {"role": "workspace_user"}) for workspace in workspaces]

    replace(WORKSPACE_MEMBERS, organization, found("a"), START, workspaces=["a"])
    replace(WORKSPACE_MEMBERS, organization, found("b"), START + HOUR, workspaces=["b"])
    assert DirectoryChange.objects.count() == 0
    replace(WORKSPACE_MEMBERS, organization, [], START + 2 * HOUR, workspaces=["b"])
    assert [(row.external_id, row.what) for row in DirectoryChange.objects.all()] == [("b/user_1", "gone")]
    reading = Reading.objects.get(kind=Kind.WORKSPACE_MEMBER)
    stays, gone = WorkspaceMember.objects.order_by("workspace_key")
    assert (stays.gone_at, last_seen(stays, reading)) == (None, START)
    assert (gone.gone_at, last_seen(gone, reading)) == (START + 2 * HOUR, START + HOUR)


def test_two_organizations_do_not_meet(organization: Organization) -> None:
    other = Organization.objects.create(external_id="org-2", name="Other", created_at=START)
    for owner in (organization, other):
        replace(MEMBERS, owner, [(("user_1",), {"name": owner.name, "email": "", "role": ""})], START)
    replace(MEMBERS, other, [], START + HOUR)
    assert Member.objects.get(organization=organization).gone_at is None
    assert [row.organization for row in DirectoryChange.objects.all()] == [other]
    assert len(states_at(MEMBERS, organization, ("name",), START + HOUR)) == 1
