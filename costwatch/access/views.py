"""Coming in and going out."""

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from costwatch.access import demo, links, throttle
from costwatch.access.forms import FirstAdministratorForm, SignInForm

BACKEND = "django.contrib.auth.backends.ModelBackend"


@sensitive_post_parameters("password")
@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The door. Five wrong passwords in a quarter of an hour close it for that name and address."""
    if request.method != "POST" and request.user.is_authenticated:
        return HttpResponseRedirect(_next(request))
    form = SignInForm(request.POST or None)
    status, problem = 200, ""
    if request.method == "POST" and form.is_valid():
        name, place = form.cleaned_data["username"], request.META.get("REMOTE_ADDR", "")
        left = throttle.take(name, place)
        if left < 0:
            status, problem = 429, _("Too many wrong passwords. Wait 15 minutes, then try again.")
        elif user := authenticate(request, username=name, password=form.cleaned_data["password"]):
            throttle.forget(name, place)
            return _come_in(request, user)
        else:
            status, problem = 403, _problem(left)
    elif request.method == "POST":
        status = 400
    context = {"form": form, "problem": problem, "next": _next(request), "can_demo": demo.serves(request)}
    return render(request, "sign_in.html", context, status=status)


@login_not_required
@require_POST
def sign_in_demo(request: HttpRequest) -> HttpResponse:
    """Back into the sandbox as its demo user, where that is allowed at all."""
    if demo.serves(request):
        request.session.pop(demo.SIGNED_OUT, None)
    return HttpResponseRedirect(_next(request))


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Out; the sandbox does not sign the visitor in again by itself."""
    logout(request)
    if settings.SANDBOX:
        request.session[demo.SIGNED_OUT] = True
    return HttpResponseRedirect(resolve_url(settings.LOGOUT_REDIRECT_URL))


@sensitive_post_parameters("password", "again")
@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """A one-time link: names the administrator and sets a password. Looking at it does not use it."""
    if not links.is_alive(token):
        return render(request, "dead_link.html", status=404)
    form = FirstAdministratorForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = links.use(token=token, username=form.cleaned_data["username"], password=form.cleaned_data["password"])
        if user is None:
            return render(request, "dead_link.html", status=404)
        throttle.forget_everywhere(user.get_username())
        return _come_in(request, user)
    return render(request, "sign_in_link.html", {"form": form}, status=400 if form.errors else 200)


def _come_in(request: HttpRequest, user: User) -> HttpResponse:
    request.session.pop(demo.SIGNED_OUT, None)
    login(request, user, backend=BACKEND)
    return HttpResponseRedirect(_next(request))


def _next(request: HttpRequest) -> str:
    """Where to go after signing in: only within this site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe and wanted.startswith("/") else resolve_url(settings.LOGIN_REDIRECT_URL)


def _problem(left: int) -> str:
    if left == 0:
        return _("Name or password is not right. Wait 15 minutes, then try again.")
    words = ngettext(
        "Name or password is not right. %(count)d try left.",
        "Name or password is not right. %(count)d tries left.",
        left,
    )
    return words % {"count": left}
