"""Settings: one module, read from the environment; what is left unset gets the strict value.

`.env.example` lists every variable. Without DATABASE_URL the project is a demo on the embedded PostgreSQL, which has
keys of its own; everywhere else the secrets have no default and the site does not start without them.
"""

from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql.psycopg_any import IsolationLevel
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")

# ---- Core -----------------------------------------------------------------------------------------------------------

DEMO = env.bool("DEMO", default="DATABASE_URL" not in env.ENVIRON)
DEMO_KEY = "demo-only-key-nothing-real-may-be-encrypted-or-signed-with-this-0123456789"


def secret(name: str) -> str:
    """A secret from the environment. Only the demo has a default, and it is no secret."""
    return env.str(name, default=DEMO_KEY) if DEMO else env.str(name)


SECRET_KEY = secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = env.bool("DEBUG", default=False)
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=LOCAL_HOSTS if DEMO else [])
PORT = env.int("PORT", default=8000)
# Where the outside world reaches this site: links in mails, the return address from the card page.
PUBLIC_ORIGIN = env.str("PUBLIC_ORIGIN", default=f"http://127.0.0.1:{PORT}" if DEMO else "").rstrip("/")
# Data of this machine that is not in the database.
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))

ROOT_URLCONF = "practice.urls"
WSGI_APPLICATION = "practice.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ---- Apps -----------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "practice.apps.PracticeConfig",
    "practice.accounts",
    "practice.announcements",
    "practice.search",
    "practice.resources",
    "patients",
    "education",
    "careers",
    "billing",
    "billing.gateways.sandbox",
    "practice.apps.PracticeAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_tasks",
    "django_tasks_db",
]

MIDDLEWARE = [
    # Around the WSGI application stands the page cache (practice/wsgi.py): what it knows never comes here.
    # Above all that may answer by itself, so that files, refusals and "not modified" carry these headers too.
    "practice.headers.HeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "practice.compression.CompressionMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "practice.accounts.demo_guard.DemoGuardMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "practice.accounts.sessions.SessionMiddleware",
    "practice.language.AddressLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "practice.accounts.login_required.PrivateByDefaultMiddleware",
    "practice.accounts.second_factor.SecondFactorMiddleware",
    "practice.accounts.change_log.ChangeContextMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "practice.replica.ReplicaMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "practice.context.site",
            ],
            "builtins": ["practice.templatetags.practice"],
        },
    },
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# ---- Database -------------------------------------------------------------------------------------------------------

EMBEDDED_POSTGRES = Path(env.str("EMBEDDED_POSTGRES", default=str(VAR_DIR / "postgres")))
DATABASES: dict[str, dict] = {
    "default": env.db("DATABASE_URL")
    if "DATABASE_URL" in env.ENVIRON
    else {"ENGINE": "practice.embedded", "NAME": "postgres"},
}
DATABASES["default"] |= {"CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=60), "CONN_HEALTH_CHECKS": True}
DATABASES["default"].setdefault("OPTIONS", {})["options"] = (
    "-c lock_timeout=5s -c idle_in_transaction_session_timeout=60s"
)

# A server that is switched off or hangs must not hold a visitor for minutes: the site says that it will be back.
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 5)
DATABASES["default"]["OPTIONS"].setdefault("tcp_user_timeout", 15_000)

# A streaming replica that visitors who are not signed in may read from; see practice/replica.py.
REPLICA_URL = env.str("REPLICA_URL", default="")
if REPLICA_URL:
    DATABASES["replica"] = env.db("REPLICA_URL") | {
        "CONN_MAX_AGE": DATABASES["default"]["CONN_MAX_AGE"],
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 2, "isolation_level": IsolationLevel.REPEATABLE_READ},
        "TEST": {"MIRROR": "default"},
    }
DATABASE_ROUTERS = ["practice.replica.ReplicaRouter"]

# What sign-in counts and remembers (used codes, limits) must be the same for all workers.
CACHES = {"default": env.cache("CACHE_URL", default="dbcache://site_cache")}
if CACHES["default"]["BACKEND"].endswith("DatabaseCache"):  # a Redis has a limit of its own, and refuses this word
    CACHES["default"].setdefault("OPTIONS", {}).setdefault("MAX_ENTRIES", 100_000)

# Room for copies of published pages in each worker, and once more on disk for all of them; 0 keeps none.
PAGE_CACHE_MEGABYTES = env.int("PAGE_CACHE_MEGABYTES", default=64)

