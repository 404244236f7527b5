"""A page whose GET requests do more than read."""

import os
import smtplib
import urllib.request
from email.message import EmailMessage

from flask import Flask
from sqlalchemy import create_engine, text

app = Flask(__name__)
engine = create_engine(os.environ["DATABASE_URL"])


@app.get("/visits")
def visits():
    with engine.connect() as connection:
        return {"visits": connection.scalar(text("SELECT visits FROM page"))}


@app.get("/visit")
def visit():
    with engine.begin() as connection:
        connection.execute(text("UPDATE page SET visits = visits + 1"))
    return {"welcome": True}


@app.get("/weather")
def weather():
    # 192.0.2.0/24 is for documentation (RFC 5737): nobody is there.
    with urllib.request.urlopen("http://192.0.2.1/", timeout=2) as answer:
        return {"weather": answer.read().decode()}


@app.get("/remind")
def remind():
    message = EmailMessage()
    message["From"], message["To"] = "page@example.org", "reader@example.org"
    message.set_content("Come back.")
    with smtplib.SMTP("192.0.2.25", 25, timeout=2) as server:
        server.send_message(message)
    return {"reminded": True}
