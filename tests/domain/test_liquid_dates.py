"""Dates in templates: Liquid's reference, in UTC whatever the machine's zone, and a person's own
zone by `in_zone`."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.templates.liquid.dates import read_instant
from server.domain.templates.liquid.strftime import format_instant
from server.domain.templates.rendering import RenderError, TemplateSource, compile_template

NOW = datetime(2026, 11, 29, 23, 5, 9, 120_000, tzinfo=UTC)
DATA: dict[str, object] = {
    "none": None,
    "epoch": 1152098955,
    "at": "2026-05-01T10:00:00+02:00",
    "person": {"time_zone": "Asia/Kathmandu"},
    "word": "s3cr3t",
    "far": 10**20,
}


@pytest.fixture(params=["Asia/Kathmandu", "UTC", "America/St_Johns"], autouse=True)
def zone_of_the_machine(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


def render(body: str, now: datetime = NOW) -> str:
    return compile_template(TemplateSource(None, body, None)).render(DATA, now).body


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "{{ 'now' | date: '%Y-%m-%d %H:%M' }} {{ 'Today' | date: '%Y' }}",
            "2026-11-29 23:05 2026",
        ),
        ("{{ now | date: '%H' }} {{ now }} {{ today }}", "23 2026-11-29 23:05:09 UTC 2026-11-29"),
        ("{{ 'now' | date: '%s' }} {{ 0 | date: '%s %H:%M' }}", "1795993509 0 00:00"),
        (
            "{{ epoch | date: '%m/%d/%Y %H' }} {{ '1152098955' | date: '%m/%d/%Y %H' }}",
            "07/05/2006 11 07/05/2006 11",
        ),
        (
            "{{ '14 March 16' | date: '%F' }} {{ '2 pm' | date: '%F %R' }}",
            "2016-03-14 2026-11-29 14:00",
        ),
        ('{{ "March 14, 2016" | date: "%b %d, %y" }}', "Mar 14, 16"),
        (
            '{{ "2015-07-17T10:00:00Z" | date: "%a, %b %d, %y" }} {{ "2015-07-17" | date: "%Y" }}',
            "Fri, Jul 17, 15 2015",
        ),
        (
            (
                "{{ '2006-05-05 10:00:00' | date: '%B %H %Z' }} "
                "{{ 'Fri Jul 16 01:00:00 2004' | date: '%m/%d/%Y' }}"
            ),
            "May 10 UTC 07/16/2004",
        ),
        (
            "{{ '2006-07-05 10:00:00' | date: '' }} {{ '2006-07-05' | date: none }}",
            "2006-07-05 10:00:00 2006-07-05",
        ),
        (
            (
                "{{ none | date: '%B' }}|{{ '' | date: '%B' }}|{{ 'abc' | date: '%D' }}|"
                "{{ true | date: '%D' }}"
            ),
            "||abc|true",
        ),
        (
            (
                "{{ '10/11/2026' | date: '%F' }} {{ '2026-11-10' | date: '%F' }} "
                "{{ '01/02/03' | date: '%F' }}"
            ),
            "2026-11-10 2026-11-10 2001-02-03",
        ),
        (
            (
                "{{ '14:30' | date: '%F %R' }} {{ 'May 2027' | date: '%F' }} "
                "{{ '5 May' | date: '%F' }}"
            ),
            "2026-11-29 14:30 2027-05-01 2026-05-05",
        ),
        (
            "{{ at | date: '%H:%M %z' }} {{ 'Fri, 1 May 2026 10:00:00 EST' | date: '%H %:z %Z' }}",
            "10:00 +0200 10 -05:00 EST",
        ),
        ("{{ at | in_zone: person.time_zone | date: '%H:%M %z' }}", "13:45 +0545"),
        (
            (
                "{{ 'now' | in_zone: person.time_zone | date: '%F %R' }} "
                "{{ epoch | in_zone: 'Europe/Oslo' | date: '%R %Z' }}"
            ),
            "2026-11-30 04:50 13:29 CEST",
        ),
        (
            "{{ at | in_zone: 'Europe/Oslo' }} {{ '2026-05-01 10:00' | in_zone: none }}",
            "2026-05-01 10:00:00 +0200 2026-05-01 10:00:00 UTC",
        ),
        ("{{ none | in_zone: 'Europe/Oslo' }}|{{ word | in_zone: 'Europe/Oslo' }}", "|s3cr3t"),
        (
            (
                "{{ '2026-05-01 10:00 NPT' | date: '%H' }}|"
                "{{ '2026-05-01 10:00 +0545' | date: '%H %s' }}"
            ),
            "2026-05-01 10:00 NPT|10 1777608900",
        ),
        (
            (
                "{{ '2026-13-45' | date: '%F' }} {{ far | date: '%F' }} "
                "{{ '99999999999999999999' | date: '%F' }}"
            ),
            f"2026-13-45 {10**20} {'9' * 20}",
        ),
    ],
)
def test_dates_are_in_utc_whatever_the_zone_of_the_machine(body: str, expected: str) -> None:
    assert render(body) == expected


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("%a %A %^a %b %B %^b %h %#b", "Sun Sunday SUN Feb February FEB Feb FEB"),
        ("%d %-d %e %j %-j %m %-m %_m", "05 5  5 036 36 02 2  2"),
        ("%H %k %I %l %-I %p %P %#p %M %S", "07  7 07  7 7 AM am am 08 09"),
        ("%L %N %3N %6N %1N", "120 120000000 120 120000 1"),
        ("%Y %C %y %G %g %V %U %W %u %w", "2023 20 23 2023 23 05 06 05 7 0"),
        ("%z %:z %::z %Z", "+0000 +00:00 +00:00:00 UTC"),
        ("%c|%D|%F|%x|%X", "Sun Feb  5 07:08:09 2023|02/05/23|2023-02-05|02/05/23|07:08:09"),
        ("%r|%R|%T|%v|%+", "07:08:09 AM|07:08|07:08:09| 5-FEB-2023|Sun Feb  5 07:08:09 UTC 2023"),
        ("100%% %n%t| %Q %E %1 %", "100% \n\t| %Q %E %1 %"),
        ("%10d %010e %8A %-y %s", "0000000005 0000000005   Sunday 23 1675580889"),
        ("", ""),
    ],
)
def test_layouts_are_those_of_rubys_strftime(layout: str, expected: str) -> None:
    when = datetime(2023, 2, 5, 7, 8, 9, 120_000, tzinfo=UTC)
    assert format_instant(when, layout) == expected


def test_an_unknown_zone_is_refused_without_saying_which() -> None:
    with pytest.raises(RenderError) as caught:
        render("{{ at | in_zone: word }}")
    assert str(caught.value) == "body, line 1: in_zone: there is no such time zone"


@pytest.mark.parametrize("name", ["../etc/passwd", "America", "/etc/localtime", "\0", "x" * 150])
def test_a_zone_is_looked_for_in_the_database_alone(name: str) -> None:
    with pytest.raises(RenderError, match="there is no such time zone"):
        compile_template(TemplateSource(None, "{{ 'now' | in_zone: z }}", None)).render(
            {"z": name}, NOW
        )


@given(st.text() | st.from_regex(r"[0-9 :/.+TZapm-]{1,25}", fullmatch=True))
def test_no_text_breaks_the_reading_of_dates(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        when = read_instant(text, NOW)
    assert when is None or when.utcoffset() is not None


@given(
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from("AaBbCdeFgGHhIjklLMmNnPprRSsTtUuVvWwXxYyZz+"),
)
def test_every_directive_writes_something_for_every_instant(when: datetime, letter: str) -> None:
    assert format_instant(when, f"%{letter}") not in {"", f"%{letter}"}
