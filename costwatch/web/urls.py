"""Routes of the pages."""

from django.urls import URLPattern, path

from costwatch.access.views import sign_in, sign_in_demo, sign_in_link, sign_out
from costwatch.web.changed import changed
from costwatch.web.data_health import data_health
from costwatch.web.downloads import download
from costwatch.web.fetch_again import fetch_again
from costwatch.web.fragments import healthz, progress, search
from costwatch.web.limits.assume import assume_tier
from costwatch.web.limits.help import limits_help
from costwatch.web.limits.prepare import prepare_limit, withdraw_limit
from costwatch.web.limits.twin import twin
from costwatch.web.limits.views import limits, limits_csv, minute
from costwatch.web.metrics import metrics
from costwatch.web.overview import overview
from costwatch.web.probes import readyz
from costwatch.web.set_up import later, set_up
from costwatch.web.workspaces import workspace, workspaces

urlpatterns: list[URLPattern] = [
    path("", overview, name="overview"),
    path("workspaces/", workspaces, name="workspaces"),
    path("workspaces/<path:key>/", workspace, name="workspace"),
    path("data-health/", data_health, name="data_health"),
    path("data-health/changes/", changed, name="changed"),
    path("data-health/fetch-again/", fetch_again, name="fetch_again"),
    path("limits/", limits, name="limits"),
    path("downloads/limits.csv", limits_csv, name="limits_csv"),
    path("limits/assume/", assume_tier, name="limits_assume"),
    path("limits/minute/", minute, name="limits_minute"),
    path("limits/help/", limits_help, name="limits_help"),
    path("limits/twin/", twin, name="limits_twin"),
    path("limits/prepare/", prepare_limit, name="limits_prepare"),
    path("limits/prepare/withdraw/", withdraw_limit, name="limits_withdraw"),
    path("set-up/", set_up, name="set_up"),
    path("set-up/later/", later, name="set_up_later"),
    path("progress/", progress, name="progress"),
    path("search/", search, name="search"),
    path("downloads/spend.csv", download, {"what": "spend"}, name="spend_csv"),
    path("downloads/workspaces.csv", download, {"what": "workspaces"}, name="workspaces_csv"),
    path("downloads/models.csv", download, {"what": "models"}, name="models_csv"),
    path("downloads/keys.csv", download, {"what": "keys"}, name="keys_csv"),
    path("sign-in/", sign_in, name="sign_in"),
    path("sign-in/demo/", sign_in_demo, name="sign_in_demo"),
    path("sign-out/", sign_out, name="sign_out"),
    path("sign-in/link/<str:token>/", sign_in_link, name="sign_in_link"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