# ---- Users ----------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
# allauth's backend is the whole of Django's; naming both would hash every password twice.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = reverse_lazy("resources:index")
ACCOUNT_ADAPTER = "practice.accounts.adapter.ClosedAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # accounts are made by an administrator, who knows the address
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 5 * 60  # how long showing who you are holds, before a refund or an export
# allauth counts wrong codes for a person wherever they come from, which would let somebody with the password keep the
# person out; so this is the last line only, and second_factor.py counts five for a person at a place.
ACCOUNT_RATE_LIMITS = {"login_failed": "30/h/key"}
ACCOUNT_LOGOUT_REDIRECT_URL = reverse_lazy("practice:home")
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_TOLERANCE = 1  # the half minute before and after: people type slowly, and clocks are off
MFA_FORMS = {
    "authenticate": "practice.accounts.forms.CodeForm",
    "reauthenticate": "practice.accounts.forms.CodeAgainForm",
    "add_webauthn": "practice.accounts.forms.AddPasskeyForm",
    "edit_webauthn": "practice.accounts.forms.EditPasskeyForm",
}
MFA_ADAPTER = "practice.accounts.adapter.EncryptedMFAAdapter"
USERSESSIONS_TRACK_ACTIVITY = False
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)

SESSION_ENGINE = "practice.accounts.session_store"
SESSION_LONGEST_SECONDS = 8 * 3600
SESSION_COOKIE_AGE = 15 * 60
SESSION_SAVE_EVERY_REQUEST = True  # 15 minutes idle, not 15 minutes in all
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

# ---- Language and time ----------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "practice.formats"
LANGUAGES = [("en", _("English")), ("es", _("Spanish"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="America/Indiana/Indianapolis")

# ---- Files ----------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(VAR_DIR / "static")))
# Pictures anybody may see: logo, portraits.
MEDIA_URL = "/media/"
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(VAR_DIR / "media")))
# Files that leave only through a permission check: CVs, practice resources.
PRIVATE_ROOT = Path(env.str("PRIVATE_ROOT", default=str(VAR_DIR / "private")))
# Set to the nginx `internal` location that maps to PRIVATE_ROOT, and nginx sends the files instead of Python.
X_ACCEL_REDIRECT = env.str("X_ACCEL_REDIRECT", default="")
# While a large file arrives it lies here, without a name, so that a killed worker leaves nothing.
FILE_UPLOAD_TEMP_DIR = VAR_DIR / "uploads"
FILE_UPLOAD_TEMP_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "practice.arriving_files.UnnamedFileUploadHandler",
]
# A virus scanner that is asked about every PDF and Word file: tcp://host:port or unix:///path of clamd. Empty: none.
# While it does not answer, no file is taken.
CLAMD = env.str("CLAMD", default="")
if CLAMD and not CLAMD.startswith(("tcp://", "unix:///")):
    raise ImproperlyConfigured("CLAMD is like tcp://127.0.0.1:3310 or unix:///run/clamav/clamd.ctl, or empty.")
# Style sheets and pictures are for our own pages.
WHITENOISE_ALLOW_ALL_ORIGINS = False
# How many requests of one process may be sending something at a time: less than its threads.
BODIES_AT_ONCE = env.int("BODIES_AT_ONCE", default=3)
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# S3-compatible storage for pictures and private files, which several machines need; empty: the folders above.
S3_BUCKET = env.str("S3_BUCKET", default="")
S3_ENDPOINT_URL = env.str("S3_ENDPOINT_URL", default="") or None
S3_REGION = env.str("S3_REGION", default="") or None
S3_ENCRYPTION = env.str("S3_ENCRYPTION", default="AES256")
# Empty where the machine has a role of its own.
AWS_ACCESS_KEY_ID = env.str("AWS_ACCESS_KEY_ID", default="") or None
AWS_SECRET_ACCESS_KEY = env.str("AWS_SECRET_ACCESS_KEY", default="") or None
AWS_SESSION_TOKEN = env.str("AWS_SESSION_TOKEN", default="") or None
FILES_IN_FOLDERS = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "private": {"BACKEND": "practice.private_files.PrivateStorage"},
}
FILES_IN_THE_BUCKET = {
    "default": {"BACKEND": "practice.bucket.PublicBucket"},
    "private": {"BACKEND": "practice.bucket.PrivateBucket"},
}
STORAGES = {
    **(FILES_IN_THE_BUCKET if S3_BUCKET else FILES_IN_FOLDERS),
    "staticfiles": {"BACKEND": "practice.stylesheets.SiteStaticFilesStorage"},
}

# ---- Mail and jobs --------------------------------------------------------------------------------------------------

EMAIL_CONFIG = env.email_url("EMAIL_URL", default=f"filemail:///{VAR_DIR / 'mail'}" if DEMO else "smtp://localhost:25")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default='"Radiology, Inc." <website@radiology.example>')
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# Who is told that feedback, an application or a review waits in the admin.
FEEDBACK_RECIPIENTS = env.list("FEEDBACK_RECIPIENTS", default=["front-desk@radiology.example"] if DEMO else [])
HIRING_RECIPIENTS = env.list("HIRING_RECIPIENTS", default=["hiring@radiology.example"] if DEMO else [])
EDITORIAL_RECIPIENTS = env.list("EDITORIAL_RECIPIENTS", default=["editor@radiology.example"] if DEMO else [])
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default"]}}

# ---- Money ----------------------------------------------------------------------------------------------------------

