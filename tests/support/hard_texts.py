"""Texts that are easily changed on their way, each under the name that its test gets."""

HARD_TEXTS = {
    "indented code": "So:\n\n```python\ndef f():\n\tif x:\n\t\treturn 1\n\n    # 4\n```\n    end",
    "a table": "| a | b |\n|:--|--:|\n| 1 | 2 |\n\n\nAfter three lines.",
    "emoji": "🙂 👩‍🚀 🏳️‍🌈 e\u0301",
    "right to left": "שלום עולם, مرحبا بالعالم",
    "edges": "  \n  two before, two after  \n  ",
    "markup": 'a < b && c > d, <b>bold</b>, &amp;, \\* "$5"',
    "separators": "a\u2028b\u2029c\u0085d\re\r\nf\x0bg",
    "long": "word " * 5_000,
}


HARD_STREAM_TEXTS = {
    "code": "So:\n\n```python\ndef f():\n\tif x:\n\t\treturn 1\n\n    # 4\n```\n    end",
    "line ends": "a\r\nb\rc\n\nd\n\r\n",
    "emoji": "🙂 👩‍🚀 🏳️‍🌈 e\u0301",
    "right to left": "שלום עולם, مرحبا بالعالم",
    "edges": "  \n  two before, two after  \n  ",
    "markup": 'a < b && c > d, <b>bold</b>, &amp;, \\* "$5"',
    "separators": "a\u2028b\u2029c\u0085d\x0be\x0cf",
    "a stream in a stream": "data: [DONE]\n\nevent: failure\ndata: {}\nid: end\n\n: hm\n\n[DONE]",
    "a byte order mark": "\ufeffdata: \ufeff",
    "long": "wörd 🙂 " * 5_000,
}
