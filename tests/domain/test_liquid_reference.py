"""Templates render as Liquid's reference says: shopify.github.io/liquid, and the tests of
github.com/Shopify/liquid (5.13).

Each row is a template and what comes out of it. Conditions are in test_liquid_conditions, dates in
test_liquid_dates.
"""

from __future__ import annotations

import pytest

from server.domain.templates.rendering import TemplateSource, compile_template
from tests.support.clocks import NOON

DATA = {
    "array": [1, 2, 3, 4, 5, 6],
    "nested": [1, [2, [3, None]], [], True],
    "flags": [True, None],
    "mixed": ["b", None, "a"],
    "unlike": [1, "a"],
    "o": {"b": [1, None, 2.5], "a": {"c": "é<"}},
    "none": None,
    "yes": True,
    "no": False,
    "void": "",
    "bare": [],
    "blankish": " \t\n",
    "half": 2.5,
    "tiny": 0.00001,
    "huge": 1e16,
    "one": 1,
    "long": " ab c  ",
    "lines": "a\nb\r\nc",
    "people": [
        {"name": "Ann", "age": 31, "vip": True, "city": {"name": "Oslo"}},
        {"name": "bob", "vip": False},
        {"name": "Cy", "age": 7, "vip": None, "city": {"name": "Rome"}},
        {"name": "dan", "age": 31, "vip": True},
    ],
    "site": {
        "users": ["Tobi", "Laura", "Tetsuro", "Adam"],
        "pages": [{"category": "business"}, {}, {"category": "sports"}],
    },
    "product": {"title": "Awesome Shoes", "tags": ["Hello", "5"]},
}
BEATLES = '{% assign beatles = "John, Paul, George, Ringo" | split: ", " %}'
ZOO = '{% assign my_array = "zebra, octopus, giraffe, Sally Snake" | split: ", " %}'
SPACED = '"          So much room for activities          "'

