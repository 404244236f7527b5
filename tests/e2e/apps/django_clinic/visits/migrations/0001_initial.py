"""The clinic's first tables."""

from django.db import migrations, models

# ruff: noqa: RUF012  # as Django writes it


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Patient",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=80)),
                ("born", models.DateField()),
            ],
        ),
        migrations.CreateModel(
            name="Visit",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("case_number", models.CharField(max_length=12)),
                ("seen_on", models.DateField()),
                ("complaint", models.TextField()),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=models.CASCADE,
                        related_name="visits",
                        to="visits.patient",
                    ),
                ),
            ],
            options={"ordering": ("-id",)},
        ),
    ]
