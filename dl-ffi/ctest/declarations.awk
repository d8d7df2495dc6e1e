# The functions that dl.h declares, one a line: result, name, parameters, with a tab between.

/^\/\*\*/ { comment = 1 }
comment { if (/\*\//) comment = 0; next }
/^#/ || /^typedef/ || /^}/ || /^extern/ || /^$/ { next }
{
  text = text " " $0
  if (!/;/) next
  gsub(/[ \t]+/, " ", text)
  if (match(text, /dl_[a-z0-9_]+\(/)) {
    result = substr(text, 2, RSTART - 2)
    name = substr(text, RSTART, RLENGTH - 1)
    parameters = substr(text, RSTART + RLENGTH)
    sub(/\);.*/, "", parameters)
    sub(/ $/, "", result)
    print result "\t" name "\t" parameters
  }
  text = ""
}
