"""Ways in which a statement comes about in a Django app; each has marked lines."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import django
from django.conf import settings
from django.core.paginator import Paginator
from django.core.wsgi import get_wsgi_application
from django.db import connection, models, transaction
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils.functional import SimpleLazyObject, cached_property
from django.views import View
from django.views.generic import DetailView, ListView

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="x",  # noqa: S106  # no secret
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["SITES_URL"].removeprefix("sqlite:///"),
        }
    },
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [Path(__file__).parent / "templates"],
            "OPTIONS": {"context_processors": [f"{__name__}.processor"]},
        }
    ],
    MIDDLEWARE=[f"{__name__}.middleware"],
    REST_FRAMEWORK={"UNAUTHENTICATED_USER": None},
)
django.setup()

from rest_framework import serializers  # noqa: E402
from rest_framework.decorators import api_view  # noqa: E402
from rest_framework.response import Response  # noqa: E402


class Owner(models.Model):
    name = models.TextField()

    class Meta:
        app_label = "shop"
        db_table = "owner"


class Named(models.Manager):
    def first_name(self):
        return self.get(id=1).name  # site: manager


class Item(models.Model):
    name = models.TextField()
    owner = models.ForeignKey(Owner, models.CASCADE, related_name="items")
    objects = Named()

    class Meta:
        app_label = "shop"
        db_table = "item"

    @cached_property
    def owner_name(self):
        return self.owner.name  # site: property


with connection.schema_editor() as editor:
    editor.create_model(Owner)
    editor.create_model(Item)
for number in range(2):
    Item.objects.create(name=f"y{number}", owner=Owner.objects.create(name="x"))


def plain(request):
    return HttpResponse(Item.objects.get(id=1).name)  # site: plain


def comprehension(request):
    return HttpResponse([Item.objects.get(id=1).name for _ in range(2)])  # site: comprehension


def loop(request):
    return HttpResponse([item.name for item in Item.objects.all()])  # site: loop


def evaluated_later(request):
    items = Item.objects.filter(id=1)
    found = items.exclude(name="z")
    return HttpResponse(len(found))  # site: evaluated_later


def lazy_relation(request):
    items = Item.objects.all()
    return HttpResponse([item.owner.name for item in items])  # site: lazy_relation


def lazy_relation_in_lines(request):
    return HttpResponse(
        [
            item.owner.name  # site: lazy_relation_in_lines
            for item in Item.objects.all()  # site: lazy_relation_in_lines
        ]
    )


def related_manager(request):
    owner = Owner.objects.get(id=1)  # site: related_manager
    return HttpResponse(owner.items.count())  # site: related_manager


def prefetched(request):
    owners = Owner.objects.prefetch_related("items")
    return HttpResponse([len(owner.items.all()) for owner in owners])  # site: prefetched


def deferred(request):
    item = Item.objects.only("id").get(id=1)  # site: deferred
    return HttpResponse(item.name)  # site: deferred


def get_property(request):
    return HttpResponse(Item.objects.get(id=1).owner_name)  # site: property


def manager(request):
    return HttpResponse(Item.objects.first_name())


def shortcut(request):
    return HttpResponse(get_object_or_404(Item, id=1).name)  # site: shortcut


def iterator(request):
    items = Item.objects.order_by("id").iterator()
    return HttpResponse([item.name for item in items])  # site: iterator


def generator(request):
    def names():
        for item in Item.objects.all():  # site: generator
            yield item.name

    return HttpResponse(list(names()))


def lazy_object(request):
    item = SimpleLazyObject(lambda: Item.objects.get(id=1))  # site: lazy_object
    return HttpResponse(item.name)


def paginator(request):
    page = Paginator(Item.objects.order_by("id"), 1).page(1)  # site: paginator
    return HttpResponse(list(page))  # site: paginator


@transaction.atomic
def atomic(request):
    return HttpResponse(Item.objects.get(id=1).name)  # site: atomic


def with_name(function):
    @functools.wraps(function)
    def call(request):
        Item.objects.exists()  # site: decorator
        return function(request)

    return call


@with_name
def decorator(request):
    return HttpResponse(Item.objects.count())  # site: decorator


def cursor(request):
    with connection.cursor() as own:
        own.execute("SELECT name FROM item WHERE id = 1")  # site: cursor
        return HttpResponse(own.fetchone())


class Items(View):
    def get(self, request):
        return HttpResponse(Item.objects.get(id=1).name)  # site: class_based


class ItemDetail(DetailView):
    model = Item
    pk_url_kwarg = "id"
    template_name = "empty.html"

    def get_object(self, queryset=None):
        return super().get_object(queryset)  # site: detail_view


class ItemList(ListView):
    model = Item  # site: list_view
    template_name = "list.html"


def template_lazy(request):
    items = list(Item.objects.all())  # site: django_template_lazy
    return render(request, "django_lazy.html", {"items": items})  # site: django_template_lazy


def template_query(request):
    return render(request, "list.html", {"object_list": Item.objects.all()})  # site: template_query


class OwnerShown(serializers.ModelSerializer):
    class Meta:
        model = Owner
        fields = ("name",)


class ItemShown(serializers.ModelSerializer):
    owner = OwnerShown()
    owner_name = serializers.SerializerMethodField()

    class Meta:
        model = Item
        fields = ("name", "owner", "owner_name")

    def get_owner_name(self, item):
        return Owner.objects.get(id=item.owner_id).name  # site: serializer


@api_view(["GET"])
def serializer(request):
    items = Item.objects.all()
    shown = ItemShown(items, many=True)
    return Response(shown.data)  # site: serializer


def processor(request):
    if request.path == "/context_processor":
        return {"count": Item.objects.count()}  # site: context_processor
    return {}


def context_processor(request):
    return render(request, "empty.html")


def middleware(get_response):
    def handle(request):
        if request.path == "/middleware":
            Item.objects.exists()  # site: middleware
        return get_response(request)

    return handle


def get_middleware(request):
    return HttpResponse("ok")


def streamed(request):
    def lines():
        yield Item.objects.get(id=1).name  # site: streamed

    return StreamingHttpResponse(lines())


def values(request):
    names = Item.objects.values_list("name", flat=True)
    return JsonResponse({"names": list(names)})  # site: values


async def asynchronous(request):
    item = await Item.objects.aget(id=1)  # site: asynchronous
    return HttpResponse(item.name)


VIEWS = {
    "property": get_property,
    "class_based": Items.as_view(),
    "list_view": ItemList.as_view(),
    "django_template_lazy": template_lazy,
    "middleware": get_middleware,
    "serializer": serializer,
} | {
    view.__name__: view
    for view in (
        plain,
        comprehension,
        loop,
        evaluated_later,
        lazy_relation,
        lazy_relation_in_lines,
        related_manager,
        prefetched,
        deferred,
        manager,
        shortcut,
        iterator,
        generator,
        lazy_object,
        paginator,
        atomic,
        decorator,
        cursor,
        template_query,
        context_processor,
        streamed,
        values,
        asynchronous,
    )
}
urlpatterns = [path(name, view) for name, view in VIEWS.items()]
urlpatterns.append(path("detail_view", ItemDetail.as_view(), {"id": 1}))
app = get_wsgi_application()
