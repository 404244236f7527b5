"""Who came to see whom, and why."""

from django.db import models


class Patient(models.Model):
    name = models.CharField(max_length=80)
    born = models.DateField()

    def __str__(self):
        return self.name


class Visit(models.Model):
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="visits")
    case_number = models.CharField(max_length=12, db_index=True)
    seen_on = models.DateField()
    complaint = models.TextField()

    class Meta:
        ordering = ("-id",)

    def __str__(self):
        return f"{self.case_number} on {self.seen_on}"
