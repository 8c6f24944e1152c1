"""Every setting of costwatch, from the environment alone; the README's table documents them, and a test compares."""

import os
import sys
import warnings
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from costwatch import broker, clock, database
from costwatch.environment import Environment
from costwatch.role import role
from costwatch.secrets import files
from costwatch.signing import kept_key, made_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()
PROBLEMS = env.problems
ROLE = role(sys.argv)

# -- where we run -------------------------------------------------------------------------------------------------

ENVIRONMENT = env.choice("COSTWATCH_ENV", ("local", "production"))
PRODUCTION = ENVIRONMENT == "production"
try:
    clock.now()
except ValueError as error:
    PROBLEMS.append(f"COSTWATCH_NOW: {error}")
if PRODUCTION and os.environ.get("COSTWATCH_NOW"):
    PROBLEMS.append("COSTWATCH_NOW freezes business time; it is refused in production")

DATA_DIR = Path(env.text("COSTWATCH_DATA_DIR", str(BASE_DIR / "data")))
try:
    DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
except OSError as error:
    PROBLEMS.append(f"COSTWATCH_DATA_DIR {DATA_DIR} cannot be made: {error.strerror}")

# -- the organization we read -------------------------------------------------------------------------------------

# The keys themselves are no setting, which error pages would print: costwatch/secrets reads them when they are used.
CREDENTIALS = env.choice("COSTWATCH_CREDENTIALS", ("files", "database"))
HAS_CREDENTIALS = files.are_given(CREDENTIALS)
# A web process in production has no key and shows a real organization all the same: there the sandbox is asked for.
SANDBOX = env.switch("COSTWATCH_SANDBOX", default=not HAS_CREDENTIALS and CREDENTIALS == "files" and not PRODUCTION)
UPSTREAM_URL = env.text("COSTWATCH_UPSTREAM_URL", "https://api.anthropic.com")
# One a minute is what the vendor supports for sustained use.
REQUESTS_PER_HOUR = env.number("COSTWATCH_REQUESTS_PER_HOUR", 60, least=12)
HTTPS_PROXY = env.text("COSTWATCH_HTTPS_PROXY", "")
CA_BUNDLE = env.text("COSTWATCH_CA_BUNDLE", "")
PRICES_FILE = env.text("COSTWATCH_PRICES_FILE", "")
BACKFILL_SINCE = env.text("COSTWATCH_BACKFILL_SINCE", "")
MANAGE = env.text("COSTWATCH_MANAGE", "off")

# -- Django -------------------------------------------------------------------------------------------------------


def _secret_key() -> str:
    """The signing key: from the environment, or, on a local machine, made once and kept beside the data."""
    given = env.text("COSTWATCH_SECRET_KEY")
    if given:
        return given
    if PRODUCTION:
        PROBLEMS.append("COSTWATCH_SECRET_KEY is required in production: 50 random characters or more")
    if PRODUCTION or not DATA_DIR.is_dir():
        return made_key()
    try:
        return kept_key(DATA_DIR)
    except ValueError as error:
        PROBLEMS.append(str(error))
        return made_key()


SECRET_KEY = _secret_key()
DEBUG = False
PORT = env.number("PORT", 8000)
BIND = env.text("COSTWATCH_BIND", "127.0.0.1")
TRUSTED_PROXY = env.text("COSTWATCH_TRUSTED_PROXY")
PUBLIC_URL = env.web_address("COSTWATCH_PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
_public = urlsplit(PUBLIC_URL)
HTTPS = _public.scheme == "https"
LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
_host = _public.hostname or "localhost"
ALLOWED_HOSTS = [_host] if PRODUCTION else sorted({_host, *LOOPBACK_HOSTS})
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "costwatch.secrets",
    "costwatch.directory",
    "costwatch.access",
    "costwatch.ledger",
    "costwatch.ingest",
    "costwatch.keeping",
    "costwatch.insights",
    "costwatch.web",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "costwatch.api.problems.ProblemMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "costwatch.access.demo.DemoUserMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "costwatch.web.middleware.NoStoreMiddleware",
]

