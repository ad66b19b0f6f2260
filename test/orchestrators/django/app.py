"""Django's own admin over two small models. `app.py prepare`: tables and a user; `app.py work N`: one morning of requests."""

import os
import re
import sys
from datetime import date, timedelta

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="of a test",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="billing.urls",
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "billing",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    STATIC_URL="static/",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["PGDATABASE"],
            "CONN_MAX_AGE": None,
            # Their names have the thread's id: no two processes would say the same. Poolers need it, too.
            "DISABLE_SERVER_SIDE_CURSORS": True,
        }
    },
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402


def prepare():
    from django.contrib.auth.models import User

    call_command("migrate", run_syncdb=True, verbosity=0)
    User.objects.create_superuser("clerk", "clerk@example.com", "a password")


def work(number: int):
    client = Client(raise_request_exception=True)

    def get(path: str):
        page = client.get(path)
        assert page.status_code == 200, (path, page.status_code)
        return page

    def post(path: str, **form: str):
        page = client.post(path, form)
        assert page.status_code == 302, (path, page.content[-3000:])

    post("/admin/login/", username="clerk", password="a password", next="/admin/")
    get("/admin/")
    customer, note = f"Customer {number}", f"order {number * 37}; it's \"due\""
    post("/admin/billing/customer/add/", name=customer, email=f"c{number}@example.com")
    page = get("/admin/billing/invoice/add/").content.decode()
    chosen = re.search(rf'<option value="(\d+)"[^>]*>{customer}</option>', page)[1]
    due = (date(2026, 11, 1) + timedelta(days=number)).isoformat()
    for amount in range(number % 10 + 1):
        post("/admin/billing/invoice/add/", customer=chosen, amount=f"{amount + 10}.5", due=due, note=note)
    get("/admin/billing/invoice/?paid__exact=0")
    found = get(f"/admin/billing/invoice/?q={customer}").content.decode()
    invoice = re.search(r"/admin/billing/invoice/(\d+)/change/", found)[1]
    get(f"/admin/billing/invoice/{invoice}/change/")
    post(f"/admin/billing/invoice/{invoice}/change/", customer=chosen, amount="99.25", due=due, note=note, paid="on")
    post(f"/admin/billing/invoice/{invoice}/delete/", post="yes")
    assert client.post("/admin/logout/").status_code == 200


if sys.argv[1] == "prepare":
    prepare()
else:
    work(int(sys.argv[2]))
