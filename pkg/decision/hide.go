package decision

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// shortest is the length from which a value is masked wherever it stands. A shorter one is masked as a word of its own
// alone: 1 is not worth the 1 in every other number.
const shortest = 4

// cutOff ends a value that is too long to be shown.
const cutOff = "…"

// hidden is a text without some values. They are sorted, the longest first.
func hidden(text string, secrets []string) string {
	for _, secret := range secrets {
		text = without(text, secret)
	}
	return text
}

// without is a text without a value.
func without(text, secret string) string {
	out, rest := strings.Builder{}, text
	for {
		at, length := find(rest, secret)
		if at < 0 {
			out.WriteString(rest)
			return out.String()
		}
		out.WriteString(rest[:at])
		out.WriteString(masked)
		rest = rest[at+length:]
	}
}

// find finds a value in a text, or as much of it as is left where it was cut off; -1 when it is not there.
func find(text, secret string) (at, length int) {
	if len(secret) < shortest {
		return word(text, secret), len(secret)
	}
	from := 0
	for {
		next := strings.Index(text[from:], secret[:shortest])
		if next < 0 {
			return -1, 0
		}
		at = from + next
		length = common(text[at:], secret)
		end := text[at+length:]
		if length == len(secret) || end == "" || strings.HasPrefix(end, cutOff) || strings.HasPrefix(end, "...") {
			return at, length
		}
		from = at + 1
	}
}

// common is how many bytes of two texts are the same.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// word finds a value that is a word of its own; -1 when there is none.
func word(text, secret string) int {
	for from := 0; ; {
		next := strings.Index(text[from:], secret)
		if next < 0 {
			return -1
		}
		at := from + next
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[at+len(secret):])
		if !isPart(before) && !isPart(after) {
			return at
		}
		from = at + len(secret)
	}
}

// isPart says whether a character is part of a word.
func isPart(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
}