ROOT_URLCONF = "costwatch.urls"
WSGI_APPLICATION = "costwatch.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "costwatch.web.frame.frame",
            ],
            "builtins": ["costwatch.web.templatetags.figures"],
        },
    }
]

# -- database -----------------------------------------------------------------------------------------------------

SQLITE_FILE = DATA_DIR / ("sandbox.sqlite3" if SANDBOX else "costwatch.sqlite3")
DATABASES = {
    "default": env.database("DATABASE_URL") or {"ENGINE": "django.db.backends.sqlite3", "NAME": str(SQLITE_FILE)}
}
DATABASE_PASSWORD = env.text("COSTWATCH_DATABASE_PASSWORD")
if DATABASE_PASSWORD:
    DATABASES["default"]["PASSWORD"] = DATABASE_PASSWORD
IS_POOLED = env.switch("COSTWATCH_PGBOUNCER", default=False)
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE: a read transaction that turns into a write fails at once under SQLite's default, whatever the timeout.
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        timeout=20,
        transaction_mode="IMMEDIATE",
        init_command="PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000",
    )
elif DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"] = database.connecting(DATABASES["default"], role=ROLE, is_pooled=IS_POOLED)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
BACKUPS_KEPT = env.number("COSTWATCH_BACKUPS_KEPT", 7)

# -- tasks --------------------------------------------------------------------------------------------------------

BROKER_PASSWORD = env.text("COSTWATCH_BROKER_PASSWORD")
BROKER_URL = broker.with_password(env.text("COSTWATCH_BROKER_URL", "memory://"), BROKER_PASSWORD)
if not (broker.is_readable(BROKER_URL) and broker.is_known(BROKER_URL)):
    PROBLEMS.append("COSTWATCH_BROKER_URL is no broker's address; write it as redis://redis:6379/0 (a / inside is %2F)")
CACHES = broker.caches(BROKER_URL)

# -- monitoring ---------------------------------------------------------------------------------------------------

METRICS_TOKEN = env.token("COSTWATCH_METRICS_TOKEN")
OBSERVATIONS_TOKEN = env.token("COSTWATCH_OBSERVATIONS_TOKEN")

# -- people -------------------------------------------------------------------------------------------------------

LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "sign_in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
if HTTPS:
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        # plotly.js draws its PNG download through a data: image and a blob:.
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}

# -- API ----------------------------------------------------------------------------------------------------------

# Everything a route allows is said by the route (costwatch/api/routes.py); here stands what has no route.
REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "costwatch.api.refusals.handle",
    "DEFAULT_SCHEMA_CLASS": "costwatch.api.schema.Described",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
SPECTACULAR_SETTINGS = {
    "TITLE": "costwatch",
    "VERSION": "1",
    "DESCRIPTION": "Spend on the Claude API, exact and dated. Money is a decimal string in USD, days are UTC days.",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": ["costwatch.api.schema.complete"],
}

# -- pages --------------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.text("COSTWATCH_STATIC_ROOT", str(BASE_DIR / "staticfiles")))
# Started from a checkout the files are served as they lie there; an image collects and precompresses them at build.
WHITENOISE_USE_FINDERS = not (STATIC_ROOT / "staticfiles.json").exists() and sys.argv[1:2] != ["collectstatic"]
WHITENOISE_MAX_AGE = 3600
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if WHITENOISE_USE_FINDERS
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

warnings.filterwarnings("ignore", message="No directory at", category=UserWarning)

# -- log ----------------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "redact": {"()": "costwatch.upstream.credential.RedactingFilter"},
        "one_line": {"()": "costwatch.log_lines.WithoutTraceback"},
    },
    "formatters": {
        "line": {
            "()": "costwatch.upstream.credential.RedactingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "stream": sys.stderr, "formatter": "line", "filters": ["redact"]}
    },
    "root": {"handlers": ["stderr"], "level": env.level("COSTWATCH_LOG_LEVEL")},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        # Whoever guesses host names writes the log no longer than the guesses.
        "django.security.DisallowedHost": {"filters": ["one_line"]},
        "celery": {"level": "WARNING"},
        "kombu": {"level": "ERROR"},
        "waitress": {"level": "WARNING"},
        "py.warnings": {"level": "ERROR"},
    },
}
