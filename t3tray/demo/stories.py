"""The texts of the demo's conversations; `table` assigns them to threads."""

from __future__ import annotations

from t3tray.demo.story import DemoStep as Says
from t3tray.demo.story import DemoTurn, bash, edit, plain_turn, read, task

PARSER = (
    DemoTurn(
        "The expression parser has one function per precedence level and is hard to extend. Can you look at it and suggest "
        "something simpler?",
        (
            read(
                "parser.py",
                'def parse_sum(tokens):\n    left = parse_product(tokens)\n    while tokens.peek() in "+-":\n'
                "        left = Binary(tokens.next(), left, parse_product(tokens))\n    return left",
                "I'll read the parser first.",
            ),
            task(
                "Find every caller of the parse functions",
                "List every place outside parser.py that calls a parse_* function, with file and line.",
                DemoTurn(
                    "List every place outside parser.py that calls a parse_* function, with file and line.",
                    (
                        bash("grep -rn 'parse_' --include='*.py' .", "./repl.py:14: tree = parse_sum(tokens)"),
                        Says("Only one caller: `repl.py:14` calls `parse_sum`. Nothing else depends on the inner functions."),
                    ),
                ),
                words="Before I propose anything, a sub-agent looks for callers.",
            ),
            Says(
                "The grammar is a plain precedence ladder, so a **Pratt parser** fits well:\n\n"
                "- one loop instead of five functions,\n"
                "- a new operator is one line in a table,\n"
                "- right-associative operators need no special case.\n\n"
                '```python\nBINDING = {"+": (1, 2), "-": (1, 2), "*": (3, 4), "/": (3, 4), "^": (6, 5)}\n\n\n'
                "def parse(tokens, least=0):\n    left = parse_atom(tokens)\n"
                "    while (powers := BINDING.get(tokens.peek())) and powers[0] >= least:\n"
                "        operator = tokens.next()\n        left = Binary(operator, left, parse(tokens, powers[1]))\n"
                "    return left\n```\n\n"
                "Only `repl.py` calls the old functions, so the change stays small. Shall I go on?"
            ),
        ),
    ),
    DemoTurn(
        "Yes. Keep `parse_sum` as an alias for now, so that the REPL does not change.",
        (
            edit("parser.py", "def parse_sum(tokens):", "def parse(tokens, least=0):", "I replace the ladder."),
            bash("python -m pytest -q", "....................................                    [100%]\n36 passed in 0.21s"),
            Says(
                "Done. `parser.py` went from 142 to 61 lines, and all **36 tests pass**.\n\n"
                "| | before | after |\n|---|---|---|\n| functions | 7 | 2 |\n| lines | 142 | 61 |\n| tests | 36 | 36 |\n\n"
                "`parse_sum` is still there and calls `parse`."
            ),
        ),
    ),
    DemoTurn(
        "Does `2 ^ 3 ^ 2` group to the right now?",
        (
            bash("python -c 'from parser import *; print(parse(Tokens(\"2 ^ 3 ^ 2\")))'", "(2 ^ (3 ^ 2))"),
            Says(
                "Yes: `2 ^ 3 ^ 2` is read as `2 ^ (3 ^ 2)`, which is 512. The pair `(6, 5)` in the table does that: the right "
                "side binds a little less than the left one.\n\nI added `test_power_groups_to_the_right` so that it stays so."
            ),
        ),
    ),
)

CHECKOUT = (
    DemoTurn(
        "`test_two_payments` fails about once in twenty runs on CI. Any idea why?",
        (
            read(
                "tests/test_checkout.py",
                "def test_two_payments(shop):\n    first = shop.pay(cart(20))\n    second = shop.pay(cart(30))\n"
                "    assert [p.amount for p in shop.payments()] == [20, 30]",
            ),
            Says(
                "The test relies on an order that nothing promises: `payments()` reads from a **set**.\n\n"
                "```python\nassert [p.amount for p in shop.payments()] == [20, 30]\n```\n\n"
                "I would rather find out whether production code relies on it too before I touch the test."
            ),
        ),
    ),
)
RELEASE = (
    DemoTurn(
        "Prepare release 2.4: bump the version and write the changelog.",
        (
            edit("pyproject.toml", 'version = "2.3.1"', 'version = "2.4.0"'),
            bash("git log --oneline v2.3.1..", "9c1d2aa Sum the cart once\n51f0e07 Show prices with two digits"),
            Says("Version and changelog are ready and committed as `Release 2.4.0`. Say so when I may push."),
        ),
    ),
)
DATES = (
    plain_turn(
        "We parse dates by hand in three places. Which library should we use?",
        "For this code base two are worth a look:\n\n1. **date-fns**: small functions, no wrapper objects.\n"
        "2. **Temporal**: the standard to come; needs a polyfill of 20 kB today.\n\nBoth handle time zones properly.",
    ),
)
DARK_MODE = (
    DemoTurn(
        "Add a dark mode to the settings page. Use CSS variables, follow the system by default.",
        (
            read("site/style.css", ":root {\n  --ground: #fff;\n  --text: #1d1d1f;\n}"),
            edit("site/style.css", ":root {", "@media (prefers-color-scheme: dark) {\n  :root {"),
            Says(
                "The page follows the system now. All colours are variables:\n\n```css\n"
                ":root { --ground: #fff; --text: #1d1d1f; }\n"
                "@media (prefers-color-scheme: dark) {\n  :root { --ground: #1c1c1e; --text: #f5f5f7; }\n}\n```"
            ),
        ),
    ),
    plain_turn(
        "The muted text is hard to read.",
        "You are right: it had a contrast of 3.1:1. I set it to `#a1a1a6`, which gives **7.2:1**.",
    ),
    plain_turn(
        "Good. Remember the rule: every colour is a variable, none is written twice.",
        "Noted: every colour is a variable, and none is written twice. I'll hold to that on the other pages too.",
    ),
)
AFTER_THE_SWITCH = "Great. Now do the same for the profile page, by the same rule."

