"""Three endpoints in Django: nothing, one statement, ten statements."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import models
from django.http import JsonResponse
from django.urls import path

url = urlsplit(os.environ["SHOP_URL"])
kind = "sqlite3" if url.scheme == "sqlite" else "postgresql"
settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {
            "ENGINE": f"django.db.backends.{kind}",
            "NAME": url.path[1:],
            "USER": url.username or "",
            "PASSWORD": url.password or "",
            "HOST": url.hostname or "",
            "PORT": url.port or "",
            "CONN_MAX_AGE": None,
        }
    },
)
django.setup()


class Item(models.Model):
    name = models.TextField()

    class Meta:
        app_label = "shop"
        db_table = "item"


def hello(request):
    return JsonResponse({"hello": "world"})


def first(request):
    return JsonResponse({"item": item(7)})


def ten(request):
    return JsonResponse({"items": [item(number) for number in range(1, 11)]})


def item(number):
    found = Item.objects.get(id=number)
    return found.id, found.name


urlpatterns = [path("hello", hello), path("one", first), path("ten", ten)]
app = get_wsgi_application()
