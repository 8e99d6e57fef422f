# shellcheck shell=sh
# Setting values in a JSON5 file without touching anything else in it. Sourced, never run.
#
# The file is its owner's: they write comments, order and layout into it. So nothing is parsed and printed
# again; the text of one value is found and exchanged, or a new key is put at the top of its object.

# json5_merge FILE VALUE_FILE...: FILE with each value set, on standard output. A value file is named
# set.<path> (set.gateway.bind); an empty one sets nothing. Exit 3 FILE, 4 a value is not understood: the
# reason is on standard error, and nothing on standard output.
json5_merge() {
	json5_target=$1
	shift
	JSON5_TARGET=$json5_target awk '
	function die(code, why) { failed = code; if (!said) { said = 1; print why | "cat >&2"; close("cat >&2") } }
	# The text is L[1..n]; the cursor is (row, col), and a line ends with an imaginary newline.
	function here() { return row > n ? "" : col > length(L[row]) ? "\n" : substr(L[row], col, 1) }
	function step() { if (col > length(L[row])) { row++; col = 1 } else col++ }
	# Never the text itself: it may be a key that was pasted in the wrong place.
	function wrong(what) { if (!broken) broken = "line " row ": " what }
	function gap(   c, two) {
		while (!broken && (c = here()) != "") {
			two = substr(L[row], col, 2)
			if (c ~ /[ \t\r\n\f\v]/) step()
			else if (two == "//") { row++; col = 1 }
			else if (two == "/*") {
				col += 2
				while (row <= n && substr(L[row], col, 2) != "*/") step()
				if (row > n) wrong("a comment has no end"); else col += 2
			} else if (substr(L[row], col, 3) == "\357\273\277" || substr(L[row], col, 2) == "\302\240") col += substr(L[row], col, 1) == "\357" ? 3 : 2
			else return
		}
	}
	# A string; its raw content is left in word.
	function quoted(   q, c) {
		q = here(); step(); word = ""
		while ((c = here()) != q) {
			if (c == "" || c == "\n") { wrong("a string has no end"); return }
			word = word c; step()
			if (c == "\\") { word = word here(); step() }
		}
		step()
	}
	function bare(   c) {
		word = ""
		while ((c = here()) != "" && c !~ /[][{}:,"\047\/ \t\r\n\f\v]/) { word = word c; step() }
		return word
	}
	# The value at the cursor. Its tokens, told apart from their layout, are added to seen.
	# want: which step of the path this object may hold, 0 for none.
	function value(want,   c) {
		if (broken) return
		c = here()
		if (c == "{") object(want)
		else if (c == "[") list()
		else if (c == "\"" || c == "\047") { quoted(); seen = seen "\"" word "\"" }
		else if (bare() ~ /^([+-]?[0-9.][0-9A-Za-z.+-]*|[+-]?Infinity|[+-]?NaN|true|false|null)$/) seen = seen word
		else wrong("a value is wanted")
	}
	function list(   first) {
		step(); seen = seen "["; first = 1
		while (!broken) {
			gap()
			if (here() == "]") { step(); seen = seen "]"; return }
			if (!first) seen = seen ","
			first = 0; value(0); gap()
			if (here() == ",") step()
			else if (here() != "]") wrong("a comma or ] is missing in a list")
		}
	}
	function object(want,   key, r1, c1, r0, c0, from, first) {
		r0 = row; c0 = col; step(); seen = seen "{"; first = 1
		# How far the path leads: this object is where a missing step would go. The last of two equal keys
		# counts, as in any JSON reader, so an earlier find is forgotten by a later one.
		if (want && want > depth) { depth = want; atrow = r0; atcol = c0 }
		while (!broken) {
			gap()
			if (here() == "}") { step(); seen = seen "}"; return }
			if (here() == "\"" || here() == "\047") quoted()
			else if (bare() == "" || word ~ /^[0-9+-]/) { wrong("a key or } is wanted"); return }
			key = word; gap()
			if (here() != ":") { wrong("a colon is missing after a key"); return }
			step(); gap()
			if (!first) seen = seen ","
			first = 0; seen = seen "\"" key "\":"
			if (want && key == P[want]) {
				depth = want; atrow = r0; atcol = c0; hit = 0
				r1 = row; c1 = col; from = length(seen)
				value(want < steps && here() == "{" ? want + 1 : 0)
				if (depth == want) { hit = 1; hitrow = r1; hitcol = c1; endrow = row; endcol = col; hitseen = substr(seen, from + 1) }
			} else value(0)
			gap()
			if (here() == ",") step()
			else if (here() != "}") wrong("a comma or } is missing")
		}
	}
	function parse(want) { row = col = 1; seen = broken = ""; depth = hit = 0; gap(); value(want); gap(); if (!broken && row <= n) wrong("text after the end") }
	# Rows r1..r2 from column c1 to before c2 become text.
	function splice(r1, c1, r2, c2, text,   i, k, parts, by) {
		k = split(substr(L[r1], 1, c1 - 1) text substr(L[r2], c2), parts, "\n"); by = k - (r2 - r1 + 1)
		if (by > 0) for (i = n; i > r2; i--) L[i + by] = L[i]
		if (by < 0) for (i = r2 + 1; i <= n; i++) L[i + by] = L[i]
		for (i = 1; i <= k; i++) L[r1 + i - 1] = parts[i]
		n += by
	}
	function nest(i,   s, j) { s = new; for (j = steps; j > i; j--) s = "{ \"" P[j] "\": " s " }"; return s }
	function pad(k,   s) { for (s = ""; k > 0; k--) s = s "  "; return s }
	function set(path, text,   newseen, tail) {
		n = split(text, L, "\n"); parse(0)
		if (broken) { die(4, path ": " broken); return }
		new = text; newseen = seen; steps = split(path, P, ".")
		n = total; for (i = 1; i <= n; i++) L[i] = T[i]
		parse(1)
		if (!broken && here0() != "{") wrong("it is not an object")
		if (broken) { die(3, broken); return }
		if (hit) {
			if (depth == steps && hitseen == newseen) return
			splice(hitrow, hitcol, endrow, endcol, nest(depth))
		} else {
			row = atrow; col = atcol + 1; gap()
			tail = here() == "}" ? "\n" pad(depth - 1) : ","
			# An empty object may hold a comment: what follows the brace stays behind the new key.
			splice(atrow, atcol + 1, atrow, atcol + 1, "\n" pad(depth) "\"" P[depth] "\": " nest(depth) tail)
		}
		total = n; for (i = 1; i <= n; i++) T[i] = L[i]
	}
	function here0() { row = col = 1; gap(); return here() }
	BEGIN {
		while ((got = (getline line < ENVIRON["JSON5_TARGET"])) > 0) T[++total] = line
		if (got < 0) die(3, "it cannot be read")
		n = total; for (i = 1; i <= n; i++) L[i] = T[i]
		steps = 0; parse(0)
		if (!broken && here0() != "{") wrong("it is not an object")
		if (broken) die(3, broken)
		for (a = 1; a < ARGC && !failed; a++) {
			path = ARGV[a]; sub(/^.*\/set\./, "", path); text = ""
			while ((got = (getline line < ARGV[a])) > 0) text = text (text == "" ? "" : "\n") line
			if (got < 0) die(4, path ": it cannot be read")
			else if (text !~ /^[ \t\r\n]*$/) set(path, text)
		}
		if (!failed) for (i = 1; i <= total; i++) print T[i]
		exit failed
	}' "$@"
}