# `stripe`, or `sandbox`: a pretend card processor for demos, which refuses to work beside a live key. Empty: off.
BILLING_GATEWAY = env.str("BILLING_GATEWAY", default="sandbox" if DEMO else "")
SANDBOX_WEBHOOK_SECRET = secret("SANDBOX_WEBHOOK_SECRET") if BILLING_GATEWAY == "sandbox" else ""
STRIPE_API_KEY = env.str("STRIPE_API_KEY", default="")
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="https://api.stripe.com").rstrip("/")
# Two while a secret is being changed.
STRIPE_WEBHOOK_SECRETS = env.list("STRIPE_WEBHOOK_SECRETS", default=[])
if BILLING_GATEWAY not in ("", "stripe", "sandbox"):
    raise ImproperlyConfigured("BILLING_GATEWAY is stripe, sandbox or empty.")
if BILLING_GATEWAY == "stripe" and not (STRIPE_API_KEY and STRIPE_WEBHOOK_SECRETS):
    raise ImproperlyConfigured("BILLING_GATEWAY=stripe needs STRIPE_API_KEY and STRIPE_WEBHOOK_SECRETS.")
if BILLING_GATEWAY == "sandbox" and STRIPE_API_KEY.startswith(("sk_live_", "rk_live_")):
    raise ImproperlyConfigured("The sandbox refuses to start beside a live processor key: unset STRIPE_API_KEY.")
# Where the hosted card page is; the browser may post a form that is sent on to there.
STRIPE_CHECKOUT_ORIGIN = env.str(
    "STRIPE_CHECKOUT_ORIGIN",
    default="https://checkout.stripe.com" if STRIPE_API_BASE == "https://api.stripe.com" else STRIPE_API_BASE,
)
# A refund above this many cents waits for a second person.
REFUND_SECOND_PERSON_ABOVE_CENTS = env.int("REFUND_SECOND_PERSON_ABOVE_CENTS", default=20_000)
# Paying over time is offered from this balance on.
PLAN_FROM_CENTS = env.int("PLAN_FROM_CENTS", default=10_000)
# Who is told that a question, a request for an estimate, a dispute or an odd payment waits.
BILLING_RECIPIENTS = env.list("BILLING_RECIPIENTS", default=["billing@radiology.example"] if DEMO else [])

# ---- Hiring ---------------------------------------------------------------------------------------------------------

# How long an application is kept after its decision. Federal rules ask for a year at least, some states for more.
APPLICATIONS_KEPT_DAYS = env.int("APPLICATIONS_KEPT_DAYS", default=730)
if APPLICATIONS_KEPT_DAYS < 1:
    raise ImproperlyConfigured("APPLICATIONS_KEPT_DAYS is a number of days, 365 or more in most practices.")

# ---- Security -------------------------------------------------------------------------------------------------------

# Plain http exists only in the demo, on this machine.
HTTPS_ONLY = env.bool("HTTPS_ONLY", default=not DEMO)
SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # the load balancer asks inside the house, without TLS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS_ONLY
SECURE_HSTS_PRELOAD = HTTPS_ONLY
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ALLAUTH_TRUSTED_PROXY_COUNT else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS_ONLY
SESSION_COOKIE_NAME = "__Host-session" if HTTPS_ONLY else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS_ONLY else "csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"  # the return from the card page comes from another site
CSRF_COOKIE_AGE = None  # as long as the browser is open; a form of yesterday says that it must be sent once more
CSRF_FAILURE_VIEW = "practice.views.csrf_failure"
# A message for the next page lies in the session: one in a cookie of its own would outlive it, unprotected by a prefix.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        # Browsers also hold the redirect that answers a form to this.
        "form-action": [SELF, STRIPE_CHECKOUT_ORIGIN] if BILLING_GATEWAY == "stripe" else [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "upgrade-insecure-requests": HTTPS_ONLY,
    }
}
# Patients' columns: `id:key` pairs, newest first; old ones stay until everything is encrypted anew.
FIELD_KEYS = env.list("FIELD_KEYS", default=[f"demo:{DEMO_KEY}"]) if DEMO else env.list("FIELD_KEYS")
BLIND_INDEX_KEY = secret("BLIND_INDEX_KEY")
# Encrypts and seals backups. Empty: a key made from SECRET_KEY does.
BACKUP_KEY = env.str("BACKUP_KEY", default="")

# ---- Logging: route names and row numbers, never what a person typed ------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"no_people": {"()": "practice.logs.NoPeopleFilter"}},
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["no_people"]},
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        # Django mails whole error reports to ADMINS by default; an error report may hold a patient's data.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "pikepdf": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},  # it would log each request
        "botocore": {"level": "WARNING"},
    },
}
DEFAULT_EXCEPTION_REPORTER_FILTER = "practice.logs.NothingReporterFilter"

# ---- Ours -----------------------------------------------------------------------------------------------------------

GUEST_MINUTES = 15
MAX_UPLOAD_BYTES = 10 * 1024 * 1024
