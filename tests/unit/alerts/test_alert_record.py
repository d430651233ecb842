from __future__ import annotations

import dataclasses
import json
import math

import pytest
from alert_samples import an_alert

from lrwatch.alert_record import alert_from_record, alert_record


def test_an_alert_is_read_as_it_was_written() -> None:
    alert = an_alert()
    assert alert_from_record(json.loads(json.dumps(alert_record(alert)))) == alert


def test_every_field_is_written() -> None:
    alert = an_alert()
    assert list(alert_record(alert)) == [field.name for field in dataclasses.fields(alert)]


def test_a_number_that_is_unknown_is_null_and_comes_back_as_nan() -> None:
    record = alert_record(an_alert(lr=math.nan))
    assert record["lr"] is None
    assert math.isnan(alert_from_record(record).lr)


def test_what_a_later_version_added_is_left_out() -> None:
    assert alert_from_record({**alert_record(an_alert()), "mood": "low"}) == an_alert()


def test_a_record_without_a_field_is_none() -> None:
    record = alert_record(an_alert())
    del record["step"]
    with pytest.raises(KeyError):
        alert_from_record(record)
