"""The clinic's pages, as JSON."""

from django.http import Http404, JsonResponse
from django.shortcuts import get_object_or_404
from django.views import View
from django.views.decorators.http import require_GET

from .models import Patient, Visit


@require_GET
def recent_visits(_request):
    rows = []
    for visit in Visit.objects.select_related("patient")[:30]:
        patient = visit.patient
        rows.append({"id": visit.pk, "case": visit.case_number, "patient": patient.name})
    return JsonResponse({"visits": rows})


class VisitDetail(View):
    def get(self, _request, pk):
        visit = get_object_or_404(Visit, pk=pk)
        return JsonResponse({"case": visit.case_number, "complaint": visit.complaint})


@require_GET
def patients(_request):
    first = Patient.objects.order_by("pk").values("id", "name")[:20]
    return JsonResponse({"patients": list(first)})


@require_GET
def case(_request, case_number):
    history = Visit.objects.filter(case_number=case_number).values("seen_on", "complaint")
    rows = list(history)
    if not rows:
        raise Http404(case_number)
    return JsonResponse({"case": case_number, "history": rows})
