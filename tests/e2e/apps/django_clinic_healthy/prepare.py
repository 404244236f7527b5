"""Migrates the database at DATABASE_URL and fills it, always alike."""

import os

import django
from django.core.management import call_command
from django.db import connection

ROWS = (
    """
    INSERT INTO visits_patient (name, born)
    SELECT 'Patient ' || i, date '1940-01-01' + i FROM generate_series(1, 15000) AS i
    """,
    """
    INSERT INTO visits_visit (patient_id, case_number, seen_on, complaint)
    SELECT
        1 + mod(i * 7919, 15000),
        'C' || 100000 + mod(i * 31, 20000),
        date '2024-01-01' + mod(i, 500)::integer,
        'It hurts on the left, and since ' || mod(i, 14) || ' days on the right as well'
    FROM generate_series(1::bigint, 160000) AS i
    """,
    "VACUUM ANALYZE",
)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
django.setup()
call_command("migrate", verbosity=0)
with connection.cursor() as cursor:
    for statement in ROWS:
        cursor.execute(statement)