PYTHON = (
    plain_turn(
        "Move the project to Python 3.14.", "`requires-python` and the CI matrix are changed. Two deprecations are left to mend."
    ),
    plain_turn(
        "Mend them, please.", "Both are mended: `asyncio.get_event_loop` in `worker.py`, and `datetime.utcnow` in `orders.py`."
    ),
)
API_DOCS = (
    plain_turn(
        "Write reference pages for the public API.",
        "I wrote eleven pages, one for each resource, with an example for every call.",
    ),
    plain_turn(
        "Add the error codes.",
        "Every page has a table of its error codes now; they come from `errors.py`, so that they stay true.",
    ),
)
THUMBNAILS = (
    plain_turn(
        "Making thumbnails takes two seconds an image. Make it faster.", "A draft decode before resizing makes it **0.3 s**."
    ),
    plain_turn("Can we use more cores?", "Yes: a pool of four workers does 12 images a second on this machine."),
    plain_turn("Try WebP instead of JPEG.", "WebP files are 31 % smaller, but take 40 % longer to write. I switched the format."),
)
DATABASE = (
    plain_turn(
        "Plan the move from JSON files to SQLite.", "Three steps: a schema, a one-time import, and a month of writing both."
    ),
    plain_turn("Start with the schema.", "The schema is in `schema.sql`: `orders`, `items` and `customers`, with foreign keys."),
)
DATABASE_AFTER = (plain_turn("How do I list the largest files here?", "`du -ah . | sort -rh | head` lists the ten largest."),)
MAILS = (
    plain_turn("Translate the order mails into German and French.", "Both languages are done: 14 mails, with the plural forms."),
)
ADMIN = (
    plain_turn(
        "Which pages of the old admin panel are still used?", "Only *Refunds* and *Coupons*, by the log of the last 90 days."
    ),
)
PAYMENT = (
    plain_turn(
        "Move everything about payments into a module of its own.", "`payments/` holds it now: gateway, receipts and retries."
    ),
    plain_turn(
        "Hide the gateway behind an interface.", "There is a `Gateway` protocol with two implementations, one of them for tests."
    ),
)
SEARCH = (
    plain_turn(
        "The search is slow with 50,000 products. Find out why.", "Every key press reads the whole table: there is no index."
    ),
    plain_turn("Add one.", "A full-text index makes it **4 ms** instead of 900. Ranking by popularity is still missing."),
)
SEARCH_AFTER = (
    plain_turn("Now rank by popularity.", "I can, but I see no search in what I know so far. Which one do you mean?"),
)
LOGGING = (plain_turn("Make all log lines structured.", "Every line is JSON with `event`, `order` and `took_ms` now."),)
LOGGING_AFTER = (plain_turn("And drop the debug lines.", "I removed eleven calls of `log.debug`."),)
CACHE = (
    DemoTurn(
        "Is the price cache ever emptied?",
        (
            task(
                "Look for every use of the cache",
                "Find every place that reads or empties the price cache.",
                plain_turn(
                    "Find every place that reads or empties the price cache.", "It is read in 4 places and emptied in none."
                ),
            ),
            Says("No: it is read in four places, and emptied in none. It grows until the next deploy."),
        ),
    ),
)
CLI = (
    plain_turn(
        "How much work is it to port our command line to Rust?", "About a week: nine commands, two of which need the network."
    ),
    plain_turn("Port `import` first.", "I began with `import`: reading works, and the progress bar is next."),
)
CART = (
    plain_turn("Why does the app forget the cart when it is closed?", "The cart is only ever in memory: nothing writes it down."),
    plain_turn("Keep it on the phone, then.", "Every change goes to `cart.json` now, and the app reads it at its start."),
)
LINTER = (
    plain_turn("Which lint rules would help us most?", "`B`, `SIM` and `UP` find 61 real things here. `D` would only be noise."),
)
CI = (plain_turn("Set up CI for pull requests.", "There is a workflow now that runs lint, types and tests on three systems."),)
BUILD = (
    plain_turn(
        "Explain what `build.sh` does.", "It packs the site, writes hashes into the file names, and copies all to `dist/`."
    ),
    plain_turn(
        "Why does it take a minute?", "Image compression, 48 of 60 seconds. A cache by content hash would save nearly all of it."
    ),
)
