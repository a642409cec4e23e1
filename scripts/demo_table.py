"""The demo's table: what each side holds, released and received, drawn again in place on a terminal."""
import shutil
import sys
import unicodedata

WIDTH_FIRST = 34
WIDTH_LINK = 20
BOLD, DIM, GREEN, YELLOW, RED, PLAIN = '\033[1m', '\033[2m', '\033[32m', '\033[33m', '\033[31m', '\033[0m'


def cells(text):
    return sum(2 if unicodedata.east_asian_width(c) in 'WF' else 1 for c in text)


def pad(text, width):
    return text + ' ' * max(0, width - cells(text))


class Screen:
    """Prints; on a terminal the table is drawn over the one before."""

    def __init__(self, live):
        self.live = live and sys.stdout.isatty()
        self.colours = sys.stdout.isatty()
        self.drawn = 0

    def paint(self, colour, text):
        return f'{colour}{text}{PLAIN}' if self.colours else text

    def say(self, text='', colour=''):
        self.drawn = 0
        print(self.paint(colour, text) if colour else text, flush=True)

    def table(self, lines):
        if self.live and self.drawn:
            sys.stdout.write(f'\033[{self.drawn}A\033[J')
        columns = shutil.get_terminal_size((200, 50)).columns
        for line in lines:
            print(line if not self.live or cells(line) <= columns + 20 else line[:columns])
        sys.stdout.flush()
        self.drawn = len(lines)


def short(root):
    return root[:10] if root else '-'


def milliseconds(micro):
    return '-' if not micro else f'{micro / 1000:.1f} ms' if micro < 1000000 else f'{micro / 1000000:.2f} s'


class Link:
    """One direction: what `here` released to the audience `name`, and what the other end says of it."""

    def __init__(self, title, ours, theirs, rules):
        self.title, self.ours, self.theirs, self.rules = title, ours, theirs, rules

    def in_step(self):
        if self.theirs is None:  # by TAXII: no receipts, and signed when it is read
            return True
        size = self.ours.get('ledger_size', 0)
        return (size == self.ours.get('ledger_visible') == self.theirs.get('received') == self.ours.get('receipted') and
                self.ours.get('ledger_root') == self.theirs.get('received_root'))

    def state(self, screen):
        if not self.in_step():
            return screen.paint(YELLOW, pad('under way', WIDTH_LINK))
        return screen.paint(GREEN, pad('in step' if self.theirs is not None else 'reads when it likes', WIDTH_LINK))


ROWS = (
    ('released', lambda link: link.ours.get('released', 0)),
    ('held, a rule waits for a person', lambda link: link.ours.get('held', 0)),
    ('withheld with what they refer to', lambda link: link.ours.get('blocked', 0)),
    ('denied', lambda link: link.ours.get('denied', 0)),
    ('received there', lambda link: '(TAXII)' if link.theirs is None else link.theirs.get('received', 0)),
    ('refused there', lambda link: '-' if link.theirs is None else link.theirs.get('refused_here', 0)),
    ('ledger size', lambda link: link.ours.get('ledger_size', 0)),
    ('ledger root here', lambda link: short(link.ours.get('ledger_root'))),
    ('ledger root there', lambda link: '-' if link.theirs is None else short(link.theirs.get('received_root'))),
    ('receipt for', lambda link: '-' if link.theirs is None else link.ours.get('receipted', 0)),
    ('release to arrival, p50', lambda link: '-' if link.theirs is None else milliseconds(link.theirs.get('latency_p50_us'))),
    ('release to arrival, p99', lambda link: '-' if link.theirs is None else milliseconds(link.theirs.get('latency_p99_us'))),
)


def rule_rows(links):
    """One row a rule that keeps something from somebody, by its name."""
    keys = sorted({key for link in links for key in link.rules})
    return [(f'  {effect} by {rule}', [link.rules.get((effect, rule), 0) for link in links]) for effect, rule in keys]


def table(screen, held, links):
    lines = [screen.paint(DIM, '  '.join(f'{name} holds {count} objects' for name, count in held.items())),
             screen.paint(BOLD, pad('', WIDTH_FIRST) + ''.join(pad(link.title, WIDTH_LINK) for link in links))]
    for name, value in ROWS:
        lines.append(pad(name, WIDTH_FIRST) + ''.join(pad(str(value(link)), WIDTH_LINK) for link in links))
        if name == 'denied':
            lines += [screen.paint(DIM, pad(text, WIDTH_FIRST) + ''.join(pad(str(value or ''), WIDTH_LINK) for value in values))
                      for text, values in rule_rows(links)]
    state = [link.state(screen) for link in links]
    return lines + [pad('', WIDTH_FIRST) + ''.join(state)]
