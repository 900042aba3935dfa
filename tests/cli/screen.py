"""A terminal's screen, as far as the live table uses one: text, \\r, \\n, cursor up, erase."""

import re

SEQUENCE = re.compile(r"\x1b\[(\d*)([A-Za-z])")


class Screen:
    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.lines = [""]  # all that was written; the last `rows` of them are on the screen
        self.row, self.column = 0, 0
        self.wrapped = 0  # times that text went on in the next line
        self.unfinished = ""

    def top(self):
        return max(0, len(self.lines) - self.rows)

    def feed(self, text):
        text = self.unfinished + text
        self.unfinished = ""
        place = 0
        while place < len(text):
            if text[place] == "\x1b":
                match = SEQUENCE.match(text, place)
                if not match:
                    assert len(text) - place < 8, f"no sequence: {text[place:place + 20]!r}"
                    self.unfinished = text[place:]
                    return
                self.control(match[2], int(match[1] or 1 if match[2] == "A" else match[1] or 0))
                place = match.end()
            else:
                self.character(text[place])
                place += 1

    def control(self, letter, number):
        if letter == "A":
            assert self.row - number >= self.top(), "up beyond the screen"
            self.row -= number
        elif letter == "K" and number == 0:
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif letter == "J" and number == 0:
            self.lines[self.row] = self.lines[self.row][:self.column]
            del self.lines[self.row + 1:]
        else:
            raise AssertionError(f"unknown sequence ESC [ {number} {letter}")

    def character(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.row += 1
            if self.row == len(self.lines):
                self.lines.append("")
        else:
            assert character >= " ", f"unknown control character {character!r}"
            if self.column == self.columns:
                self.wrapped += 1
                self.character("\r")
                self.character("\n")
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[:self.column] + character + line[self.column + 1:]
            self.column += 1

    def text(self):
        return "\n".join(line.rstrip() for line in self.lines).rstrip("\n")


def test_a_screen_overwrites_erases_and_wraps():
    screen = Screen(5, 3)
    screen.feed("abc\r\ndef\r\n\x1b[2AX\x1b[K\r\ny")
    assert screen.text() == "X\nyef"
    screen.feed("\x1b[J123456")
    assert screen.text() == "X\ny1234\n56" and screen.wrapped == 1
