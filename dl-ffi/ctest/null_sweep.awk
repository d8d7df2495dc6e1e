# A C program that calls every function of dl.h without what it needs: with NULL and 0 for all that it takes, and then once for each
# pointer that it takes, with NULL for that one and what is right for all others, and once for each text, with one that is not UTF-8.
# Reads what declarations.awk prints.
#
# What is not as it should be is found here: a pointer that the function does not say may be NULL has to be refused, and every text that
# is not UTF-8 by a function that can say so.

BEGIN {
  FS = "\t"
  # What may be NULL, by the names of parameters: a result that nobody wants, or something that says nothing.
  split("receipt receipts in_force found txids user_data prefix after compression message below", names, " ")
  for (i in names) optional[names[i]]
  # The same, of one function.
  split("dl_queue_next:calls dl_log_count:from dl_log_count:until dl_log_count_start:from dl_log_count_start:until " \
    "dl_namespace_verify:log dl_namespace_verify_start:log", names, " ")
  for (i in names) optional[names[i]]
  # What says elsewhere that it has to be there.
  split("dl_call_take_receipt:receipt dl_call_take_receipts:receipts", names, " ")
  for (i in names) needed[names[i]]
  # Texts, where a name of a log would not do.
  words["uri"] = "\"memory:c-null\""
  words["text"] = "\"1:0:0\""
  words["value"] = "\"1\""
  words["to"] = "\"renamed\""
  words["prefix"] = "\"\""
  words["key"] = "\"log\""
  words["compression"] = "\"none\""
  print "#include \"null_sweep.h\"\n\nint main(int argc, char **argv) {\n  CHECK(argc == 2);\n  make_objects(argv[1]);"
}

function name_of(parameter) {
  sub(/^.*[ *]/, "", parameter)
  return parameter
}

# Whether NULL can stand for it: a pointer, a function, or bytes, of which the pointer is one.
function is_pointer(parameter) { return parameter ~ /\*/ || parameter ~ /^dl_(callback|event_hook|bytes) [a-z_]+$/ }

function is_text(parameter) { return parameter ~ /^const char \*[a-z_]+$/ }

function is_result(parameter) { return parameter ~ /^dl_[a-z_]+ \*\*/ && $2 != "dl_queue_next" }

# Whether NULL for it is as good as something.
function may_be_null(parameter,    name) {
  name = name_of(parameter)
  if (($2 ":" name) in needed) return 0
  return name in optional || ($2 ":" name) in optional || parameter ~ /^const dl_[a-z]+_options \*options$/
}

# nothing PARAMETER: what stands for it when all is missing.
function nothing(parameter) {
  if (parameter ~ /^dl_bytes [a-z_]+$/) return "(dl_bytes){0}"
  if (parameter ~ /^dl_dlsn [a-z_]+$/) return "(dl_dlsn){0}"
  return "0"
}

# missing PARAMETER: what stands for it when it alone is missing.
function missing(parameter) { return parameter ~ /^dl_bytes [a-z_]+$/ ? "(dl_bytes){NULL, 1}" : "NULL" }

# right PARAMETER: what a caller would give.
function right(parameter,    name, type) {
  name = name_of(parameter)
  if (parameter ~ /^dl_bytes [a-z_]+$/) return "text(\"a\")"
  if (parameter ~ /^dl_dlsn [a-z_]+$/) return "(dl_dlsn){1, 0, 0}"
  if (parameter ~ /^const dl_dlsn \*/) return "&some_dlsn"
  if (parameter ~ /^dl_dlsn \*/) return "&a_dlsn"
  if (parameter ~ /^const dl_bytes \*/) return "some_payloads"
  if (parameter ~ /^dl_bytes \*/) return "room_for_payloads"
  if (parameter ~ /^const int64_t \*/) return "some_txids"
  if (parameter ~ /^dl_callback /) return "some_callback"
  if (parameter ~ /^dl_event_hook /) return "some_hook"
  if (parameter ~ /^const char \*/) return name in words ? words[name] : "\"orders\""
  if (name == "timeout_ms") return "10"
  if (name ~ /^(max|count|length)$/ && parameter !~ /\*/) return "2"
  if (parameter ~ /\*\*/) return is_result(parameter) ? "(void *)room" : "(void *)scratch"
  if (parameter ~ /^(const )?dl_[a-z_]+ \*/) {
    type = parameter
    sub(/^const dl_/, "", type)
    sub(/^dl_/, "", type)
    sub(/ \*.*/, "", type)
    # These need something that went wrong; without them the function lacks two arguments.
    return type ~ /^(event|finding|in_progress)$/ ? "NULL" : "the_" type
  }
  if (parameter ~ /\*/) return "(void *)scratch"
  return "0"
}

# call WRAP ARGUMENTS
function call(wrap, list) {
  if ($1 == "dl_error *") printf "  %s(\"%s\", %s(%s));\n", wrap, $2, $2, list
  else if ($1 == "void") printf "  %s(%s);\n", $2, list
  else printf "  (void)%s(%s);\n", $2, list
  calls++
}

# call_with PLACE WHAT WRAP: with this for the parameter at a place, and what is right for all others.
function call_with(place, what, wrap,    i, list, type) {
  for (i = 1; i <= count; i++) list = list (i > 1 ? ", " : "") (i == place ? what : right(parameters[i]))
  call(wrap, list)
  for (i = 1; i <= count; i++) {
    if (i == place || !is_result(parameters[i])) continue
    type = parameters[i]
    sub(/ \*\*.*/, "", type)
    printf "  %s_free(taken());\n", type
  }
}

# What makes an object out of nothing is used in make_objects.
$3 == "void" { next }

{
  count = split($3, parameters, /, */)
  list = nothing(parameters[1])
  for (i = 2; i <= count; i++) list = list ", " nothing(parameters[i])
  call($2 ~ /^dl_error_/ ? "any" : "refused", list)
}

$2 ~ /_free$/ { next }

{
  for (without = 1; without <= count; without++) {
    if (!is_pointer(parameters[without])) continue
    is_optional = $2 ~ /^dl_error_/ || may_be_null(parameters[without])
    call_with(without, missing(parameters[without]), is_optional ? "any" : "refused")
    if (!is_text(parameters[without])) continue
    call_with(without, "\"a\\xff\"", $2 ~ /^dl_error_/ ? "any" : "not_utf8")
    texts++
  }
}

END {
  print "  free_objects();\n  passed = 3;\n  return finish();\n}"
  if (texts < 60) { print "#error found only " texts " texts" }
  if (calls < 800) { print "#error found only " calls " calls" }
}