PRINTED = [
    ("{{ yes }} {{ no }} {{ none }}|{{ nobody }}", "true false |"),
    ("{{ half }} {{ 1.0 }} {{ -39.756 }} {{ 25 }}", "2.5 1.0 -39.756 25"),
    ("{{ tiny }} {{ huge }} {{ 0.0001 }}", "1.0e-05 1.0e+16 0.0001"),
    ("{{ array }}", "123456"),
    ("{{ nested }}", "123true"),
    ("{{ flags }}", "true"),
    ("{{ o }}", '{"a":{"c":"é<"},"b":[1,null,2.5]}'),
    ("{{ people[1] }}", '{"name":"bob","vip":false}'),
    ("{{ o.b }} {{ o | first }}", '12.5 a{"c":"é<"}'),
    ("{{ (1..3) }}", "1..3"),
    ("{{ empty }}{{ blank }}{{ nil }}", ""),
    ("{% echo yes %} {% cycle no, yes %} {% cycle none %}{% cycle o.a %}", 'true false {"c":"é<"}'),
    ("{% capture c %}{{ flags | join: ', ' }}{% endcapture %}{{ c }}", "true, "),
    (
        "{{ site.users[0] }} {{ site.users[1] }} {{ site.users[-1] }} {{ site.users[9] }}",
        "Tobi Laura Adam ",
    ),
    ("{{ site.users[yes] }}{{ site.users['0'] }}", ""),
    ("{{ site.users.first }} {{ site.users.last }} {{ site.users.size }}", "Tobi Adam 4"),
    (
        "{{ product.title.first }}{{ product.title.last }} {{ product.size }} {{ product.first }}",
        "As 2 tagsHello5",
    ),
]
NUMBERS = [
    ("{{ -17 | abs }} {{ 4 | abs }}", "17 4"),
    ('{{ "-19.86" | abs }} {{ 17.42 | abs }} {{ "0" | abs }}', "19.86 17.42 0"),
    ("{{ 4 | at_least: 5 }} {{ 4 | at_least: 3 }} {{ 4.5 | at_least: 5 }}", "5 4 5"),
    ("{{ 4 | at_most: 5 }} {{ 4 | at_most: 3 }} {{ 4.5 | at_most: 5 }}", "4 3 4.5"),
    ("{{ 1.2 | ceil }} {{ 2.0 | ceil }} {{ 183.357 | ceil }}", "2 2 184"),
    ('{{ "3.5" | ceil }} {{ -1.5 | ceil }}', "4 -1"),
    ("{{ 1.2 | floor }} {{ 2.0 | floor }} {{ 183.357 | floor }}", "1 2 183"),
    ('{{ "3.5" | floor }} {{ -1.5 | floor }}', "3 -2"),
    ("{{ 16 | divided_by: 4 }} {{ 5 | divided_by: 3 }} {{ 20 | divided_by: 7 }}", "4 1 2"),
    (
        "{{ 20 | divided_by: 7.0 }} {{ 2.0 | divided_by: 4 }} {{ -7 | divided_by: 2 }}",
        "2.857142857142857 0.5 -4",
    ),
    ("{% assign f = 7 | times: 1.0 %}{{ 20 | divided_by: f }}", "2.857142857142857"),
    ("{{ 4 | minus: 2 }} {{ 16 | minus: 4 }} {{ 183.357 | minus: 12 }}", "2 12 171.357"),
    ("{{ '4.3' | minus: '2' }} {{ 0.3 | minus: 0.1 }}", "2.3 0.2"),
    ("{{ 3 | modulo: 2 }} {{ 24 | modulo: 7 }} {{ 183.357 | modulo: 12 }}", "1 3 3.357"),
    ("{{ -5 | modulo: 3 }} {{ -5.5 | modulo: 2 }} {{ 5.5 | modulo: -2 }}", "1 0.5 -0.5"),
    ("{{ 4 | plus: 2 }} {{ 16 | plus: 4 }} {{ 183.357 | plus: 12 }}", "6 20 195.357"),
    ("{{ 0.1 | plus: 0.2 }} {{ '1' | plus: '1.0' }} {{ 1 | plus: none }}", "0.3 2.0 1"),
    (
        (
            "{{ yes | plus: 1 }} {{ array | plus: 1 }} {{ '1e3' | plus: 0 }} "
            "{{ '12 apples' | plus: 1 }}"
        ),
        "1 1 1 13",
    ),
    ("{{ 1.2 | round }} {{ 2.7 | round }} {{ 183.357 | round: 2 }}", "1 3 183.36"),
    ("{{ 2.5 | round }} {{ 3.5 | round }} {{ -2.5 | round }} {{ half | round }}", "3 4 -3 3"),
    ("{{ 2.675 | round: 2 }} {{ 1.005 | round: 2 }} {{ 0.125 | round: 2 }}", "2.68 1.01 0.13"),
    (
        "{{ '4.3' | round }} {{ 5 | round: 2 }} {{ 5.0 | round: 2 }} {{ 4.5612 | round: '2' }}",
        "4 5 5.0 4.56",
    ),
    ("{{ 1250 | round: -2 }} {{ 1249.5 | round: -2 }} {{ 1.5 | round: none }}", "1300 1200.0 2"),
    ("{{ huge | round: 3 }} {{ 2.5 | round: 500 }}", "1.0e+16 2.5"),
    ("{{ 3 | times: 2 }} {{ 24 | times: 7 }} {{ 183.357 | times: 12 }}", "6 168 2200.284"),
    (
        "{{ 0.0725 | times: 100 }} {{ '-0.0725' | times: -100 }} {{ 'foo' | times: 4 }}",
        "7.25 7.25 0",
    ),
    ("{{ '2.1' | times: 3 | replace: '.', '-' | plus: 0 }}", "6"),
]
TEXTS = [
    (
        '{{ "/my/fancy/url" | append: ".html" }} {{ "a" | append: yes }}{{ "a" | append: none }}',
        "/my/fancy/url.html atruea",
    ),
    (
        '{{ "a" | append: half }} {{ "a" | append: site.users }} {{ 1.0 | append: o.a }}',
        'a2.5 a["Tobi","Laura","Tetsuro","Adam"] 1.0{"c":"é<"}',
    ),
    ('{{ "title" | capitalize }} {{ "my GREAT title" | capitalize }}', "Title My great title"),
    (
        "{{ product_price | default: 2.99 }} {{ void | default: 2.99 }} {{ 4.99 | default: 2.99 }}",
        "2.99 2.99 4.99",
    ),
    (
        (
            "{{ no | default: true, allow_false: true }} {{ no | default: 'x' }} "
            "{{ bare | default: 'x' }} {{ 0 | default: 'x' }}"
        ),
        "false x x 0",
    ),
    (
        '{{ "Parker Moore" | downcase }} {{ "apple" | downcase }} {{ none | downcase }}|',
        "parker moore apple |",
    ),
    (
        "{{ \"Have you read 'James & the Giant Peach'?\" | escape }}",
        "Have you read &#39;James &amp; the Giant Peach&#39;?",
    ),
    (
        "{{ 'a \"<b>\"' | escape }} {{ 'x>' | h }} {{ 1 | escape }}{{ none | escape }}",
        "a &quot;&lt;b&gt;&quot; x&gt; 1",
    ),
    (
        '{{ "1 < 2 & 3" | escape_once }} {{ "1 &lt; 2 &amp; 3" | escape_once }}',
        "1 &lt; 2 &amp; 3 1 &lt; 2 &amp; 3",
    ),
    ('{{ "&#8220; & &x;" | escape_once }}', "&#8220; &amp; &x;"),
    (f"{{{{ {SPACED} | lstrip }}}}!", "So much room for activities          !"),
    (f"{{{{ {SPACED} | rstrip }}}}!", "          So much room for activities!"),
    (f"{{{{ {SPACED} | strip }}}}! {{{{ long | strip }}}}", "So much room for activities! ab c"),
    ("{{ lines | newline_to_br }}", "a<br />\nb<br />\nc"),
    ("{{ lines | strip_newlines }}", "abc"),
    (
        '{{ "apples, oranges, and bananas" | prepend: "Some fruit: " }}',
        "Some fruit: apples, oranges, and bananas",
    ),
    (
        '{{ "I strained to see the train through the rain" | remove: "rain" }}',
        "I sted to see the t through the ",
    ),
    (
        '{{ "I strained to see the train through the rain" | remove_first: "rain" }}',
        "I sted to see the train through the rain",
    ),
    (
        '{{ "I strained to see the train through the rain" | remove_last: "rain" }}',
        "I strained to see the train through the ",
    ),
    (
        (
            "{{ '1 1 1 1' | remove: 1 }}|{{ 'aa' | remove_last: 'aa' }}|"
            "{{ 'a b a a' | remove_first: 'a ' }}"
        ),
        "   ||b a a",
    ),
    (
        '{{ "Take my protein pills and put my helmet on" | replace: "my", "your" }}',
        "Take your protein pills and put your helmet on",
    ),
    (
        '{{ "Take my protein pills and put my helmet on" | replace_first: "my", "your" }}',
        "Take your protein pills and put my helmet on",
    ),
    (
        '{{ "Take my protein pills and put my helmet on" | replace_last: "my", "your" }}',
        "Take my protein pills and put your helmet on",
    ),
    (
        (
            "{{ '1 1 1 1' | replace: '1', 2 }} {{ 'my' | replace_last: 'my', 'your' }} "
            "{{ 'a' | replace_last: 'b', 'c' }}"
        ),
        "2 2 2 2 your a",
    ),
    (
        (
            '{{ "Ground control to Major Tom." | size }} {{ array | size }} {{ none | size }} '
            "{{ o | size }} {{ 5 | size }}"
        ),
        "28 6 0 2 0",
    ),
    (
        (
            '{{ "Liquid" | slice: 0 }} {{ "Liquid" | slice: 2 }} {{ "Liquid" | slice: 2, 5 }} '
            '{{ "Liquid" | slice: -3, 2 }}'
        ),
        "L q quid ui",
    ),
    (BEATLES + "{{ beatles | slice: 1, 2 }}", "PaulGeorge"),
    (
        (
            "{{ 'foobar' | slice: -2, 99 }}|{{ 'foobar' | slice: 99, 9 }}|"
            "{{ 'foobar' | slice: -99, 9 }}"
        ),
        "ar||",
    ),
    ("{{ 'foobar' | slice: '1', '3' }}", "oob"),
    (
        (
            "{{ 'foobar' | slice: 0, -1 }}|{{ 1234 | slice: 1, 2 }}|{{ none | slice: 0 }}|"
            "{{ array | slice: -2, 9 }}"
        ),
        "|23||56",
    ),
    (
        '{{ "Have <em>you</em> read <strong>Ulysses</strong>?" | strip_html }}',
        "Have you read Ulysses?",
    ),
    (
        (
            "{{ \"<script type='x'>a</script><style>b</style><!-- c\n -->d<br\n/>"
            '1 < 2" | strip_html }}'
        ),
        "d1 < 2",
    ),
    ('{{ "<<<script </script>script>foo;</script>" | strip_html }}', "foo;"),
    ('{{ " foo   bar\n\t   boo   " | squish }}|{{ none | squish }}|', "foo bar boo||"),
    ('{{ "Ground control to Major Tom." | truncate: 20 }}', "Ground control to..."),
    (
        '{{ "Ground control to Major Tom." | truncate: 25, ", and so on" }}',
        "Ground control, and so on",
    ),
    ('{{ "Ground control to Major Tom." | truncate: 20, "" }}', "Ground control to Ma"),
    (
        (
            "{{ '1234567890' | truncate: 10 }} {{ '1234567890' | truncate: 0 }} "
            "{{ '1234567890' | truncate: 5, 1 }} {{ none | truncate }}"
        ),
        "1234567890 ... 12341 ",
    ),
    ('{{ "Ground control to Major Tom." | truncatewords: 3 }}', "Ground control to..."),
    (
        (
            '{{ "Ground control to Major Tom." | truncatewords: 3, "--" }} '
            '{{ "a b c" | truncatewords: 2, "" }}'
        ),
        "Ground control to-- a b",
    ),
    (
        "{{ 'one  two three' | truncatewords: 3 }} {{ 'one two' | truncatewords: 0 }}",
        "one  two three one...",
    ),
    (
        '{{ "Parker Moore" | upcase }} {{ "APPLE" | upcase }} {{ yes | upcase }}',
        "PARKER MOORE APPLE TRUE",
    ),
    ('{{ "%27Stop%21%27+said+Fred" | url_decode }}', "'Stop!' said Fred"),
    (
        (
            '{{ "john@liquid.com" | url_encode }} {{ "Tetsuro Takara" | url_encode }} '
            "{{ none | url_encode }}"
        ),
        "john%40liquid.com Tetsuro+Takara ",
    ),
    (
        (
            "{{ 'one two three' | base64_encode }} {{ 'b25lIHR3byB0aHJlZQ==' | base64_decode }} "
            "{{ '4pyF' | base64_decode }}"
        ),
        "b25lIHR3byB0aHJlZQ== one two three ✅",
    ),
    (
        "{{ 'a?>b' | base64_url_safe_encode }} {{ 'YT8-Yg==' | base64_url_safe_decode }}",
        "YT8-Yg== a?>b",
    ),
    (
        "{{ o | json }} {{ flags | json }} {{ void | json }} {{ none | json }} {{ half | json }}",
        '{"a":{"c":"é<"},"b":[1,null,2.5]} [true,null] "" null 2.5',
    ),
]
LISTS = [
    (
        '{% assign c = site.pages | map: "category" %}{% for x in c %}-{{ x }}{% endfor %}',
        "-business--sports",
    ),
    (
        (
            '{% assign c = site.pages | map: "category" | compact %}{% for x in c %}-{{ x }}'
            "{% endfor %}"
        ),
        "-business-sports",
    ),
    ("{{ site.pages | compact: 'category' | size }} {{ flags | compact | join: ',' }}", "2 true"),
    (
        (
            '{% assign a = "x, y" | split: ", " %}{% assign b = "z" | split: ", " %}'
            "{{ a | concat: b | concat: a | join }}"
        ),
        "x y z x y",
    ),
    (
        (
            '{{ "Ground control to Major Tom." | split: " " | first }} '
            '{{ "Ground control to Major Tom." | split: " " | last }}'
        ),
        "Ground Tom.",
    ),
    ("{{ 'foo' | first }}{{ 'foo' | last }}{{ void | first }}{{ bare | last }}", "fo"),
    (
        BEATLES + '{{ beatles | join: " and " }} {{ array | join }} {{ array | join: 1 }}',
        "John and Paul and George and Ringo 1 2 3 4 5 6 11213141516",
    ),
    (
        (
            "{{ flags | join: ', ' }}|{{ nested | join: '-' }}|{{ none | join }}|{{ 'x' | join }}|"
            "{{ (1..3) | join }}"
        ),
        "true, |1-2-3--true||x|1 2 3",
    ),
    (
        "{{ o.b | join: ' ' }} {{ people | map: 'city' | join: ';' }}",
        '1  2.5 {"name":"Oslo"};;{"name":"Rome"};',
    ),
    (
        (
            "{{ people | map: 'name' | join: ' ' }} {{ o | map: 'a' | map: 'c' }} "
            "{{ 'foo' | map: 'inspect' }}"
        ),
        "Ann bob Cy dan é< ",
    ),
    (
        "{{ site.users | reverse | join: ', ' }} {{ 'abc' | reverse }}",
        "Adam, Tetsuro, Laura, Tobi abc",
    ),
    ('{{ "Ground" | split: "" | reverse | join: "" }}', "dnuorG"),
    (ZOO + '{{ my_array | sort | join: ", " }}', "Sally Snake, giraffe, octopus, zebra"),
    (ZOO + '{{ my_array | sort_natural | join: ", " }}', "giraffe, octopus, Sally Snake, zebra"),
    (
        (
            "{{ mixed | sort | join: '-' }} {{ mixed | sort_natural | join: '-' }} "
            "{{ '10 2' | split: ' ' | sort | join }}"
        ),
        "a-b- a-b- 10 2",
    ),
    (
        (
            "{{ people | sort: 'age' | map: 'name' | join }} "
            "{{ people | sort_natural: 'name' | map: 'name' | join }}"
        ),
        "Cy Ann dan bob Ann bob Cy dan",
    ),
    ("{{ o.b | sort | join: ' ' }} {{ flags | sort | join: ' ' }}|", "1 2.5  true |"),
    (
        (
            "{% assign x = '12~34' | split: '~' %}{{ x | join: ' ' }} {{ 'A1Z' | split: 1 | join }}"
            " {{ none | split: ' ' | size }}"
        ),
        "12 34 A Z 0",
    ),
    (
        (
            "{{ 'a,b,,' | split: ',' | size }} {{ ',a' | split: ',' | size }} "
            "{{ ' a  b ' | split: ' ' | size }} {{ ',' | split: ',' | size }}"
        ),
        "2 2 2 0",
    ),
    (
        (
            "{{ array | sum }} {{ people | sum: 'age' }} {{ nested | sum }} {{ bare | sum }} "
            "{{ '1,2.5,x' | split: ',' | sum }}"
        ),
        "21 69 6 0 3.5",
    ),
    ("{% assign p = '0.1,0.2' | split: ',' %}{{ p | sum }}", "0.3"),
    ('{{ "ants, bugs, bees, bugs, ants" | split: ", " | uniq | join: ", " }}', "ants, bugs, bees"),
    (
        (
            "{{ people | uniq: 'age' | map: 'name' | join }} "
            "{{ nested | concat: flags | uniq | join: '-' }}"
        ),
        "Ann bob Cy 1-2-3--true",
    ),
    ("{% assign l = '1' | split: ',' | concat: array %}{{ l | uniq | size }}", "7"),
    (
        (
            "{{ people | where: 'vip' | map: 'name' | join }} "
            "{{ people | where: 'vip', false | map: 'name' | join }}"
        ),
        "Ann dan bob",
    ),
    (
        (
            "{{ people | where: 'age', 31 | map: 'name' | join }} "
            "{{ people | where: 'age', '31' | size }}"
        ),
        "Ann dan 0",
    ),
    (
        (
            "{{ people | reject: 'vip' | map: 'name' | join }} "
            "{{ people | reject: 'age', 31 | map: 'name' | join }}"
        ),
        "bob Cy bob Cy",
    ),
    (
        "{{ people | has: 'age', 7 }} {{ people | has: 'age', 8 }} {{ bare | has: 'age' }}",
        "true false false",
    ),
    (
        (
            "{% assign p = people | find: 'age', 7 %}{{ p.name }} "
            "{{ people | find_index: 'age', 7 }} {{ people | find: 'age', 8 }}"
        ),
        "Cy 2 ",
    ),
    (
        "{{ flags | where: 'x' }}|{{ flags | map: 'x' | size }}|{{ site.users | where: 'Tobi' }}",
        "|2|Tobi",
    ),
]
TAGS = [
    ('{% unless product.title == "Awesome Shoes" %}a{% else %}b{% endunless %}', "b"),
    (
        (
            '{% if product.title == "kevin" %}a{% elsif product.title == "Awesome Shoes" %}'
            "b{% else %}c{% endif %}"
        ),
        "b",
    ),
    (
        (
            '{% assign h = "cake" %}{% case h %}{% when "cake" %}cake{% when "cookie", "biscuit" %}'
            "cookie{% else %}none{% endcase %}"
        ),
        "cake",
    ),
    (
        "{% case one %}{% when true %}true{% when '1' %}text{% when 1 or 2 %}number{% endcase %}",
        "number",
    ),
    ("{% case void %}{% when empty %}empty{% else %}else{% endcase %}", "empty"),
    ("{% for u in site.users %}{{ u }} {% endfor %}", "Tobi Laura Tetsuro Adam "),
    (
        "{% for u in nobody %}{{ u }}{% else %}The collection is empty.{% endfor %}",
        "The collection is empty.",
    ),
    ("{% for i in (1..5) %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}", "123"),
    ("{% for i in (1..5) %}{% if i == 4 %}{% continue %}{% endif %}{{ i }}{% endfor %}", "1235"),
    ("{% for i in array limit:2 %}{{ i }}{% endfor %}", "12"),
    ("{% for i in array limit: 0 %}{{ i }}{% else %}none{% endfor %}", "none"),
    ("{% for i in array limit: none offset: none %}{{ i }}{% endfor %}", "123456"),
    ("{% for i in array limit: '2' offset: 1.0 %}{{ i }}{% endfor %}", "23"),
    ("{% for i in array offset:2 %}{{ i }}{% endfor %}", "3456"),
    (
        (
            "{% for i in array limit: 3 %}{{ i }}{% endfor %}"
            "-{% for i in array limit: 3 offset: continue %}{{ i }}{% endfor %}"
        ),
        "123-456",
    ),
    (
        (
            "{% for i in array limit: 0 %}{% endfor %}"
            "{% for i in array limit: 2 offset: continue %}{{ i }}{% endfor %}"
        ),
        "12",
    ),
    (
        (
            "{% for i in (3..5) %}{{ i }}{% endfor %} {% assign r = (1..num) %}"
            "{% for i in (1..one) %}{{ i }}{% endfor %}"
        ),
        "345 1",
    ),
    (
        (
            "{% for i in (5..3) %}x{% else %}none{% endfor %}{% for i in ('1'..'3x') %}{{ i }}"
            "{% endfor %}"
        ),
        "none123",
    ),
    (
        (
            "{% for i in array reversed %}{{ i }}{% endfor %} "
            "{% for i in array reversed limit: 2 %}{{ i }}{% endfor %}"
        ),
        "654321 21",
    ),
    ("{% for m in o %}{{ m[0] }}={{ m[1] }};{% endfor %}", 'a={"c":"é<"};b=12.5;'),
    (
        "{% for m in people[0] %}{{ forloop.index }}{{ m.first }} {% endfor %}",
        "1age 2city 3name 4vip ",
    ),
    (
        "{% for c in 'text' %}{{ c }}!{% endfor %}{% for c in void %}x{% else %}-{% endfor %}",
        "text!-",
    ),
    (
        (
            '{% assign f = "o, s, b" | split: ", " %}{% for x in f -%}{{ x }}'
            "{% unless forloop.last %}-{% endunless -%}{% endfor %}"
        ),
        "o-s-b",
    ),
    (
        (
            "{% for i in (1..2) %}{% for j in (1..2) %}{{ forloop.parentloop.index }}"
            "{{ forloop.rindex0 }} {% endfor %}{% endfor %}"
        ),
        "11 10 21 20 ",
    ),
    ('{% for i in (1..4) %}{% cycle "one", "two", "three" %} {% endfor %}', "one two three one "),
    (
        '{% cycle "a": "one", "two" %} {% cycle "b": "one", "two" %} {% cycle "b": "one", "two" %}',
        "one one two",
    ),
    (
        "{% tablerow u in site.users cols:1 limit: 2 %}{{ u }}{% endtablerow %}",
        (
            '<tr class="row1">\n<td class="col1">Tobi</td></tr>\n<tr class="row2"><td class="col1">'
            "Laura</td></tr>\n"
        ),
    ),
    (
        '{% assign v = "a" %}{% comment %}{% assign v = "b" %}{% endcomment %}{{ v }}{% # note %}',
        "a",
    ),
    ("{% liquid\n  # a comment\n  assign topic = 'Learning'\n  echo topic\n%}", "Learning"),
    ("{% raw %}{{ this }} {{{ that }}}{% endraw %}", "{{ this }} {{{ that }}}"),
    (
        '{% assign a = "pizza" %}{% capture c %}I like {{ a }}.{% endcapture %}{{ c }}',
        "I like pizza.",
    ),
    (
        (
            "{% assign var = 10 %}{% increment var %}{% increment var %}{{ var }} {% decrement n %}"
            "{% decrement n %}"
        ),
        "0110 -1-2",
    ),
    (
        '{% assign u = "John" -%}\n{%- if u -%}\n  Wow, {{ u -}}  , hi\n{%- endif %}',
        "Wow, John, hi",
    ),
]


def render(body: str) -> str:
    return compile_template(TemplateSource(None, body, None)).render(DATA, NOON).body


@pytest.mark.parametrize(("body", "expected"), [*PRINTED, *NUMBERS, *TEXTS, *LISTS, *TAGS])
def test_a_template_renders_as_the_reference_says(body: str, expected: str) -> None:
    assert render(body) == expected
