"""How much of one message is rendered, and how. Sizes are characters of Markdown source."""

RENDERED = 200_000  # of a message; what follows is shown as plain text
SPOKEN = 100_000  # of a message that is read aloud; nobody listens for hours
NESTING = 50  # elements; what is deeper loses its markup, not its words
LEAF = 8_000  # of an unsettled block, parsed anew at each update; of a longer one the end waits as plain text
PLAIN = 4_000  # in one block of plain text
COLUMNS = 100  # of a table; what is wider is shown as plain text
TABLE_HEAD = 2_000  # of a table whose rows settle one by one: the head is parsed with each
EVENTS = 250_000  # of the parser, per message: only hostile texts have more
FORMULA = 2_000  # of one formula; what is longer is taken for Markdown
FORMULAS = 1_000  # per message; so is what follows
COLOURED = 64_000  # of code per message; what follows stays plain
COLOURED_LIVE = 4_000  # of code that is coloured as soon as its fence closes; longer code is at the end
COLOURED_LINE = 400  # of the longest line of coloured code
CODE_LINES = 40  # of a fence that is being written, per element: a browser lays out the last one only
