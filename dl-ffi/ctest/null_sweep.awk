# A C program that calls every function of dl.h with NULL and 0 for all that it takes, and then with nothing but the object
# that it works on. Reads what declarations.awk prints.

BEGIN {
  FS = "\t"
  print "#include \"null_sweep.h\"\n\nint main(void) {\n  make_objects();"
}

# nothing PARAMETER: what stands for it.
function nothing(parameter) {
  if (parameter ~ /dl_bytes [a-z_]+$/) return "(dl_bytes){0}"
  if (parameter ~ /dl_dlsn [a-z_]+$/) return "(dl_dlsn){0}"
  return "0"
}

# arguments FIRST: all of them, with that for the first one.
function arguments(first,    parts, count, i, list) {
  count = split($3, parts, ",")
  list = first
  for (i = 2; i <= count; i++) list = list ", " nothing(parts[i])
  return list
}

function call(wrap, first) {
  if ($1 == "dl_error *") printf "  %s(\"%s\", %s(%s));\n", wrap, $2, $2, arguments(first)
  else if ($1 == "void" || $3 == "void") printf "  %s(%s);\n", $2, $3 == "void" ? "" : arguments(first)
  else printf "  (void)%s(%s);\n", $2, arguments(first)
  calls++
}

# What makes an object out of nothing is used in make_objects.
$3 == "void" { next }

{
  split($3, parts, ",")
  call($2 ~ /^dl_error_/ ? "any" : "refused", nothing(parts[1]))
  # An object that a fixture has: the first parameter, behind a pointer of its type.
  if (parts[1] ~ /^(const )?dl_[a-z_]+ \*[a-z]+$/ && $2 !~ /_free$/) {
    object = parts[1]
    sub(/^const /, "", object)
    sub(/ \*.*/, "", object)
    sub(/^dl_/, "", object)
    if (object ~ /^(namespace|log|writer|reader|cursor|byte_writer|byte_reader|log_watcher|segment_watcher|queue|call)$/ ||
        object ~ /_options$/)
      call("any", "the_" object)
  }
}

END {
  print "  free_objects();\n  passed = 2;\n  return finish();\n}"
  if (calls < 200) { print "#error found only " calls " calls" }
}
